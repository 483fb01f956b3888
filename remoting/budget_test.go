//go:build !race

package remoting

// The race detector allocates and costs memory, so what is held here runs without
// it.

import (
	"io"
	"runtime"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestInlinePathAllocatesNothing holds the budget of the hot path.
func TestInlinePathAllocatesNothing(t *testing.T) {
	answer := protocol.SendMessageResponseHeader{MsgID: "0123456789ABCDEF", QueueID: 1, QueueOffset: 7}
	var h protocol.SendMessageRequestHeaderV2
	ref := [][]byte{make([]byte, 2*copyBelow)}
	released := func() {}
	s := startServer(t, ServerOptions{OnOutcome: func(Outcome) {}}, table(t,
		Route{Code: protocol.SendMessageV2, Handle: func(r *Request) error {
			if err := r.Decode(&h); err != nil {
				return err
			}
			r.Reply(protocol.ResponseSuccess, "", &answer, nil)
			return nil
		}},
		Route{Code: protocol.PullMessage, Handle: func(r *Request) error {
			r.ReplyBuffers(protocol.ResponseSuccess, "FOUND", nil, ref, released)
			return nil
		}},
	))
	header := protocol.SendMessageRequestHeaderV2{ProducerGroup: "g", Topic: "t", DefaultTopic: "TBW102", DefaultTopicQueueNums: 4, Properties: "a\x01b\x02"}
	send := codec.Command{Code: int32(protocol.SendMessageV2), Version: protocol.V5_5_0, Header: &header, Body: make([]byte, 1024)}
	for _, form := range []codec.SerializeType{codec.SerializeJSON, codec.SerializeRocketMQ} {
		send.Serialize = form
		pull := request(protocol.PullMessage, 1, "")
		pull.Serialize = form
		for name, cmd := range map[string]codec.Command{"send": send, "pull": pull} {
			w := dial(t, s.addr)
			wireBytes := encode(cmd)
			w.send(wireBytes)
			size := 4 + len(w.raw())
			in := make([]byte, size)
			round := func() {
				if _, err := w.Conn.Write(wireBytes); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(w.Conn, in); err != nil {
					t.Fatal(err)
				}
			}
			if n := testing.AllocsPerRun(500, round); n != 0 {
				t.Errorf("%s in %v: %v allocations per request", name, form, n)
			}
		}
	}
}

// TestIdleConnectionIsCheap holds what 5,000 silent connections may cost: a few KB
// each, goroutine and both ends of the bookkeeping included.
func TestIdleConnectionIsCheap(t *testing.T) {
	const n = 1000
	s := startServer(t, ServerOptions{}, echoTable(t))
	memory := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	clients := make([]wire, n)
	for i := range clients {
		clients[i] = dial(t, s.addr)
		clients[i].send(encode(request(codeEcho, 1, "hello")))
		clients[i].frame()
	}
	each := (memory() - before) / n
	t.Logf("%d bytes for each connection, the test's own end included", each)
	if each > 8<<10 {
		t.Errorf("%d bytes for each connection, 8 KiB is the budget", each)
	}
}
