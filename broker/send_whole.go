package broker

import (
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// sendWhole stores a batch as one record, which consumers take apart: so it is in
// a topic with queue.type=BatchCQ, when the batch has a unique key of its own.
func (b *Broker) sendWhole(r *remoting.Request, op *sendOp) error {
	n, err := codec.BatchBody(r.Body).CountWhole()
	if err != nil {
		return err // upstream fails while it counts
	}
	op.msg.SysFlag |= protocol.SysFlagInnerBatch | protocol.SysFlagNeedUnwrap
	op.msg.Body = r.Body
	op.props.rewrite(op.header.Properties, b.ownProperties.Load())
	op.props.set(protocol.PropertyInnerNum, viewBytes(strconv.AppendInt(op.number[:0], int64(n), 10)))
	op.msg.Properties = op.props.string()
	if op.props.delayLevel != "" || op.props.timed {
		// Upstream would have it wait in a topic that keeps no batches whole.
		return b.refuseWhole(r, op, b.putRefused(store.MessageIllegal, nil))
	}
	result, err := b.store.Append(&op.msg)
	if result.Status != store.PutOK {
		return b.refuseWhole(r, op, b.putRefused(result.Status, err))
	}
	op.msgID = codec.AppendMessageID(op.msgID[:0], b.storeHost, result.PhysicalOffset)
	op.answer = protocol.SendMessageResponseHeader{
		MsgID: viewBytes(op.msgID), QueueID: op.msg.QueueID, QueueOffset: result.QueueOffset,
		TransactionID: op.props.uniqueKey, BatchUniqID: op.props.uniqueKey,
	}
	op.tellLogical()
	b.countPut(op.msg.Topic, n, result.Size)
	b.timePut(op.msg.Topic, op.msg.QueueID, r.Received, result)
	return b.answerSend(r, &op.answer, result, op.props.waitFlush)
}

// refuseWhole answers a batch that was not stored. Upstream tells its key all the same.
func (b *Broker) refuseWhole(r *remoting.Request, op *sendOp, err error) error {
	fault, ok := asRefusal(err)
	if !ok {
		return err
	}
	ext := append(slices.Clone(*b.sendExt.Load()), codec.Field{Key: "batchUniqId", Value: op.props.uniqueKey})
	r.ReplyExt(fault.Code, fault.Remark, nil, ext, nil)
	return nil
}

// wronglyMarked reports whether the client marks the message as a batch that stays
// whole in a topic that has none, or counts messages without such a mark
// (upstream's HookUtils.checkInnerBatch).
func (op *sendOp) wronglyMarked(topic *protocol.TopicConfig) bool {
	marked := op.msg.SysFlag&protocol.SysFlagInnerBatch != 0
	return marked && !isBatchTopic(topic) || op.props.innerNum && !marked
}
