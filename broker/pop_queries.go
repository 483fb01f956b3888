package broker

import (
	"strings"
	"time"

	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// notification is a question whether there is anything to pop.
type notification struct {
	header protocol.NotificationRequestHeader
	filter filter.Filter
	told   uint64 // notices.Told before the last look
}

// notifyPop serves NOTIFICATION (200054): a client that has no pop of its own
// waiting asks, and waits, until there is a message.
func (b *Broker) notifyPop(r *remoting.Request) error {
	n := new(notification)
	h := &n.header
	codec.DecodeHeaderLoosely(h, r.Ext)
	if h.BornTime == 0 {
		h.BornTime = b.now().UnixMilli()
	}
	err := b.admitPopQuery(r, h.Topic, h.ConsumerGroup, h.QueueID)
	if err == nil && h.ExpType != "" && b.config.Load().UseMessageFilterForNotification { // an expression of no type is none, as upstream
		n.filter, err = b.popFilter(h.Topic, h.Exp, h.ExpType)
	}
	if err != nil {
		return refuseWith(r, err, &protocol.NotificationResponseHeader{})
	}
	n.told = b.notices.Told()
	if b.hasMessages(n) || h.PollTime <= 0 {
		b.answerNotice(r, n, false)
		return nil
	}
	for _, s := range []*string{&h.ConsumerGroup, &h.Topic, &h.AttemptID, &h.ExpType, &h.Exp, &h.Namespace} {
		*s = strings.Clone(*s)
	}
	n.filter = n.filter.Clone()
	b.parkNotice(&heldPop{pending: r.Detach(), notice: n})
	return nil
}

// admitPopQuery judges who asks about what could be popped, without taking it.
func (b *Broker) admitPopQuery(r *remoting.Request, topic, group string, queue int32) error {
	if cfg := b.config.Load(); !cfg.readable() {
		return refuse(protocol.ResponseNoPermission, "the broker[%s] peeking message is forbidden", cfg.BrokerIP1)
	}
	return b.admitReader(r, topic, group, queue)
}

func (b *Broker) hasMessages(n *notification) bool {
	h := &n.header
	q := pop.Question{
		Topic: h.Topic, Group: h.ConsumerGroup, Queue: h.QueueID, Ordered: h.Order.Or(false), Attempt: h.AttemptID,
		Filtered: int64(b.config.Load().MaxMessageFilterNumForNotification),
	}
	if n.filter.ByTags() {
		q.Filter = &n.filter
	}
	return b.hasAny(&q)
}

// hasAny asks about a topic and what of it comes again. It changes q.
func (b *Broker) hasAny(q *pop.Question) bool {
	if b.popper.HasMessages(q) {
		return true
	}
	topic := q.Topic
	q.Queue = -1
	for _, retry := range b.popper.RetryTopics(topic, q.Group) {
		if q.Topic = retry; b.popper.HasMessages(q) {
			return true
		}
	}
	return false
}

func (b *Broker) answerNotice(r replier, n *notification, full bool) {
	r.Reply(protocol.ResponseSuccess, notSet, &protocol.NotificationResponseHeader{HasMsg: b.hasMessages(n), PollingFull: full}, nil)
}

func (b *Broker) parkNotice(held *heldPop) {
	h := &held.notice.header
	poll := &pop.Poll[*heldPop]{Topic: h.Topic, Group: h.ConsumerGroup, Queue: h.QueueID, Deadline: h.BornTime + h.PollTime, Request: held}
	if !held.notice.filter.All() {
		poll.Filter = &held.notice.filter
	}
	n := held.notice // whoever wakes it may change told
	told := n.told
	switch outcome := b.notices.Wait(poll); {
	case outcome != pop.Parked:
		b.answerNotice(held.pending, held.notice, outcome == pop.PollFull)
	case b.notices.Told() != told && b.hasMessages(n):
		b.notices.Free(poll.Topic, poll.Group, poll.Queue)
	}
}

// resumeNotice asks again. A client is not told of nothing before its time is
// over.
func (b *Broker) resumeNotice(held *heldPop) {
	held.notice.told = b.notices.Told()
	if b.hasMessages(held.notice) {
		b.answerNotice(held.pending, held.notice, false)
		return
	}
	b.parkNotice(held)
}

// peekMessage serves PEEK_MESSAGE (200052): what a pop would give, without taking
// it.
func (b *Broker) peekMessage(r *remoting.Request) error {
	var h protocol.PeekMessageRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if err := b.admitPopQuery(r, h.Topic, h.ConsumerGroup, h.QueueID); err != nil {
		return refuseWith(r, err, &protocol.PopMessageResponseHeader{})
	}
	if h.MaxMsgNums < 0 {
		return errNegativePop
	}
	var result pop.Result
	began := time.Now()
	b.popper.Peek(h.Topic, h.ConsumerGroup, h.QueueID, int(h.MaxMsgNums), &result)
	answer := &protocol.PopMessageResponseHeader{RestNum: result.Rest}
	if result.Count == 0 {
		result.Release()
		r.Reply(protocol.ResponsePullNotFound, store.NoMessageInQueue.String(), answer, nil)
		return nil
	}
	var bodies [][]byte
	for i := range result.Parts {
		bodies = append(bodies, result.Parts[i].Got.Buffers...)
		b.countGet(h.ConsumerGroup, h.Topic, result.Parts[i].Got.Messages, result.Parts[i].Got.Bytes)
	}
	b.timeGet(h.ConsumerGroup, h.Topic, h.QueueID, began)
	r.ReplyBuffers(protocol.ResponseSuccess, store.Found.String(), answer, bodies, result.Release)
	return nil
}

// pollingInfo serves POLLING_INFO (200055): how many pops of a group wait.
func (b *Broker) pollingInfo(r *remoting.Request) error {
	var h protocol.PollingInfoRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if err := b.admitPopQuery(r, h.Topic, h.ConsumerGroup, h.QueueID); err != nil {
		return refuseWith(r, err, &protocol.PollingInfoResponseHeader{})
	}
	waiting := b.polls.Waiting(h.Topic, h.ConsumerGroup, h.QueueID)
	r.Reply(protocol.ResponseSuccess, notSet, &protocol.PollingInfoResponseHeader{PollingNum: int32(waiting)}, nil)
	return nil
}
