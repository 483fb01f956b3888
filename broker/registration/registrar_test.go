package registration

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// servers plays the name servers of a test: it keeps what it was sent and
// answers as each address's script says.
type servers struct {
	mu     sync.Mutex // guards sent
	sent   map[string][]codec.Command
	answer map[string]func(c *codec.Command) (*codec.Frame, error)
}

func (s *servers) Call(ctx context.Context, addr string, c *codec.Command) (*codec.Frame, error) {
	s.mu.Lock()
	if s.sent == nil {
		s.sent = map[string][]codec.Command{}
	}
	s.sent[addr] = append(s.sent[addr], *c)
	s.mu.Unlock()
	if answer := s.answer[addr]; answer != nil {
		return answer(c)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *servers) OneWay(context.Context, string, *codec.Command) error { return nil }

func done(ext codec.Fields, body []byte) func(*codec.Command) (*codec.Frame, error) {
	return func(*codec.Command) (*codec.Frame, error) { return &codec.Frame{Ext: ext, Body: body}, nil }
}

var who = Identity{Cluster: "C", Name: "broker-a", Addr: "127.0.0.1:10911", HAAddr: "127.0.0.1:10912"}

func topics() Topics {
	c := protocol.DefaultTopicConfig("Orders")
	return Topics{Table: map[string]*protocol.TopicConfig{"Orders": &c}, Version: protocol.DataVersion{Counter: 3, Timestamp: 1750000000000}}
}

func TestRegisterTellsEveryServerAndKeepsWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{answer: map[string]func(*codec.Command) (*codec.Frame, error){
			"a:9876": done(codec.Fields{{Key: "haServerAddr", Value: "m:10912"}, {Key: "masterAddr", Value: "m:10911"}}, []byte(`{"table":{"Orders":"broker-a:4"}}`)),
			"b:9876": func(*codec.Command) (*codec.Frame, error) { return nil, errors.New("connection refused") },
		}} // c:9876 never answers
		r := New(who, s, []string{"a:9876", "b:9876", "c:9876"}, Form{Timeout: time.Second})
		results, err := r.Register(t.Context(), topics())
		if len(results) != 1 || results[0].MasterAddr != "m:10911" || results[0].HAAddr != "m:10912" || results[0].OrderTopic["Orders"] != "broker-a:4" {
			t.Errorf("results %+v", results)
		}
		if err == nil || !strings.Contains(err.Error(), "name server b:9876: connection refused") || !strings.Contains(err.Error(), "name server c:9876") {
			t.Errorf("error %v", err)
		}
		for _, addr := range []string{"a:9876", "b:9876", "c:9876"} {
			if len(s.sent[addr]) != 1 {
				t.Errorf("%s was sent %d commands", addr, len(s.sent[addr]))
			}
		}
		sent := s.sent["a:9876"][0]
		h := sent.Header.(*protocol.RegisterBrokerRequestHeader)
		if want := int32(crc32.ChecksumIEEE(sent.Body) & 0x7FFFFFFF); h.BodyCrc32.V != want || h.BrokerName != "broker-a" || h.Compressed {
			t.Errorf("header %+v, want checksum %d", h, want)
		}
		var body protocol.RegisterBrokerBody
		if err := compat.UnmarshalFastjson(sent.Body, &body); err != nil {
			t.Fatal(err)
		}
		if w := body.TopicConfigSerializeWrapper; w.DataVersion != topics().Version || w.TopicConfigTable["Orders"].WriteQueueNums != 16 {
			t.Errorf("body %s", sent.Body)
		}
	})
}

func TestRegisterReportsARefusal(t *testing.T) {
	s := &servers{answer: map[string]func(*codec.Command) (*codec.Frame, error){
		"a:9876": func(*codec.Command) (*codec.Frame, error) {
			return &codec.Frame{Code: 1, Remark: "crc32 not match"}, nil
		},
	}}
	_, err := New(who, s, []string{"a:9876"}, Form{Timeout: time.Second}).Register(t.Context(), topics())
	if err == nil || !strings.Contains(err.Error(), "REGISTER_BROKER is answered SYSTEM_ERROR: crc32 not match") {
		t.Errorf("error %v", err)
	}
}

func TestFormMayChange(t *testing.T) {
	s := &servers{answer: map[string]func(*codec.Command) (*codec.Frame, error){"a:9876": done(nil, nil)}}
	r := New(who, s, []string{"a:9876"}, Form{Timeout: time.Second})
	forms := []Form{{Timeout: time.Second, Compressed: true}, {Timeout: time.Second, ActiveTimeout: time.Minute}}
	for i, f := range forms {
		r.SetForm(f)
		if _, err := r.Register(t.Context(), topics()); err != nil {
			t.Fatal(err)
		}
		h := s.sent["a:9876"][i].Header.(*protocol.RegisterBrokerRequestHeader)
		if h.Compressed != f.Compressed || h.HeartbeatTimeoutMillis.V != f.ActiveTimeout.Milliseconds() {
			t.Errorf("%+v: header %+v", f, h)
		}
		if text := bytes.HasPrefix(s.sent["a:9876"][i].Body, []byte("{")); text == f.Compressed {
			t.Errorf("%+v: the body begins with %q", f, s.sent["a:9876"][i].Body[:2])
		}
	}
}

func TestCompressedBody(t *testing.T) {
	body, err := encodeCompressed(topics())
	if err != nil {
		t.Fatal(err)
	}
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	version := `{"counter":3,"stateVersion":0,"timestamp":1750000000000}`
	want := slices.Concat([]byte{0, 0, 0, byte(len(version))}, []byte(version), []byte{0, 0, 0, 1, 0, 0, 0, 28},
		[]byte("Orders 16 16 6 SINGLE_TAG {}"), []byte{0, 0, 0, 2, '[', ']', 0, 0, 0, 0})
	if !bytes.Equal(raw, want) {
		t.Errorf("got  %q\nwant %q", raw, want)
	}
}

func TestChanged(t *testing.T) {
	version := protocol.DataVersion{Counter: 3, Timestamp: 1750000000000}
	same := []byte(`{"counter":3,"stateVersion":0,"timestamp":1750000000000}`)
	cases := map[string]struct {
		answer func(*codec.Command) (*codec.Frame, error)
		want   bool
	}{
		"the same":      {done(codec.Fields{{Key: "changed", Value: "false"}}, same), false},
		"server says":   {done(codec.Fields{{Key: "changed", Value: "true"}}, same), true},
		"other version": {done(codec.Fields{{Key: "changed", Value: "false"}}, []byte(`{"counter":2}`)), true},
		"no version":    {done(codec.Fields{{Key: "changed", Value: "false"}}, nil), false},
		"silence":       {func(*codec.Command) (*codec.Frame, error) { return nil, errors.New("gone") }, true},
	}
	for name, c := range cases {
		s := &servers{answer: map[string]func(*codec.Command) (*codec.Frame, error){"a:9876": c.answer}}
		if got := New(who, s, []string{"a:9876"}, Form{Timeout: time.Second}).Changed(t.Context(), version); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRegisterChanges: a server that holds the version before is told the change,
// one that does not is told everything, and one that is gone costs nothing.
func TestRegisterChanges(t *testing.T) {
	since, now := protocol.DataVersion{Counter: 3, Timestamp: 1}, protocol.DataVersion{Counter: 4, Timestamp: 2}
	knowing := func(counter string) func(c *codec.Command) (*codec.Frame, error) {
		return func(c *codec.Command) (*codec.Frame, error) {
			if c.Code == int32(protocol.QueryDataVersion) {
				return &codec.Frame{Ext: codec.Fields{{Key: "changed", Value: "false"}}, Body: []byte(`{"counter":` + counter + `,"timestamp":1}`)}, nil
			}
			return &codec.Frame{}, nil
		}
	}
	s := &servers{answer: map[string]func(*codec.Command) (*codec.Frame, error){
		"current:9876": knowing("3"), "old:9876": knowing("2"),
		"gone:9876": func(*codec.Command) (*codec.Frame, error) { return nil, errors.New("connection refused") },
	}}
	topic := func(name string) *protocol.TopicConfig { c := protocol.DefaultTopicConfig(name); return &c }
	asked := 0
	results, err := New(who, s, []string{"current:9876", "old:9876", "gone:9876"}, Form{Timeout: time.Second}).RegisterChanges(t.Context(), since,
		Topics{Table: map[string]*protocol.TopicConfig{"New": topic("New")}, Version: now},
		func() Topics {
			asked++
			return Topics{Table: map[string]*protocol.TopicConfig{"Old": topic("Old"), "New": topic("New")}}
		})
	if len(results) != 2 || asked != 1 || err == nil || !strings.Contains(err.Error(), "gone:9876: connection refused") {
		t.Errorf("results %+v, the whole table was asked for %d times, %v", results, asked, err)
	}
	for addr, want := range map[string]int{"current:9876": 1, "old:9876": 2} {
		sent := s.sent[addr]
		var body protocol.RegisterBrokerBody
		if err := compat.UnmarshalFastjson(sent[len(sent)-1].Body, &body); err != nil {
			t.Fatal(err)
		}
		if w := body.TopicConfigSerializeWrapper; len(sent) != 2 || len(w.TopicConfigTable) != want || w.DataVersion != now {
			t.Errorf("%s: %d commands, the last with %d topics of version %+v", addr, len(sent), len(w.TopicConfigTable), w.DataVersion)
		}
	}
	if n := len(s.sent["gone:9876"]); n != 1 {
		t.Errorf("the server that is gone was sent %d commands", n)
	}
}
