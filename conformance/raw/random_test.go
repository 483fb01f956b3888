package raw

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

func readSubjects(t *testing.T) *subjects {
	t.Helper()
	text, err := scripts.ReadFile(randomFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSubjects(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRandomRequestsKnowEveryCode: whatever clients, tools and 5.x features ask for is asked for at random.
func TestRandomRequestsKnowEveryCode(t *testing.T) {
	drawn := map[protocol.RequestCode]bool{}
	for _, c := range readSubjects(t).all {
		code, _ := c.code()
		drawn[code] = true
	}
	for _, info := range protocol.RequestCodes() {
		if (info.Tier == 1 || info.Tier == 2 || info.Tier == 4) && !drawn[info.Code] {
			t.Errorf("%s (%d) is in no subject", info.Name, info.Code)
		}
	}
}

// TestRandomSequences: a sequence is the same every time, others are others, and each of its
// commands can be written as a line of a conversation and read again.
func TestRandomSequences(t *testing.T) {
	s := readSubjects(t)
	lines := func(seed, n uint64) []string {
		var all []string
		for _, c := range s.sequence(seed, n) {
			all = append(all, c.line())
			again, err := parseCommand(c.line())
			if err != nil || again.line() != c.line() || len(again.fields) != len(c.fields) {
				t.Fatalf("%s is read as %s, %v", c.line(), again.line(), err)
			}
			for k, v := range c.fields {
				if again.fields[k] != v {
					t.Fatalf("%s: %s is read as %q", c.line(), k, again.fields[k])
				}
			}
		}
		return all
	}
	for n := range uint64(300) {
		if !slices.Equal(lines(1, n), lines(1, n)) {
			t.Fatalf("sequence %d is another one the second time", n)
		}
	}
	if one := strings.Join(lines(1, 1), "\n"); one == strings.Join(lines(1, 2), "\n") || one == strings.Join(lines(2, 1), "\n") {
		t.Error("another sequence, or seed, gives the same commands")
	}
}

// TestRandomFindsWhatDiffers: systems that answer the same agree, and one that does not is told of
// with the request that shows it.
func TestRandomFindsWhatDiffers(t *testing.T) {
	r := &Random{Seed: 1, Count: 40}
	c, err := r.Case()
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = conformance.Settings{} // the stand-ins have none
	play := func(offset string) conformance.Result {
		address := standIn(t, offset)
		target := &conformance.Target{Kind: conformance.KindExternal, Implementation: "stand-in", NameServers: []string{address}, Brokers: []string{address}}
		runner := conformance.Runner{Parallel: 1, Clusters: 1}
		return runner.Run(t.Context(), target, []conformance.Case{c})[0]
	}
	for range 2 {
		if got := play("7"); got.Status != conformance.Passed {
			t.Fatalf("%s %s %s", got.Status, got.Reason, got.Lines)
		}
	}
	got := play("8")
	told := strings.Join(got.Lines, "\n")
	if got.Status != conformance.Failed || !strings.Contains(told, "send broker GET_MAX_OFFSET") || !strings.Contains(told, "- offset=7\n+ offset=8\n") {
		t.Errorf("another offset: %s\n%s", got.Status, told)
	}
}

// standIn is a server that answers every request with success, and GET_MAX_OFFSET with an offset.
func standIn(t *testing.T, offset string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	var serving sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				for {
					f, err := wire.ReadFrame(conn)
					if err != nil {
						return
					}
					answer := &wire.Frame{Opaque: f.Opaque, Flag: wire.FlagResponse, Ext: map[string]string{}}
					switch protocol.RequestCode(f.Code) {
					case protocol.GetMaxOffset:
						answer.Ext["offset"] = offset
					case protocol.GetBrokerRuntimeInfo:
						answer.Body = []byte(`{"table":{"dispatchBehindBytes":"0"}}`)
					case protocol.GetBrokerClusterInfo:
						answer.Body = []byte(`{"brokerAddrTable":{"b":{"brokerAddrs":{0:"` + address + `"},"brokerName":"b"}}}`)
					}
					b, err := answer.Encode()
					if err != nil || f.Flag&wire.FlagOneway != 0 {
						continue
					}
					if _, err := conn.Write(b); err != nil {
						return
					}
				}
			})
		}
	})
	return address
}
