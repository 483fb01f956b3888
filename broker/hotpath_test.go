package broker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestSyncFlushAnswersAreTheirOwn: answers that wait for the disk keep nothing of
// their requests, whose memory serves the next ones meanwhile.
func TestSyncFlushAnswersAreTheirOwn(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.FlushDiskType = "SYNC_FLUSH"
	b, _ := runBroker(t, cfg)
	if f := dialBroker(t, b).call(sendCommand("synced", 3, []byte("the first"))); f.Code != 0 {
		t.Fatalf("%d %s", f.Code, f.Remark)
	}
	const messages = 100
	var wires []*wire
	for c := range 3 {
		var out []byte
		for i := range messages {
			send := sendCommand("synced", int32(c), []byte("body"))
			send.Opaque = int32(i)
			send.Header.(*protocol.SendMessageRequestHeaderV2).Properties = fmt.Sprintf("UNIQ_KEY\x01key %d of %d\x02", i, c)
			out = codec.AppendCommand(out, send)
		}
		w := dialBroker(t, b)
		if _, err := w.Write(out); err != nil {
			t.Fatal(err)
		}
		wires = append(wires, w)
	}
	for c, w := range wires {
		seen := map[int32]bool{} // a send that comes when its message is flushed already is answered before older ones
		for range messages {
			var f codec.Frame
			if err := f.Decode(w.next()); err != nil {
				t.Fatal(err)
			}
			key, _ := f.Ext.Get("transactionId")
			at, _ := f.Ext.Get("queueOffset")
			i := f.Opaque
			if f.Code != 0 || i < 0 || i >= messages || seen[i] || key != fmt.Sprintf("key %d of %d", i, c) || at != fmt.Sprint(i) {
				t.Errorf("an answer to connection %d: %d %s, opaque %d, key %q, queue offset %s", c, f.Code, f.Remark, i, key, at)
			}
			seen[i] = true
		}
	}
}

// heartbeat registers a member of the group that pullCommand pulls for.
func heartbeat(t *testing.T, w *wire) {
	t.Helper()
	w.exchange(heartbeatOf(t, "client", "consumers"), 2) // the answer, and the news that the group has changed
}

// heartbeatOf is the heartbeat of a member of a group.
func heartbeatOf(t *testing.T, client, group string) []byte {
	t.Helper()
	data := protocol.HeartbeatData{ClientID: client, ProducerDataSet: []protocol.ProducerData{}, ConsumerDataSet: []protocol.ConsumerData{{
		GroupName: group, ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering,
		SubscriptionDataSet: []protocol.SubscriptionData{{Topic: "hot", SubString: "*", ExpressionType: protocol.ExpressionTag}},
	}}}
	body, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return codec.AppendCommand(nil, &codec.Command{Code: int32(protocol.HeartBeat), Version: protocol.V5_5_0, Body: body})
}

// batchBody is the body of a batch of n messages.
func batchBody(t *testing.T, n int, body []byte) []byte {
	var out []byte
	var err error
	for i := range n {
		out, err = codec.AppendBatchEntry(out, &codec.BatchEntry{Body: body, Properties: fmt.Sprintf("UNIQ_KEY\x01%032d\x02", i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestColdPull: what lies in a segment that is not mapped any more is read by a
// worker, and comes out the same.
func TestColdPull(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.MappedFileSizeCommitLog = 1 << 20
	b, stop := runBroker(t, cfg)
	w := dialBroker(t, b)
	const messages = 4096 // four segments and more
	for i := range messages {
		body := fmt.Appendf(make([]byte, 0, 1024), "message %d ", i)
		if f := w.call(sendCommand("cold", 0, body[:1024])); f.Code != 0 {
			t.Fatalf("send %d: %d %s", i, f.Code, f.Remark)
		}
	}
	stop()
	b, _ = runBroker(t, cfg) // maps the last segments only
	w = dialBroker(t, b)
	for _, offset := range []int64{0, 1000, messages - 4} {
		f := w.call(pullCommand("cold", 0, offset, time.Minute))
		if f.Code != 0 {
			t.Fatalf("pull at %d: %d %s", offset, f.Code, f.Remark)
		}
		rest, at := f.Body, offset
		for ; len(rest) > 0; at++ {
			var m codec.Message
			var err error
			if rest, err = codec.DecodeRecord(rest, &m, true); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("message %d ", at); m.QueueOffset != at || !bytes.HasPrefix(m.Body, []byte(want)) {
				t.Fatalf("message %d has queue offset %d and body %.20q", at, m.QueueOffset, m.Body)
			}
		}
		if next, _ := f.Ext.Get("nextBeginOffset"); at == offset || next != fmt.Sprint(at) {
			t.Errorf("pull at %d: messages up to %d, next offset %s", offset, at, next)
		}
	}
	b.pools.pull.Close() // refuses what it is asked, so that it shows who is asked
	for offset, want := range map[int64]protocol.ResponseCode{0: protocol.ResponseSystemBusy, messages - 4: protocol.ResponseSuccess} {
		if f := w.call(pullCommand("cold", 0, offset, 0)); f.Code != int32(want) {
			t.Errorf("pull at %d without a worker: %d %s, want %s", offset, f.Code, f.Remark, want)
		}
	}
}
