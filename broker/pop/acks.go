package pop

import (
	"fmt"
	"strings"
)

// Ack acknowledges a message. An ordered group's go to AckOrdered. Records for
// revive queues that do not exist are not written: no receipt of ours names one.
func (p *Popper) Ack(topic, group string, queue int32, r *Receipt, offset int64) error {
	if err := p.ack(topic, group, queue, r, offset); err != nil {
		return err
	}
	p.done(queueKey{topic, group, queue}, r.PopTime, 1)
	return nil
}

// ack writes the record of an acknowledgement.
func (p *Popper) ack(topic, group string, queue int32, r *Receipt, offset int64) error {
	if r.ReviveQueue < 0 || r.ReviveQueue >= p.opts.Settings().ReviveQueues {
		return nil
	}
	a := Ack{Topic: topic, Group: group, Queue: queue, Start: r.Start, PopTime: r.PopTime, Broker: r.Broker, Offset: offset}
	if err := p.opts.Log.Append(a.record(r.ReviveQueue, r.PopTime+r.Invisible)); err != nil {
		return fmt.Errorf("an acknowledgement of group %s in topic %s: %w", group, topic, err)
	}
	return nil
}

// Acked is what came of an ordered group's acknowledgement.
type Acked struct {
	Refused  bool  // the message is not among those that the group holds
	Old      int64 // the group's offset before
	Next     int64
	Readable bool // the queue gives messages again
}

// AckOrdered acknowledges a message of an ordered group.
func (p *Popper) AckOrdered(topic, group string, queue int32, r *Receipt, offset int64) Acked {
	k := queueKey{topic, group, queue}
	if old, ok := p.opts.Offsets.Query(group, topic, queue); ok && offset < old {
		return Acked{}
	}
	p.claims.take(k)
	defer p.claims.release(k)
	old, ok := p.opts.Offsets.Query(group, topic, queue)
	if !ok {
		old = -1
	}
	if offset < old {
		return Acked{}
	}
	next := p.opts.Orders.commit(k, offset, r.PopTime)
	switch {
	case next == notPopped:
		return Acked{Refused: true, Old: old, Next: next}
	case next < 0:
		p.done(k, r.PopTime, 1)
		return Acked{}
	}
	if !p.opts.Offsets.HasReset(group, topic, queue) {
		p.opts.Offsets.Commit(strings.Clone(group), strings.Clone(topic), queue, next)
	}
	p.done(k, r.PopTime, 1)
	return Acked{Old: old, Next: next, Readable: !p.opts.Orders.Blocked("", topic, group, queue, r.Invisible)}
}

// ChangeInvisible makes a popped message visible at another time, counted from
// now. It returns what the message's new receipt says.
func (p *Popper) ChangeInvisible(topic, group string, queue int32, r *Receipt, offset, invisible int64, suspend bool) (popTime, until int64, err error) {
	now := p.opts.Now()
	if r.Ordered() {
		popTime, until = p.changeOrdered(topic, group, queue, r, offset, now+invisible)
		return popTime, until, nil
	}
	if r.ReviveQueue < 0 || r.ReviveQueue >= p.opts.Settings().ReviveQueues {
		return now, invisible, nil
	}
	// Check points are told apart by their times, and the one of the pop may begin
	// with this message.
	now = max(now, r.PopTime+1)
	c := CheckPoint{
		Broker: r.Broker, Group: group, Topic: topic, Queue: queue, Start: offset, PopTime: now, Inv: invisible,
		Count: 1, Diffs: []int32{0}, Suspend: suspend,
	}
	// The new check point comes first: whatever happens in between, the message is
	// given again.
	if err := p.opts.Log.Append(c.record(r.ReviveQueue)); err != nil {
		return 0, 0, fmt.Errorf("a check point of group %s in topic %s: %w", group, topic, err)
	}
	return now, invisible, p.ack(topic, group, queue, r, offset)
}

// changeOrdered returns 0, 0 when the message is done with already.
func (p *Popper) changeOrdered(topic, group string, queue int32, r *Receipt, offset, visibleAt int64) (popTime, invisible int64) {
	k := queueKey{topic, group, queue}
	p.claims.take(k)
	defer p.claims.release(k)
	if old, ok := p.opts.Offsets.Query(group, topic, queue); ok && offset < old {
		return 0, 0
	}
	p.opts.Orders.delay(k, offset, r.PopTime, visibleAt)
	return r.PopTime, visibleAt - r.PopTime
}

// AckBatch is Ack for the messages that one request names together.
func (p *Popper) AckBatch(topic, group string, queue int32, r *Receipt, offsets []int64) error {
	if err := p.ackBatch(topic, group, queue, r, offsets); err != nil {
		return err
	}
	p.done(queueKey{topic, group, queue}, r.PopTime, len(offsets))
	return nil
}

func (p *Popper) ackBatch(topic, group string, queue int32, r *Receipt, offsets []int64) error {
	if len(offsets) == 0 || r.ReviveQueue < 0 || r.ReviveQueue >= p.opts.Settings().ReviveQueues {
		return nil
	}
	a := Ack{
		Topic: topic, Group: group, Queue: queue, Start: r.Start, PopTime: r.PopTime, Broker: r.Broker,
		Offset: -1, Offsets: offsets,
	}
	if err := p.opts.Log.Append(a.record(r.ReviveQueue, r.PopTime+r.Invisible)); err != nil {
		return fmt.Errorf("acknowledgements of group %s in topic %s: %w", group, topic, err)
	}
	return nil
}
