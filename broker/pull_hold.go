package broker

import (
	"github.com/gantrymq/gantry/compat"
	"strings"
	"time"

	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/longpoll"
	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// heldPull is a pull that waits for messages. It owns its strings: the request's
// frame is gone.
type heldPull struct {
	longpoll.Waiter[*heldPull]

	pending *remoting.Pending
	header  protocol.PullMessageRequestHeader
	group   *protocol.SubscriptionGroupConfig
	topic   *protocol.TopicConfig
	filter  filter.Filter
	place   staticqueue.Place
}

// dispatchWait is how long a pull that does not ask to be held waits for messages
// that are in the log and not yet in their queue. They were acknowledged: whoever
// sends and then pulls finds what he sent.
const dispatchWait = time.Second

// holdFor tells how long a pull that found nothing is held; 0 answers it at once.
func (b *Broker) holdFor(op *pullOp) time.Duration {
	h := &op.header
	if h.SysFlag&protocol.PullFlagSuspend != 0 {
		if cfg := b.config.Load(); !cfg.LongPollingEnable {
			return cfg.ShortPollingTime
		}
		return time.Duration(h.SuspendTimeoutMillis) * time.Millisecond
	}
	if next, err := b.store.NextOffset(h.Topic, h.QueueID); err == nil && next > h.QueueOffset {
		return dispatchWait
	}
	return 0
}

// goesOnAtEnd reports whether a pull goes on where its group was told to, and all
// that has come since, up to the end of the queue, is nothing that it wants
// (intended difference 38). It is held as if it had come before those messages:
// otherwise each reader with a filter would ask again as fast as messages for others
// come, and where many wait, faster than they can be answered. Ask before commitPulled.
func (b *Broker) goesOnAtEnd(op *pullOp) bool {
	h, r := &op.header, &op.result
	if h.SysFlag&protocol.PullFlagSuspend == 0 || r.Status != store.NoMatchedMessage || r.NextOffset != r.MaxOffset ||
		!op.filter.Constant() || op.place.Static() || isLite(h.LiteTopic) || !b.config.Load().LongPollingEnable {
		return false
	}
	told, ok := b.offsets.LastPull(h.ConsumerGroup, h.Topic, h.QueueID)
	return ok && told == h.QueueOffset
}

// detachPull copies what is left of a pull when its frame is gone.
func detachPull(r *remoting.Request, op *pullOp) *heldPull {
	held := &heldPull{header: op.header, group: op.group, topic: op.topic, filter: op.filter.Clone(), place: op.place, pending: r.Detach()}
	h := &held.header
	for _, s := range []*string{
		&h.ConsumerGroup, &h.Topic, &h.LiteTopic, &h.Subscription, &h.ExpressionType, &h.ProxyFrowardClientID, &h.Namespace, &h.TargetBroker,
	} {
		*s = strings.Clone(*s)
	}
	return held
}

// holdPull parks a pull that found nothing until a message arrives or its time
// is over, and gives op back. When too many wait already it is answered at once.
func (b *Broker) holdPull(r *remoting.Request, op *pullOp, hold time.Duration) {
	held := detachPull(r, op)
	h := &held.header
	held.Waiter = longpoll.Waiter[*heldPull]{
		Topic: h.Topic, Queue: h.QueueID, From: h.QueueOffset, Deadline: b.now().Add(hold).UnixMilli(), Request: held,
	}
	if op.result.Status == store.NoMatchedMessage {
		held.Seen = op.result.NextOffset
	}
	if !held.filter.All() {
		held.Filter, held.Kind = &held.filter, held.filter.Kind()
	}
	if !b.hold.Park(&held.Waiter) {
		b.answerPull(held.pending, op)
		return
	}
	op.release()
}

// fewPulls is how many pulls are answered by whoever resumes them, one system call after
// the other. The answers to more are written by goroutines, on all cores.
const fewPulls = 32

// leadPulls has the reader that serves a send answer the pulls that the message wakes,
// when it has served all that came with it. Then no other goroutine has to be
// woken for them, which costs more than the answer where messages come one by one.
func (b *Broker) leadPulls(r *remoting.Request) {
	if b.hold.Waiting() == 0 {
		return
	}
	// Under SYNC_FLUSH the message wakes nobody before it is synced, and a pull that
	// was admitted as a cold one may have to wait for the disk.
	if cfg := b.config.Load(); cfg.SyncFlush() || cfg.ColdDataFlowControlEnable || !r.AtRest(b.deliverPulls) {
		return
	}
	b.hold.Expect()
}

// resumePulls runs pulls again that were woken, or whose time is over. This time
// they are answered in any case, unless the group has read enough of what is cold.
func (b *Broker) resumePulls(woken []*longpoll.Waiter[*heldPull]) {
	for _, w := range woken {
		if len(woken) <= fewPulls {
			w.Request.pending.WriteHere()
		}
		if b.boundHeldRead(w.Request) {
			continue
		}
		// If it is one for the disk, the client is told to ask again, and a worker serves it.
		b.resumePull(w.Request, true)
	}
}

func (b *Broker) resumePull(held *heldPull, noWait bool) {
	if held.place.Static() && b.statics.Get(held.header.Topic) != held.place.Mapping {
		answerRemapped(held)
		return
	}
	op := newPullOp()
	op.header, op.group, op.topic, op.filter, op.place = held.header, held.group, held.topic, held.filter, held.place
	op.query.NoWait = noWait
	if held.filter.Constant() {
		op.seen = held.Seen
	}
	b.recognize(op, held.pending.Session())
	b.readForPull(op)
	b.commitPulled(op, false)
	b.settlePull(op)
	b.notePulled(op)
	b.answerPull(held.pending, op)
}

// pullGone reports that the client of a held pull has left.
func pullGone(held *heldPull) bool {
	select {
	case <-held.pending.Session().Done():
		return true
	default:
		return false
	}
}

// messagesArrived wakes the pulls, the schedule and the timer that wait for messages which
// have just become visible.
func (b *Broker) messagesArrived(batch []store.Arrival) {
	for i := range batch {
		a := &batch[i]
		b.hold.Notify(a.Topic, a.QueueID, a.QueueOffset, a.TagsCode, a.Record)
		b.polls.Arrived(a.Topic, a.QueueID, a.QueueOffset, a.TagsCode, a.Record)
		b.notices.Arrived(a.Topic, a.QueueID, a.QueueOffset, a.TagsCode, a.Record)
		if b.lite != nil && compat.IsLMQ(a.Topic) {
			b.lite.Arrived(a.Topic)
		}
		// While the store is being opened there is no schedule yet; it looks at every
		// level when it starts.
		if b.delay != nil && a.Topic == protocol.TopicSchedule {
			b.delay.Notify(a.QueueID)
		}
		if b.timer != nil && a.Topic == protocol.TopicWheelTimer {
			b.timer.Notify()
		}
	}
}
