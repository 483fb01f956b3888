package broker

import (
	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// sendBatch serves SEND_BATCH_MESSAGE (320), and a send whose header says that
// it is one. The entries become messages of their own, appended together, unless
// the topic keeps batches whole.
func (b *Broker) sendBatch(r *remoting.Request, op *sendOp) error {
	topic, err := b.admitSend(r, &op.header, op.inline)
	if err != nil {
		return b.refuseSend(r, err)
	}
	if compat.IsRetryTopic(op.header.Topic) {
		return b.refuseSend(r, refuse(protocol.ResponseMessageIllegal, "batch request does not support retry group %s", op.header.Topic))
	}
	h := &op.header
	op.msg = codec.Message{
		Topic:          h.Topic,
		QueueID:        chooseQueue(h.QueueID, topic.WriteQueueNums),
		Flag:           h.Flag,
		SysFlag:        h.SysFlag,
		BornTimestamp:  h.BornTimestamp,
		BornHost:       r.Session.RemoteAddr(),
		StoreHost:      b.storeHost,
		ReconsumeTimes: h.ReconsumeTimes.Or(0),
	}
	if topic.TopicFilterType == protocol.FilterMultiTag {
		op.msg.SysFlag |= protocol.SysFlagMultiTags
	}
	if _, unique := codec.Property(h.Properties, protocol.PropertyUniqueKey); unique && isBatchTopic(topic) {
		return b.sendWhole(r, op)
	}
	_, op.props.innerNum = codec.Property(h.Properties, protocol.PropertyInnerNum) // of the batch, whose properties are not stored
	if op.wronglyMarked(topic) {
		return b.refuseSend(r, b.putRefused(store.MessageIllegal, nil))
	}
	if err := b.admitBatch(r.Body, op); err != nil {
		return b.refuseSend(r, err)
	}
	result, offsets, err := b.store.AppendBatch(&op.msg, codec.BatchBody(r.Body), op.offsets[:0])
	op.offsets = offsets
	if result.Status == store.MessageIllegal {
		return err // upstream fails in its encoder here
	}
	if result.Status != store.PutOK {
		return b.refuseSend(r, b.putRefused(result.Status, err))
	}
	op.msgID = op.msgID[:0]
	for i, offset := range offsets {
		if i > 0 {
			op.msgID = append(op.msgID, ',')
		}
		op.msgID = codec.AppendMessageID(op.msgID, b.storeHost, offset)
	}
	op.answer = protocol.SendMessageResponseHeader{MsgID: viewBytes(op.msgID), QueueID: op.msg.QueueID, QueueOffset: result.QueueOffset}
	op.tellLogical()
	b.countPut(op.msg.Topic, len(offsets), result.Size)
	b.timePut(op.msg.Topic, op.msg.QueueID, r.Received, result)
	wait, _ := codec.Property(h.Properties, protocol.PropertyWait)
	return b.answerSend(r, &op.answer, result, wait != "false")
}

// admitBatch refuses a batch that asks to be delayed or is marked as part of a transaction: its
// messages cannot be. Upstream takes one that asks for a time of delivery, and its timer stumbles over
// the messages (intended difference 41).
func (b *Broker) admitBatch(body []byte, op *sendOp) error {
	level, err := op.batchLevel()
	if err != nil {
		return err
	}
	if level <= 0 && mayWait(op.msg.SysFlag) && timer.IsTimed(op.header.Properties) {
		diverted := op.msg
		diverted.Properties = op.header.Properties
		if err := b.divertTimed(&diverted); err != nil { // a time that cannot be is noticed first
			return err
		}
		if diverted.Topic == protocol.TopicWheelTimer { // the time is still to come
			if _, err := codec.BatchBody(body).Count(); err != nil {
				return err
			}
			return refuse(protocol.ResponseMessageIllegal, "a batch cannot wait for a time of delivery: its messages can, sent one by one")
		}
	}
	if level > 0 || op.msg.SysFlag&protocol.SysFlagTransactionMask != 0 {
		return b.putRefused(store.MessageIllegal, nil)
	}
	return nil
}

// batchLevel is the delay level that a batch's own properties ask for.
func (op *sendOp) batchLevel() (int, error) {
	op.props.delayLevel, _ = codec.Property(op.header.Properties, protocol.PropertyDelayLevel)
	return op.delayLevel()
}
