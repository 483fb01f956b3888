package ops

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBroker is name server and broker of one topic with two queues.
type fakeBroker struct {
	mu     sync.Mutex // guards queues
	queues [2][][]byte
	addr   string
}

func startBroker(t *testing.T) *fakeBroker {
	t.Helper()
	b := &fakeBroker{}
	table, err := remoting.NewTable(append(b.doctorRoutes(),
		remoting.Route{Code: protocol.GetRouteinfoByTopic, Handle: b.route},
		remoting.Route{Code: protocol.GetMinOffset, Handle: func(r *remoting.Request) error {
			r.Reply(protocol.ResponseSuccess, "", &protocol.GetMinOffsetResponseHeader{}, nil)
			return nil
		}},
		remoting.Route{Code: protocol.GetMaxOffset, Handle: func(r *remoting.Request) error {
			var h protocol.GetMaxOffsetRequestHeader
			if err := r.Decode(&h); err != nil {
				return err
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			r.Reply(protocol.ResponseSuccess, "", &protocol.GetMaxOffsetResponseHeader{Offset: int64(len(b.queues[h.QueueID]))}, nil)
			return nil
		}},
		remoting.Route{Code: protocol.PullMessage, Handle: b.pull},
		remoting.Route{Code: protocol.SendMessageV2, Handle: b.send},
	)...)
	if err != nil {
		t.Fatal(err)
	}
	s := remoting.NewServer(remoting.ServerOptions{}, table)
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = addr.String()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

func (b *fakeBroker) route(r *remoting.Request) error {
	text, err := compat.MarshalFastjson(&protocol.TopicRouteData{
		BrokerDatas: []*protocol.BrokerData{{BrokerName: "b", Cluster: "c", BrokerAddrs: map[int64]string{0: b.addr}}},
		QueueDatas:  []*protocol.QueueData{{BrokerName: "b", Perm: 6, ReadQueueNums: 2, WriteQueueNums: 2}},
	})
	r.Reply(protocol.ResponseSuccess, "", nil, text)
	return err
}

// put stores a message as brokers do.
func (b *fakeBroker) put(queue int32, body, props string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	host := netip.MustParseAddrPort("127.0.0.1:10911")
	record, err := codec.AppendRecord(nil, &codec.Message{
		Topic: "T", QueueID: queue, QueueOffset: int64(len(b.queues[queue])), Body: []byte(body), BornHost: host, StoreHost: host, Properties: props,
	})
	b.queues[queue] = append(b.queues[queue], record)
	return err
}

func (b *fakeBroker) send(r *remoting.Request) error {
	var h protocol.SendMessageRequestHeaderV2
	if err := r.Decode(&h); err != nil {
		return err
	}
	err := b.put(h.QueueID, string(r.Body), h.Properties)
	r.Reply(protocol.ResponseSuccess, "", &protocol.SendMessageResponseHeader{QueueID: h.QueueID}, nil)
	return err
}

// pull answers at once with one message at most, so that readers have to go on.
func (b *fakeBroker) pull(r *remoting.Request) error {
	var h protocol.PullMessageRequestHeader
	if err := r.Decode(&h); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	end := int64(len(b.queues[h.QueueID]))
	answer := &protocol.PullMessageResponseHeader{NextBeginOffset: h.QueueOffset, MaxOffset: end}
	if h.QueueOffset >= end {
		r.Reply(protocol.ResponsePullNotFound, "", answer, nil)
		return nil
	}
	answer.NextBeginOffset++
	r.Reply(protocol.ResponseSuccess, "", answer, b.queues[h.QueueID][h.QueueOffset])
	return nil
}

func run(ctx context.Context, in string, args ...string) (code int, out, errText string) {
	var o, e bytes.Buffer
	code = cli.Main(ctx, Commands(), cli.Env{
		Program: "tool", In: strings.NewReader(in), Out: &o, Err: &e, Getenv: func(string) string { return "" }, ReadFile: os.ReadFile,
	}, args)
	return code, o.String(), e.String()
}

func TestProduceConsumeTail(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	ctx := t.Context()
	code, out, errText := run(ctx, "{\"body\":\"one\",\"tags\":\"x\"}\n{\"body\":\"two\",\"keys\":\"k\"}\n{\"body\":\"three\"}\n", "produce", "-n", b.addr, "-t", "T")
	if code != 0 || out != "3 messages sent\n" {
		t.Fatalf("produce ended with %d\n%s%s", code, out, errText)
	}
	code, out, errText = run(ctx, "", "consume", "-n", b.addr, "-t", "T", "-r")
	if code != 0 || out != "one\nthree\ntwo\n" { // queue 0, then queue 1
		t.Errorf("consume ended with %d\n%s%s", code, out, errText)
	}
	// What consume writes, produce takes.
	_, lines, _ := run(ctx, "", "consume", "-n", b.addr, "-t", "T")
	if code, out, errText = run(ctx, lines, "produce", "-n", b.addr, "-t", "T"); code != 0 || out != "3 messages sent\n" {
		t.Errorf("a copy ended with %d\n%s%s", code, out, errText)
	}
	for args, want := range map[string]int{"-c 1": 2, "-c 10": 6, "-c 10 -k k": 2, "-c 10 -e ^t": 4, "-c 10 -i 1": 2, "-c 10 -s x": 2} {
		code, out, errText := run(ctx, "", append([]string{"tail", "-n", b.addr, "-t", "T"}, strings.Fields(args)...)...)
		if n := strings.Count(out, "\n"); code != 0 || n != want {
			t.Errorf("tail %s ended with %d and %d lines, want %d\n%s%s", args, code, n, want, out, errText)
		}
	}
	if code, _, errText := run(ctx, "{}\n", "produce", "-n", b.addr, "-t", "T"); code != 1 || !strings.Contains(errText, "line 1 of the input: neither body") {
		t.Errorf("a line without body ended with %d: %s", code, errText)
	}
}

// writer ends a context once it has seen enough lines.
type writer struct {
	mu    sync.Mutex // guards what follows
	text  strings.Builder
	lines int
	end   func()
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.lines -= bytes.Count(p, []byte("\n")); w.lines <= 0 {
		w.end()
	}
	return len(p), nil
}

func TestTailFollows(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	for i := range 4 {
		if err := b.put(int32(i%2), fmt.Sprint("m", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &writer{lines: 4, end: cancel}
	code := cli.Main(ctx, Commands(), cli.Env{
		Program: "tool", Out: w, Err: w, Getenv: func(string) string { return "" }, ReadFile: os.ReadFile,
	}, []string{"tail", "-f", "-n", b.addr, "-t", "T"})
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range 4 {
		if !strings.Contains(w.text.String(), fmt.Sprint("m", i)) {
			t.Errorf("message %d was not shown:\n%s", i, w.text.String())
		}
	}
	if code != 0 {
		t.Errorf("an interrupted tail ended with %d:\n%s", code, w.text.String())
	}
}
