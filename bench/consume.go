package bench

import (
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// reading is one group's position in one queue; each has a slot of its own.
type reading struct {
	queue queue
	group string
	next  int64
	end   int64 // where to stop, -1 for never
}

// consumer pulls for some readings on one connection.
type consumer struct {
	o        *consumeOptions
	readings []reading // by slot
	meter    *shard
	pull     protocol.PullMessageRequestHeader
	tailing  bool // measure from the producer's stamp instead of from the pull
}

// request pulls from where the slot's reading stands.
func (c *consumer) request(dst []byte, slot int, opaque int32, _, now time.Time) []byte {
	r := &c.readings[slot]
	if r.end >= 0 && r.next >= r.end {
		return dst
	}
	h := &c.pull
	*h = protocol.PullMessageRequestHeader{
		ConsumerGroup: r.group, Topic: r.queue.topic, QueueID: r.queue.id, QueueOffset: r.next, MaxMsgNums: int32(c.o.MaxMessages),
		SysFlag: protocol.PullFlagSubscription, Subscription: c.o.Tags, ExpressionType: protocol.ExpressionTag,
		SubVersion: now.UnixMilli(),
	}
	if c.o.SQL != "" {
		h.Subscription, h.ExpressionType = c.o.SQL, protocol.ExpressionSQL92
	}
	if c.o.Suspend > 0 {
		h.SysFlag |= protocol.PullFlagSuspend
		h.SuspendTimeoutMillis = c.o.Suspend.Milliseconds()
	}
	if c.o.Commit && r.next > 0 {
		h.SysFlag |= protocol.PullFlagCommitOffset
		h.CommitOffset = r.next
	}
	return codec.AppendCommand(dst, &codec.Command{
		Code: int32(protocol.PullMessage), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque, Header: h,
	})
}

// answer counts the messages of a pull that found some. One that found none moves
// on to where the broker says, and is no sample: it waited on purpose.
func (c *consumer) answer(slot int, f *codec.Frame, now time.Time) outcome {
	r := &c.readings[slot]
	next, known := f.Ext.Get("nextBeginOffset")
	if offset, err := strconv.ParseInt(next, 10, 64); known && err == nil {
		r.next = offset
	}
	switch code := protocol.ResponseCode(f.Code); code {
	case protocol.ResponseSuccess:
		n, whole := countRecords(f.Body, now, c.meter, c.tailing)
		if !whole {
			return outcome{failure: "a record that cannot be read"}
		}
		return outcome{messages: n, silent: c.tailing}
	case protocol.ResponsePullNotFound, protocol.ResponsePullRetryImmediately, protocol.ResponsePullOffsetMoved:
		return outcome{silent: true}
	default:
		return outcome{failure: code.String()}
	}
}

// countRecords walks the records of an answer and, when tailing, samples the time
// since each was due to be sent.
func countRecords(body []byte, now time.Time, meter *shard, tailing bool) (n int64, whole bool) {
	var m codec.Message
	for len(body) > 0 {
		size, _, ok := codec.RecordHead(body)
		if !ok || size <= 0 || int(size) > len(body) {
			return n, false
		}
		if tailing {
			if _, err := codec.DecodeRecord(body, &m, false); err != nil {
				return n, false
			}
			if sent, stamped := stampedAt(m.Body); stamped {
				meter.sampled(now.Sub(sent))
			}
		}
		body = body[size:]
		n++
	}
	return n, true
}

// groupName is the name of the i-th group.
func (o *consumeOptions) groupName(i int) string { return o.Group + "_" + strconv.Itoa(i) }
