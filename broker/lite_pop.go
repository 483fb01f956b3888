package broker

import (
	"strings"

	"github.com/gantrymq/gantry/broker/lite"
	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// liteReviveQueue is the number that receipts of lite messages have in place of a
// revive queue's.
const liteReviveQueue = 999

// litePop is one pop from lite topics, which owns its strings once it waits.
type litePop struct {
	header protocol.PopLiteMessageRequestHeader
	result lite.Result
}

// popLite serves POP_LITE_MESSAGE (200070). It runs on a worker: it may read the
// disk.
func (b *Broker) popLite(r *remoting.Request) error {
	op := new(litePop)
	codec.DecodeHeaderLoosely(&op.header, r.Ext)
	if err := need(r, "topic"); err != nil {
		return err
	}
	h := &op.header
	if born, ok := r.Ext.Get("bornTime"); !ok || born == "0" {
		h.BornTime = b.now().UnixMilli()
	}
	if err := b.admitLitePop(r, h); err != nil {
		return refuseWith(r, err, &protocol.PopLiteMessageResponseHeader{})
	}
	if err := need(r, "clientId"); err != nil {
		return err
	}
	b.popReady(op)
	switch {
	case op.result.Count > 0:
		b.answerLite(r, op)
	case h.PollTime <= 0:
		b.answerNoLite(r, op, protocol.ResponsePollingTimeout)
	default:
		for _, s := range []*string{&h.ClientID, &h.ConsumerGroup, &h.Topic, &h.AttemptID, &h.Namespace} {
			*s = strings.Clone(*s)
		}
		b.parkLite(&heldPop{pending: r.Detach(), lite: op})
	}
	return nil
}

// admitLitePop judges a pop in upstream's order.
func (b *Broker) admitLitePop(r *remoting.Request, h *protocol.PopLiteMessageRequestHeader) error {
	cfg := b.config.Load()
	switch {
	case b.now().UnixMilli()-h.BornTime-h.PollTime > 500:
		return refuse(protocol.ResponsePollingTimeout, "the broker[%s] pop message is timeout too much", cfg.BrokerIP1)
	case !cfg.readable():
		return refuse(protocol.ResponseNoPermission, "the broker[%s] pop message is forbidden", cfg.BrokerIP1)
	case h.MaxMsgNum > longestPop:
		return refuse(protocol.ResponseInvalidParameter, "the broker[%s] pop message's num is greater than 32", cfg.BrokerIP1)
	}
	topic := b.topics.Get(h.Topic)
	switch {
	case topic == nil:
		return refuse(protocol.ResponseTopicNotExist, "topic [%s] not exist, apply first please! %s", h.Topic, suggestFAQ)
	case topic.Perm&protocol.PermRead == 0:
		return refuse(protocol.ResponseNoPermission, "the topic [%s] peeking message is forbidden", h.Topic)
	case topic.Attributes["message.type"] != messageTypeLite:
		return refuse(protocol.ResponseInvalidParameter, "the topic [%s] message type not match", h.Topic)
	}
	if err := need(r, "consumerGroup"); err != nil {
		return err
	}
	group := b.groups.Find(h.ConsumerGroup)
	switch {
	case group == nil:
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group [%s] not exist, %s", h.ConsumerGroup, suggestFAQ)
	case !group.ConsumeEnable:
		return refuse(protocol.ResponseNoPermission, "subscription group no permission, %s", h.ConsumerGroup)
	case group.Attributes["lite.bind.topic"] != h.Topic:
		return refuse(protocol.ResponseInvalidParameter, "subscription bind topic not match, %s", h.ConsumerGroup)
	}
	return nil
}

func (b *Broker) popReady(op *litePop) {
	h := &op.header
	b.lite.Pop(&lite.Request{Client: h.ClientID, Group: h.ConsumerGroup, Max: int(h.MaxMsgNum), Invisible: h.InvisibleTime, Attempt: h.AttemptID}, &op.result)
	if op.result.Count > 0 {
		b.countGet(h.ConsumerGroup, h.Topic, op.result.Count, op.result.Bytes)
	}
}

func (op *litePop) answer() *protocol.PopLiteMessageResponseHeader {
	return &protocol.PopLiteMessageResponseHeader{
		PopTime: op.result.PopTime, InvisibleTime: op.header.InvisibleTime, ReviveQid: liteReviveQueue, OrderCountInfo: op.result.Counts,
	}
}

// answerLite writes what was popped by reference; op is held until it is on the
// wire.
func (b *Broker) answerLite(r replier, op *litePop) {
	var bodies [][]byte
	for _, part := range op.result.Parts {
		bodies = append(bodies, part.Buffers...)
	}
	r.ReplyBuffers(protocol.ResponseSuccess, "FOUND", op.answer(), bodies, op.result.Release)
}

// answerNoLite says that nothing was found, and why nobody waits for it.
func (b *Broker) answerNoLite(r replier, op *litePop, code protocol.ResponseCode) {
	r.ReplyExt(code, "NO_MESSAGE_IN_QUEUE", op.answer(), codec.Fields{{Key: "orderCountInfo"}}, nil)
}

// parkLite has a pop wait until something is ready for its client.
func (b *Broker) parkLite(held *heldPop) {
	h := &held.lite.header
	client := h.ClientID
	switch b.litePolls.Wait(&pop.Poll[*heldPop]{Group: client, Deadline: h.BornTime + h.PollTime, Request: held}) {
	case pop.PollFull:
		b.answerNoLite(held.pending, held.lite, protocol.ResponsePollingFull)
	case pop.PollLate:
		b.answerNoLite(held.pending, held.lite, protocol.ResponsePollingTimeout)
	default: // something may have become ready before it waited
		if b.lite.Ready(client) {
			b.litePolls.Free("", client, 0)
		}
	}
}

// resumeLite runs a pop again that was woken, or whose time is over.
func (b *Broker) resumeLite(held *heldPop) {
	b.popReady(held.lite)
	if held.lite.result.Count > 0 {
		b.answerLite(held.pending, held.lite)
		return
	}
	b.parkLite(held)
}
