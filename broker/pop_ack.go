package broker

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// ackMessage serves ACK_MESSAGE (200051).
func (b *Broker) ackMessage(r *remoting.Request) error {
	var h protocol.AckMessageRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	if err := b.admitReceipt(r, h.Topic, h.QueueID); err != nil {
		return err
	}
	if isLite(h.LiteTopic) {
		return b.ackLite(r, &h)
	}
	if err := needNumbers(r, "offset"); err != nil {
		return err
	}
	first, end := b.queueBounds(h.Topic, h.QueueID)
	if h.Offset < first || h.Offset > end {
		if b.neverFilled(h.Topic, h.QueueID) {
			first = noMinOffset
		}
		return refuse(protocol.ResponseNoMessage, "offset is illegal, key:%s@%d, commit:%d, store:%d~%d", h.Topic, h.QueueID, h.Offset, first, end)
	}
	receipt, err := pop.ParseReceipt(h.ExtraInfo)
	if err != nil {
		return err
	}
	if receipt.Ordered() {
		err = b.ackOrdered(r, h.Topic, h.ConsumerGroup, h.QueueID, &receipt, h.Offset)
	} else {
		b.countAck(h.ConsumerGroup, h.Topic, 1)
		err = b.popper.Ack(h.Topic, h.ConsumerGroup, h.QueueID, &receipt, h.Offset)
	}
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// admitReceipt judges topic and queue of an acknowledgement.
func (b *Broker) admitReceipt(r *remoting.Request, name string, queue int32) error {
	topic := b.topics.Get(name)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist, apply first please! %s", name, suggestFAQ)
	}
	if err := needInts(r, "queueId"); err != nil {
		return err
	}
	if queue < 0 || queue >= topic.ReadQueueNums {
		return refuse(protocol.ResponseMessageIllegal, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[/%s]",
			queue, name, topic.ReadQueueNums, r.Session.RemoteAddr())
	}
	return nil
}

// ackOrdered acknowledges a message of an ordered group.
func (b *Broker) ackOrdered(r *remoting.Request, topic, group string, queue int32, receipt *pop.Receipt, offset int64) error {
	acked := b.popper.AckOrdered(topic, group, queue, receipt, offset)
	if acked.Refused {
		return refuse(protocol.ResponseMessageIllegal, "offset is illegal, key:%s@%s@%d, old:%d, commit:%d, next:%d, /%s",
			topic, group, queue, acked.Old, offset, acked.Next, r.Session.RemoteAddr())
	}
	if acked.Readable {
		b.polls.Free(topic, group, queue)
	}
	return nil
}

// batchAck serves BATCH_ACK_MESSAGE (200151): acknowledgements for several pops,
// each as bits that count from its first offset.
func (b *Broker) batchAck(r *remoting.Request) error {
	var body protocol.BatchAckMessageRequestBody
	if len(r.Body) > 0 {
		if err := compat.UnmarshalFastjson(r.Body, &body); err != nil {
			return err
		}
	}
	if len(body.Acks) == 0 {
		r.Reply(protocol.ResponseNoMessage, "", nil, nil)
		return nil
	}
	var refused error
	for i := range body.Acks {
		err := b.ackBits(r, &body.Acks[i], body.BrokerName)
		if _, ok := asRefusal(err); err != nil && !ok {
			return err
		}
		if err != nil {
			refused = err
		}
	}
	if refused != nil {
		return refused
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// ackBits acknowledges what one entry of a batch names and its queue has.
func (b *Broker) ackBits(r *remoting.Request, a *protocol.BatchAck, broker string) error {
	origin := pop.Origin(a.Retry)
	if a.Topic == "" || !origin.Known() {
		return errors.New("an entry of a batch of acknowledgements names no topic, or not of which kind it is")
	}
	topic := origin.Topic(a.Topic, a.ConsumerGroup)
	if !b.topics.Contains(topic) {
		return nil
	}
	first, end := b.queueBounds(topic, a.QueueID)
	receipt := pop.Receipt{Start: a.StartOffset, PopTime: a.PopTime, Invisible: a.InvisibleTime, ReviveQueue: a.ReviveQueueID, Broker: broker}
	bits, err := base64.StdEncoding.DecodeString(a.BitSet)
	if err != nil {
		return fmt.Errorf("the bits of a batch of acknowledgements: %w", err)
	}
	var offsets []int64
	var refused error
	for i := range len(bits) * 8 {
		offset := a.StartOffset + int64(i)
		if bits[i/8]&(1<<(i%8)) == 0 || offset < first || offset > end {
			continue
		}
		if !receipt.Ordered() {
			offsets = append(offsets, offset)
		} else if err := b.ackOrdered(r, topic, a.ConsumerGroup, a.QueueID, &receipt, offset); err != nil {
			refused = err
		}
	}
	if receipt.Ordered() || len(offsets) == 0 {
		return refused
	}
	b.countAck(a.ConsumerGroup, topic, len(offsets))
	return b.popper.AckBatch(topic, a.ConsumerGroup, a.QueueID, &receipt, offsets)
}

// changeInvisible serves CHANGE_MESSAGE_INVISIBLETIME (200053).
func (b *Broker) changeInvisible(r *remoting.Request) error {
	var h protocol.ChangeInvisibleTimeRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	refused := func(code protocol.ResponseCode, remark string) {
		r.Reply(code, remark, &protocol.ChangeInvisibleTimeResponseHeader{}, nil)
	}
	if err := b.admitReceipt(r, h.Topic, h.QueueID); err != nil {
		fault, ok := asRefusal(err)
		if ok {
			refused(fault.Code, fault.Remark)
			return nil
		}
		return err
	}
	if isLite(h.LiteTopic) {
		return b.delayLite(r, &h)
	}
	if err := needNumbers(r, "offset"); err != nil {
		return err
	}
	if first, end := b.queueBounds(h.Topic, h.QueueID); h.Offset < first || h.Offset >= end {
		refused(protocol.ResponseNoMessage, notSet)
		return nil
	}
	if err := cmp.Or(need(r, "extraInfo"), needNumbers(r, "invisibleTime")); err != nil {
		return err
	}
	receipt, err := pop.ParseReceipt(h.ExtraInfo)
	if errors.Is(err, pop.ErrReceiptTimes) {
		refused(protocol.ResponseSystemError, notSet)
		return nil
	}
	if err != nil {
		return err
	}
	answer := protocol.ChangeInvisibleTimeResponseHeader{}
	answer.PopTime, answer.InvisibleTime, err = b.popper.ChangeInvisible(h.Topic, h.ConsumerGroup, h.QueueID, &receipt, h.Offset, h.InvisibleTime, h.Suspend)
	if err != nil {
		b.log.WithError(err).Warn("the invisible time of a message was not changed")
		refused(protocol.ResponseSystemError, notSet)
		return nil
	}
	if answer.PopTime != 0 {
		answer.ReviveQid = receipt.ReviveQueue
	}
	if !receipt.Ordered() {
		b.countCheckPoints(h.ConsumerGroup, h.Topic, 1)
		b.countAck(h.ConsumerGroup, h.Topic, 1)
	}
	r.Reply(protocol.ResponseSuccess, notSet, &answer, nil)
	return nil
}

// popRollback serves POP_ROLLBACK (200056), by which an official broker moves its
// pops from RocksDB to the revive topic. Ours are there.
func (b *Broker) popRollback(r *remoting.Request) error {
	r.Reply(protocol.ResponseSuccess, notSet, nil, nil)
	return nil
}

// countCheckPoints notes check points that were written.
func (b *Broker) countCheckPoints(group, topic string, n int) {
	b.stats.BrokerCheckPoints(n)
	b.stats.GroupItem(stats.GroupCkNums, b.counted(group), b.counted(topic)).Add(int64(n), 1)
}

// countAck notes acknowledgements.
func (b *Broker) countAck(group, topic string, n int) {
	b.stats.BrokerAcked(n)
	b.stats.GroupItem(stats.GroupAckNums, b.counted(group), b.counted(topic)).Add(int64(n), 1)
}
