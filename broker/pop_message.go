package broker

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store/vfs"
)

// longestPop is the most messages that a pop may ask for: a check point has as
// many bits.
const longestPop = 32

var errNegativePop = errors.New("a pop asks for fewer than no messages")

// popOp is one pop, which owns its strings once it waits.
type popOp struct {
	header protocol.PopMessageRequestHeader
	filter filter.Filter
	result pop.Result
	told   uint64 // polls.Told before the look that result comes from
	freed  uint64 // popper.Freed before it
}

// popMessage serves POP_MESSAGE (200050). It runs on a worker: it may read the
// disk, and it appends.
func (b *Broker) popMessage(r *remoting.Request) error {
	op := new(popOp)
	codec.DecodeHeaderLoosely(&op.header, r.Ext)
	if op.header.BornTime == 0 {
		op.header.BornTime = b.now().UnixMilli()
	}
	if err := need(r, "consumerGroup"); err != nil {
		return err
	}
	if err := b.admitPop(r, op); err != nil {
		return refuseWith(r, err, &protocol.PopMessageResponseHeader{})
	}
	b.pop(op)
	if op.result.Count > 0 {
		b.answerPop(r, op)
		return nil
	}
	if op.header.PollTime <= 0 {
		b.answerNoPop(r, op, protocol.ResponsePollingTimeout)
		return nil
	}
	b.holdPop(r, op)
	return nil
}

// admitPop judges a pop in upstream's order, and finds its filter.
func (b *Broker) admitPop(r *remoting.Request, op *popOp) error {
	h := &op.header
	cfg := b.config.Load()
	switch {
	case b.now().UnixMilli()-h.BornTime-h.PollTime > 500:
		return refuse(protocol.ResponsePollingTimeout, "the broker[%s] pop message is timeout too much", cfg.BrokerIP1)
	case !cfg.readable():
		return refuse(protocol.ResponseNoPermission, "the broker[%s] pop message is forbidden", cfg.BrokerIP1)
	case h.MaxMsgNums > longestPop:
		return refuse(protocol.ResponseInvalidParameter, "the broker[%s] pop message's num is greater than 32", cfg.BrokerIP1)
	case !cfg.TimerWheelEnable:
		return refuse(protocol.ResponseSystemError, "the broker[%s] pop message is forbidden because timerWheelEnable is false", cfg.BrokerIP1)
	}
	if err := b.admitReader(r, h.Topic, h.ConsumerGroup, h.QueueID); err != nil {
		return err
	}
	if h.MaxMsgNums < 0 {
		return errNegativePop
	}
	if h.Exp == "" {
		b.learn(h.ConsumerGroup, h.Topic, protocol.SubscribeAll, protocol.ExpressionTag, popperKind)
		return nil
	}
	kind := expressionType(r, "expType", h.ExpType)
	var err error
	if op.filter, err = b.popFilter(h.Topic, h.Exp, kind); err == nil {
		b.learn(h.ConsumerGroup, h.Topic, h.Exp, kind, popperKind)
	}
	return err
}

// popperKind is what a pop tells of its consumer.
var popperKind = clients.View{ConsumeType: protocol.ConsumePop, MessageModel: protocol.Clustering}

// admitReader judges topic, queue and group of a pop, and of what goes with it.
func (b *Broker) admitReader(r *remoting.Request, name, groupName string, queue int32) error {
	if err := need(r, "topic"); err != nil {
		return err
	}
	topic := b.topics.Get(name)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist, apply first please! %s", name, suggestFAQ)
	}
	if topic.Perm&protocol.PermRead == 0 {
		return refuse(protocol.ResponseNoPermission, "the topic[%s] peeking message is forbidden", name)
	}
	if queue >= topic.ReadQueueNums {
		return refuse(protocol.ResponseInvalidParameter, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[/%s]",
			queue, name, topic.ReadQueueNums, r.Session.RemoteAddr())
	}
	if err := need(r, "consumerGroup"); err != nil {
		return err
	}
	group := b.groups.Find(groupName)
	if group == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group [%s] does not exist, %s", groupName, suggestFAQ)
	}
	if !group.ConsumeEnable {
		return refuse(protocol.ResponseNoPermission, "subscription group no permission, %s", groupName)
	}
	return nil
}

// popFilter is the filter that a pop or a notification brings along. Unlike pulls,
// they may filter by properties on every broker.
func (b *Broker) popFilter(topic, expression, kind string) (filter.Filter, error) {
	if expression == "" || filter.TakesAll(expression, kind) {
		return filter.Filter{}, nil
	}
	unreadable := refuse(protocol.ResponseSubscriptionParseFailed, "parse the consumer's subscription failed")
	sub, err := filter.Subscribe(topic, expression, kind)
	if err != nil {
		return filter.Filter{}, unreadable
	}
	if sub.IsTag() {
		return filter.ForTags(sub), nil
	}
	compiled := b.expressions.Compile(sub.ExpressionType, sub.SubString)
	if compiled == nil {
		return filter.Filter{}, unreadable
	}
	return filter.ForExpression(compiled), nil
}

// pop pops, and wakes another request of the group when more is left.
func (b *Broker) pop(op *popOp) {
	h := &op.header
	request := pop.Request{
		Topic: h.Topic, Group: h.ConsumerGroup, Queue: h.QueueID, Max: int(h.MaxMsgNums), Invisible: h.InvisibleTime,
		FromStart: h.InitMode == protocol.PopFromMin, Ordered: h.Order.Or(false), Attempt: h.AttemptID,
	}
	if !op.filter.All() {
		request.Filter = &op.filter
	}
	request.Priority = b.priorityOf(h.Topic, h.ConsumerGroup)
	began := time.Now()
	op.told, op.freed = b.polls.Told(), b.popper.Freed()
	b.popper.Pop(&request, &op.result)
	if op.result.Count == 0 {
		return
	}
	for i := range op.result.Parts {
		part := &op.result.Parts[i]
		b.countGet(h.ConsumerGroup, part.Origin.Topic(h.Topic, h.ConsumerGroup), part.Got.Messages, part.Got.Bytes)
	}
	b.timeGet(h.ConsumerGroup, h.Topic, h.QueueID, began)
	if !request.Ordered {
		b.countCheckPoints(h.ConsumerGroup, h.Topic, len(op.result.Parts))
	}
	if op.result.Rest > op.result.Held {
		b.polls.Free(h.Topic, h.ConsumerGroup, h.QueueID)
	}
}

// priorityOf is the percentage of a group's pops that go strictly by priority: none
// unless the topic is one of priorities, all unless the group says otherwise.
func (b *Broker) priorityOf(topic, group string) int {
	const all = 100
	c := b.topics.Get(topic)
	if c == nil || c.Attributes[attribute.MessageType] != "PRIORITY" {
		return 0
	}
	if g := b.groups.Get(group); g != nil {
		if n, err := strconv.Atoi(g.Attributes[attribute.PriorityFactor]); err == nil {
			return n
		}
	}
	return all
}

// answerPop writes what was popped. Records of the topic itself are written by
// reference; op is held until they are on the wire.
func (b *Broker) answerPop(r replier, op *popOp) {
	bodies, err := b.popBodies(op)
	if err != nil {
		op.result.Release()
		b.log.WithError(err).Warn("popped messages cannot be read; they come again when their time is over")
		b.answerNoPop(r, op, protocol.ResponsePollingTimeout)
		return
	}
	header := b.popHeader(op)
	r.ReplyBuffers(protocol.ResponseSuccess, "FOUND", header, bodies, op.result.Release)
}

func (b *Broker) popHeader(op *popOp) *protocol.PopMessageResponseHeader {
	return &protocol.PopMessageResponseHeader{
		PopTime: op.result.PopTime, InvisibleTime: op.header.InvisibleTime, ReviveQid: op.result.ReviveQueue, RestNum: op.result.Rest,
		StartOffsetInfo: op.result.Info.StartOffsets(), MsgOffsetInfo: op.result.Info.MessageOffsets(), OrderCountInfo: op.result.Info.OrderCounts(),
	}
}

// answerNoPop says that nothing was found, and why nobody waits for it.
func (b *Broker) answerNoPop(r replier, op *popOp, code protocol.ResponseCode) {
	ext := codec.Fields{{Key: "startOffsetInfo"}, {Key: "msgOffsetInfo"}}
	if op.header.Order.Or(false) {
		ext = append(ext, codec.Field{Key: "orderCountInfo"})
	}
	r.ReplyExt(code, "NO_MESSAGE_IN_QUEUE", b.popHeader(op), ext, nil)
}

// popBodies lists the records in order. Those of a retry topic are written anew:
// clients see the topic that they subscribe to, and the receipt in a property.
func (b *Broker) popBodies(op *popOp) (bodies [][]byte, err error) {
	actual := b.config.Load().PopResponseReturnActualRetryTopic
	for i := range op.result.Parts {
		part := &op.result.Parts[i]
		if part.Origin == pop.FromTopic || actual {
			bodies = append(bodies, part.Got.Buffers...)
			continue
		}
		body, err := b.disguise(op, part)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// disguise writes the records of a retry topic as messages of the topic that was
// asked for.
func (b *Broker) disguise(op *popOp, part *pop.Part) (body []byte, err error) {
	defer vfs.Catch("copy a message that comes again", vfs.Arm(), &err)
	receipt := pop.Receipt{
		Start: part.Start, PopTime: op.result.PopTime, Invisible: op.header.InvisibleTime, ReviveQueue: op.result.ReviveQueue,
		Origin: part.Origin, Broker: b.name, Queue: part.Queue,
	}
	for _, records := range part.Got.Buffers {
		for len(records) > 0 {
			var m codec.Message
			if records, err = codec.DecodeRecord(records, &m, false); err != nil {
				return nil, err
			}
			if _, ok := codec.Property(m.Properties, protocol.PropertyPopCk); !ok {
				receipt.Offset = m.QueueOffset
				m.Properties = codec.SetProperty(m.Properties, protocol.PropertyPopCk, string(receipt.AppendTo(nil)))
			}
			m.Topic = op.header.Topic
			if body, err = codec.AppendRecord(body, &m); err != nil {
				return nil, err
			}
		}
	}
	return body, nil
}

// heldPop is a pop or a notification that waits.
type heldPop struct {
	pending *remoting.Pending
	pop     *popOp        // of a pop
	notice  *notification // of a notification
	lite    *litePop      // of a pop from lite topics
}

// holdPop parks a pop that found nothing.
func (b *Broker) holdPop(r *remoting.Request, op *popOp) {
	h := &op.header
	for _, s := range []*string{&h.ConsumerGroup, &h.Topic, &h.ExpType, &h.Exp, &h.AttemptID, &h.Namespace} {
		*s = strings.Clone(*s)
	}
	op.filter = op.filter.Clone()
	b.parkPop(&heldPop{pending: r.Detach(), pop: op})
}

func (b *Broker) parkPop(held *heldPop) {
	op := held.pop
	h := &op.header
	poll := &pop.Poll[*heldPop]{Topic: h.Topic, Group: h.ConsumerGroup, Queue: h.QueueID, Deadline: h.BornTime + h.PollTime, Request: held}
	if !op.filter.All() {
		poll.Filter = &op.filter
	}
	more, limited := op.result.Rest > op.result.Held, op.result.Held > 0
	told, freed, look := op.told, op.freed, question(op)
	switch b.polls.Wait(poll) {
	case pop.PollFull:
		b.answerNoPop(held.pending, op, protocol.ResponsePollingFull)
	case pop.PollLate:
		b.answerNoPop(held.pending, op, protocol.ResponsePollingTimeout)
	default: // op belongs to whoever wakes it
		if more || limited && b.popper.Freed() != freed || b.polls.Told() != told && b.popperHas(&look) {
			b.polls.Free(poll.Topic, poll.Group, poll.Queue)
		}
	}
}

// question asks for what a pop looks for.
func question(op *popOp) pop.Question {
	h := &op.header
	q := pop.Question{Topic: h.Topic, Group: h.ConsumerGroup, Queue: h.QueueID, Ordered: h.Order.Or(false), Attempt: h.AttemptID, Filtered: math.MaxInt64}
	if !op.filter.All() {
		wants := op.filter
		q.Filter = &wants
	}
	return q
}

// popperHas answers it. Ordered groups pop nothing from retry topics.
func (b *Broker) popperHas(q *pop.Question) bool {
	if q.Ordered {
		return b.popper.HasMessages(q)
	}
	return b.hasAny(q)
}

// resumePop runs a request again that was woken, or whose time is over.
func (b *Broker) resumePop(held *heldPop) {
	switch {
	case held.notice != nil:
		b.resumeNotice(held)
		return
	case held.lite != nil:
		b.resumeLite(held)
		return
	}
	b.pop(held.pop)
	if held.pop.result.Count > 0 {
		b.answerPop(held.pending, held.pop)
		return
	}
	b.parkPop(held)
}

// popGone reports that the client of a waiting request has left.
func popGone(held *heldPop) bool {
	select {
	case <-held.pending.Session().Done():
		return true
	default:
		return false
	}
}
