package broker

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// A priority chooses the queue unless the message is of a kind whose queue means something.
// The verdicts are those of the recorded conversation send-priority.
func TestPriority(t *testing.T) {
	for _, test := range []struct {
		props string
		queue int32
		kept  bool
	}{
		{"_SYS_MSG_PRIORITY_\x010\x02", 0, true},
		{"_SYS_MSG_PRIORITY_\x012\x02", 2, true},
		{"_SYS_MSG_PRIORITY_\x01+2\x02", 2, true},
		{"_SYS_MSG_PRIORITY_\x019\x02", 3, true},
		{"_SYS_MSG_PRIORITY_\x01-1\x02", 1, true},
		{"_SYS_MSG_PRIORITY_\x01x\x02", 1, true},
		{"_SYS_MSG_PRIORITY_\x012147483648\x02", 1, true},
		{"_SYS_MSG_PRIORITY_\x012\x02__SHARDINGKEY\x01k\x02", 1, false},
		{"_SYS_MSG_PRIORITY_\x012\x02DELAY\x010\x02", 1, false},
		{"TIMER_DELIVER_MS\x011\x02_SYS_MSG_PRIORITY_\x012\x02", 1, false},
		{"_SYS_MSG_PRIORITY_\x012\x02TRAN_MSG\x01false\x02", 2, true},
		{"KEYS\x01k\x02", 1, false},
	} {
		var op sendOp
		op.props.rewrite("UNIQ_KEY\x01u\x02"+test.props, new(brokerProperties))
		op.msg.QueueID = 1
		if op.props.priority != "" {
			op.prioritise(&protocol.TopicConfig{WriteQueueNums: 4})
		}
		var kept sendProperties
		kept.rewrite(op.props.string(), new(brokerProperties))
		if op.msg.QueueID != test.queue || (kept.priority != "") != test.kept {
			t.Errorf("%q: queue %d with the priority %q, want queue %d", test.props, op.msg.QueueID, kept.priority, test.queue)
		}
	}
}
