//go:build !race

package broker

import (
	"bytes"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestHotPathAllocatesNothing holds the budget of the send and the pull path:
// from the socket through handler, store and dispatcher and back to the socket,
// a message allocates nothing once things are warm. What grows with the number
// of messages, such as the tails of consume queues, is amortised.
func TestHotPathAllocatesNothing(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.MappedFileSizeCommitLog = 256 << 20 // one segment for all: those behind are unmapped when they are synced, and read into memory of the reader's
	b, _ := runBroker(t, cfg)
	w := dialBroker(t, b)
	body := bytes.Repeat([]byte("x"), 1024)
	send := sendCommand("hot", 0, body)
	single := codec.AppendCommand(nil, send)
	var pipelined []byte
	for range 16 {
		pipelined = append(pipelined, single...)
	}
	batch := sendCommand("hot", 1, batchBody(t, 32, body))
	batch.Code = int32(protocol.SendBatchMessage)
	heartbeat(t, w)
	registered := pullCommand("hot", 0, 100, 0)
	registered.Header.(*protocol.PullMessageRequestHeader).SysFlag &^= protocol.PullFlagSubscription
	rounds := []struct {
		name    string
		request []byte
		answers int
		code    protocol.ResponseCode
	}{
		{"send", single, 1, protocol.ResponseSuccess},
		{"16 sends at once", pipelined, 16, protocol.ResponseSuccess},
		{"batch of 32", codec.AppendCommand(nil, batch), 1, protocol.ResponseSuccess},
		{"pull", codec.AppendCommand(nil, pullCommand("hot", 0, 0, 0)), 1, protocol.ResponseSuccess},
		{"pull of new messages", codec.AppendCommand(nil, pullCommand("hot", 0, 400, 0)), 1, protocol.ResponseSuccess},
		{"pull that finds nothing", codec.AppendCommand(nil, pullCommand("hot", 3, 0, 0)), 1, protocol.ResponsePullNotFound},
		{"pull of a registered consumer", codec.AppendCommand(nil, registered), 1, protocol.ResponseSuccess},
	}
	for _, r := range rounds {
		for range 20 { // whatever has to be made is made now
			w.exchange(r.request, r.answers)
		}
		var f codec.Frame
		if err := f.Decode(w.exchange(r.request, r.answers)); err != nil || f.Code != int32(r.code) {
			t.Fatalf("%s: %d %s, %v", r.name, f.Code, f.Remark, err)
		}
		// The whole process is measured: what something else allocates meanwhile is
		// not in every attempt.
		n := testing.AllocsPerRun(200, func() { w.exchange(r.request, r.answers) })
		for attempt := 0; n != 0 && attempt < 5; attempt++ {
			n = min(n, testing.AllocsPerRun(200, func() { w.exchange(r.request, r.answers) }))
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", r.name, n)
		}
	}
}
