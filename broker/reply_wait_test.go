package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// A reply that asks to wait is stored where such messages do; one that cannot be is pushed all the same.
func TestRepliesThatWait(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	reply := func(properties string) *codec.Frame {
		return ask(w, protocol.SendReplyMessageV2, "r", fields("a", "P", "b", "T", "c", "TBW102", "d", "1", "e", "0", "f", "0", "g", "1", "h", "0",
			"i", "REPLY_TO_CLIENT\x01nobody\x02"+properties, "j", "0", "k", "false", "m", "false")...)
	}
	for properties, queue := range map[string]string{
		"DELAY\x012\x02": protocol.TopicSchedule, "TIMER_DELAY_SEC\x0160\x02": protocol.TopicWheelTimer, "DELAY\x010\x02": "T",
	} {
		id := map[string]int32{protocol.TopicSchedule: 1}[queue]
		before := b.maxOffset(queue, id)
		if f := reply(properties); !strings.HasPrefix(f.Remark, "push reply message fail") {
			t.Errorf("%q: %d %s", properties, f.Code, f.Remark)
		}
		for b.store.DispatchBehind() > 0 { // it is answered before its message is in the queue
			time.Sleep(time.Millisecond)
		}
		if after := b.maxOffset(queue, id); after != before+1 {
			t.Errorf("%q: %s has gone from %d to %d", properties, queue, before, after)
		}
	}
	for properties, stored := range map[string]bool{"TIMER_DELAY_SEC\x01abc\x02": false, "INNER_NUM\x012\x02": false, "": true} {
		if _, ok := reply(properties).Ext.Get("msgId"); ok != stored {
			t.Errorf("%q: stored %v, want %v", properties, ok, stored)
		}
	}
	if f := reply("DELAY\x01abc\x02"); !strings.HasPrefix(f.Remark, `property DELAY is "abc"`) {
		t.Errorf("%d %s", f.Code, f.Remark)
	}
}
