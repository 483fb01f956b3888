//go:build !race

package broker

import (
	"bytes"
	"testing"

	"github.com/gantrymq/gantry/broker/pop"
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

// TestBudgetsOfPopsAndHeartbeats holds what a heartbeat, a pop and an acknowledgement may allocate. Those are not free of it:
// a pop and an acknowledgement each write a record and enter it into the timer wheel, a heartbeat that is not known is a JSON
// document. But what they cost does not grow with the broker, and what stands here only goes down.
func TestBudgetsOfPopsAndHeartbeats(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	heartbeat(t, w)
	send := codec.AppendCommand(nil, sendCommand("hot", 0, bytes.Repeat([]byte("x"), 1024)))
	popOne := codec.AppendCommand(nil, popCommand("hot", 1))
	const most = 1000 // rounds of a measurement, with its attempts
	for range most {
		w.exchange(send, 1)
	}
	acks := popReceipts(t, w, most)
	beat, other := heartbeatOf(t, "client", "consumers"), heartbeatOf(t, "another", "consumers")
	for _, r := range []struct {
		name   string
		budget float64
		round  func()
	}{
		{"two heartbeats, each with another client id", 60, func() { w.exchange(other, 1); w.exchange(beat, 1) }},
		{"heartbeat that is known", 0, func() { w.exchange(beat, 1) }},
		{"acknowledgement", 55, func() { w.exchange(acks[0], 1); acks = acks[1:] }},
		{"send and pop", 75, func() { w.exchange(send, 1); w.exchange(popOne, 1) }},
	} {
		for range 20 {
			r.round()
		}
		n := testing.AllocsPerRun(100, r.round)
		for attempt := 0; n > r.budget && attempt < 5; attempt++ { // the whole process is measured
			n = min(n, testing.AllocsPerRun(100, r.round))
		}
		if t.Logf("%s: %v allocations", r.name, n); n > r.budget {
			t.Errorf("%s: %v allocations, the budget is %v", r.name, n, r.budget)
		}
	}
}

// popCommand pops up to n messages from any queue.
func popCommand(topic string, n int32) *codec.Command {
	return &codec.Command{Code: int32(protocol.PopMessage), Version: protocol.V5_5_0, Header: &protocol.PopMessageRequestHeader{
		ConsumerGroup: "consumers", Topic: topic, QueueID: -1, MaxMsgNums: n, InvisibleTime: 60_000, BornTime: 1 << 50, ExpType: protocol.ExpressionTag, Exp: "*",
	}}
}

// popReceipts pops n messages and returns the request of acknowledgement of each.
func popReceipts(t *testing.T, w *wire, n int) (acks [][]byte) {
	t.Helper()
	for len(acks) < n {
		f := w.call(popCommand("hot", 32))
		var h protocol.PopMessageResponseHeader
		if err := codec.DecodeHeader(&h, f.Ext); err != nil || f.Code != 0 {
			t.Fatalf("pop: %d %s, %v", f.Code, f.Remark, err)
		}
		for len(f.Body) > 0 {
			var m codec.Message
			var err error
			if f.Body, err = codec.DecodeRecord(f.Body, &m, true); err != nil {
				t.Fatal(err)
			}
			receipt := pop.Receipt{Start: m.QueueOffset, PopTime: h.PopTime, Invisible: h.InvisibleTime, ReviveQueue: h.ReviveQid, Origin: "0", Broker: "b", Queue: m.QueueID, Offset: m.QueueOffset}
			acks = append(acks, codec.AppendCommand(nil, &codec.Command{Code: int32(protocol.AckMessage), Version: protocol.V5_5_0, Header: &protocol.AckMessageRequestHeader{
				ConsumerGroup: "consumers", Topic: m.Topic, QueueID: m.QueueID, Offset: m.QueueOffset, ExtraInfo: string(receipt.AppendTo(nil)),
			}}))
		}
	}
	return acks
}
