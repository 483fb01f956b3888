package broker

import (
	"strings"

	"github.com/gantrymq/gantry/broker/lite"
	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// isLite reports whether a request is about a lite topic.
func isLite(name string) bool { return strings.TrimSpace(name) != "" }

// ackLite acknowledges a message of a lite topic.
func (b *Broker) ackLite(r *remoting.Request, h *protocol.AckMessageRequestHeader) error {
	if b.liteGroup(h.ConsumerGroup).Bound != h.Topic {
		return refuse(protocol.ResponseInvalidParameter, "group type or bind topic not match.")
	}
	if err := needNumbers(r, "offset"); err != nil {
		return err
	}
	lmq := compat.LiteTopicName(h.Topic, h.LiteTopic)
	if h.Offset > b.maxOffset(lmq, 0) {
		return refuse(protocol.ResponseNoMessage, "ack offset illegal.")
	}
	receipt, err := pop.ParseReceipt(h.ExtraInfo)
	if err != nil {
		return err
	}
	if h.QueueID != 0 || receipt.ReviveQueue != liteReviveQueue {
		return refuse(protocol.ResponseInvalidParameter, "ack queue illegal.")
	}
	if b.lite.Ack(h.ConsumerGroup, lmq, h.Offset, receipt.PopTime) == lite.NotHeld {
		return refuse(protocol.ResponseMessageIllegal, "ack offset illegal.")
	}
	b.countAck(h.ConsumerGroup, h.Topic, 1)
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// delayLite changes when a message of a lite topic comes again.
func (b *Broker) delayLite(r *remoting.Request, h *protocol.ChangeInvisibleTimeRequestHeader) error {
	var answer protocol.ChangeInvisibleTimeResponseHeader
	if err := needNumbers(r, "offset", "invisibleTime"); err != nil {
		return err
	}
	lmq := compat.LiteTopicName(h.Topic, h.LiteTopic)
	if h.Offset > b.maxOffset(lmq, 0) {
		r.Reply(protocol.ResponseNoMessage, notSet, &answer, nil)
		return nil
	}
	receipt, err := pop.ParseReceipt(h.ExtraInfo)
	if err != nil {
		return err
	}
	visibleAt := b.now().UnixMilli() + h.InvisibleTime
	if b.lite.Delay(h.ConsumerGroup, lmq, h.Offset, receipt.PopTime, visibleAt, h.Suspend) {
		answer.PopTime, answer.InvisibleTime, answer.ReviveQid = receipt.PopTime, visibleAt-receipt.PopTime, receipt.ReviveQueue
	}
	r.Reply(protocol.ResponseSuccess, notSet, &answer, nil)
	return nil
}
