package broker

import (
	"strconv"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// A message that waits for its time comes from the broker that was started in between,
// not before the time, and a recall takes another back.
func TestTimedMessageOutlivesTheBroker(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.TimerPrecision, cfg.RecallMessageEnable = 100*time.Millisecond, true
	b, stop := runBroker(t, cfg)
	w := dialBroker(t, b)
	due := time.Now().Add(time.Second).UnixMilli()
	for _, text := range []string{"recalled", "stays"} {
		c := sendCommand("Timed", 0, []byte(text))
		h := c.Header.(*protocol.SendMessageRequestHeaderV2)
		h.Properties = "UNIQ_KEY\x01" + text + "\x02TIMER_DELIVER_MS\x01" + strconv.FormatInt(due, 10) + "\x02"
		f := w.call(c)
		handle, _ := f.Ext.Get("recallHandle")
		if protocol.ResponseCode(f.Code) != protocol.ResponseSuccess || handle == "" {
			t.Fatalf("the send was answered %d %s with the handle %q", f.Code, f.Remark, handle)
		}
		if text == "recalled" {
			f = w.call(&codec.Command{
				Code: int32(protocol.RecallMessage), Opaque: 2,
				Header: &protocol.RecallMessageRequestHeader{ProducerGroup: "producers", Topic: "Timed", RecallHandle: handle},
			})
			if id, _ := f.Ext.Get("msgId"); protocol.ResponseCode(f.Code) != protocol.ResponseSuccess || id != "recalled" {
				t.Fatalf("the recall was answered %d %s with %q", f.Code, f.Remark, id)
			}
		}
	}
	stop()
	verifyDirectory(t, cfg)
	b, stop = runBroker(t, cfg)
	const suspend, subscription = 2, 4 // bits of the pull's system flag
	f := dialBroker(t, b).call(&codec.Command{
		Code: int32(protocol.PullMessage), Opaque: 3,
		Header: &protocol.PullMessageRequestHeader{
			ConsumerGroup: "consumers", Topic: "Timed", MaxMsgNums: 32, SysFlag: suspend | subscription,
			SuspendTimeoutMillis: patience.Milliseconds(), Subscription: "*",
		},
	})
	if protocol.ResponseCode(f.Code) != protocol.ResponseSuccess {
		t.Fatalf("the pull was answered %d %s", f.Code, f.Remark)
	}
	var m codec.Message
	rest, err := codec.DecodeRecord(f.Body, &m, true)
	if err != nil || len(rest) != 0 || string(m.Body) != "stays" {
		t.Fatalf("pulled %q, %d bytes follow, %v", m.Body, len(rest), err)
	}
	if m.StoreTimestamp < due {
		t.Errorf("it came %d ms early", due-m.StoreTimestamp)
	}
	stop()
	verifyDirectory(t, cfg)
}
