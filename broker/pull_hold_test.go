package broker

import (
	"testing"

	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// Of pulls that find only messages for others, those wait that go on where their group
// was told to, and may wait; and what was looked at in vain is not looked at again.
func TestPullsThatGoOn(t *testing.T) {
	t.Parallel()
	b, _ := runBroker(t, testConfig(t.TempDir()))
	const topic, messages = "Filtered", 3
	w := dialBroker(t, b)
	for range messages {
		w.call(sendCommand(topic, 0, []byte("0"))) // with the tag "a"
	}
	for b.maxOffset(topic, 0) < messages {
		w.call(pullCommand(topic, 0, 0, 0)) // takes its time, and moves another group
	}
	read := func(from int64, flags int32, wants filter.Filter, seen int64) *pullOp {
		op := newPullOp()
		op.header = protocol.PullMessageRequestHeader{ConsumerGroup: "G", Topic: topic, QueueOffset: from, MaxMsgNums: 32, SysFlag: flags}
		op.filter, op.seen = wants, seen
		b.readForPull(op)
		return op
	}
	tag := func(tag string) filter.Filter {
		s, err := filter.Subscribe(topic, tag, "TAG")
		if err != nil {
			t.Fatal(err)
		}
		return filter.ForTags(s)
	}
	const suspend = protocol.PullFlagSuspend
	for name, c := range map[string]struct {
		from, told int64
		flags      int32
		wants      filter.Filter
		want       bool
	}{
		"goes on":                 {from: 1, told: 1, flags: suspend, wants: tag("b"), want: true},
		"was told of another":     {from: 1, told: 2, flags: suspend, wants: tag("b")},
		"was told nothing":        {from: 1, told: -1, flags: suspend, wants: tag("b")},
		"may not wait":            {from: 1, told: 1, wants: tag("b")},
		"finds some":              {from: 1, told: 1, flags: suspend, wants: tag("a")},
		"finds nothing":           {from: messages, told: messages, flags: suspend, wants: tag("b")},
		"filter that may change":  {from: 1, told: 1, flags: suspend, wants: b.filters.ForRetry("G")},
		"goes on from the start":  {from: 0, told: 0, flags: suspend, wants: tag("b"), want: true},
		"was told of another one": {from: 0, told: 1, flags: suspend, wants: tag("b")},
	} {
		b.offsets.RemoveGroup("G")
		if c.told >= 0 {
			b.offsets.CommitPull("G", topic, 0, c.told)
		}
		op := read(c.from, c.flags, c.wants, 0)
		if got := b.goesOnAtEnd(op); got != c.want {
			t.Errorf("%s: held %t, want %t", name, got, c.want)
		}
		op.release()
	}
	for _, c := range []struct {
		from, seen int64
		tag        string
		want       store.GetStatus
		n          int
		next       int64
	}{
		{0, 0, "a", store.Found, 3, messages}, {0, 2, "a", store.Found, 1, messages}, {0, 2, "b", store.NoMatchedMessage, 0, messages},
		{0, 3, "b", store.NoMatchedMessage, 0, messages}, {-1, 0, "a", store.OffsetTooSmall, 0, 0},
	} {
		op := read(c.from, suspend, tag(c.tag), c.seen)
		if r := &op.result; r.Status != c.want || r.Count != c.n || r.NextOffset != c.next {
			t.Errorf("seen up to %d, wants %s: %s, %d messages, next %d", c.seen, c.tag, r.Status, r.Count, r.NextOffset)
		}
		op.release()
	}
}
