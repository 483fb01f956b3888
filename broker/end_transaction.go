package broker

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// endTransaction serves END_TRANSACTION (37): a producer commits a half message or
// rolls it back, by itself or because it was asked. A producer that does not know
// yet says so too, and is not answered.
func (b *Broker) endTransaction(r *remoting.Request) error {
	var h protocol.EndTransactionRequestHeader
	if err := readHeader(r, &h, "commitLogOffset", "commitOrRollback"); err != nil {
		return err
	}
	if needNumbers(r, "tranStateTableOffset") != nil {
		h.TranStateTableOffset = -1 // of no half message
	}
	end := transaction.End{
		Group: h.ProducerGroup, QueueOffset: h.TranStateTableOffset, PhysicalOffset: h.CommitLogOffset,
		FromCheck: h.FromTransactionCheck.Or(false),
	}
	var err error
	remark := ""
	switch h.CommitOrRollback {
	case protocol.SysFlagTransactionNot:
		r.Detach().Drop()
		return nil
	case protocol.SysFlagTransactionCommit:
		err = b.halves.Commit(end)
	case protocol.SysFlagTransactionRollback:
		err, remark = b.halves.Rollback(end), remarkUnset
	default:
		err = fmt.Errorf("the field commitOrRollback is %d; it is 0, 8 (commit) or 12 (roll back)", h.CommitOrRollback)
	}
	if err != nil {
		return endRefused(err)
	}
	r.Reply(protocol.ResponseSuccess, remark, nil, nil)
	return nil
}

// endRefused is what a producer is told whose transaction was not ended, in the
// words of upstream's EndTransactionProcessor.
func endRefused(err error) error {
	for _, known := range []struct {
		err    error
		remark string
	}{
		{transaction.ErrNotFound, "Find prepared transaction message failed"},
		{transaction.ErrOtherGroup, "The producer group wrong"},
		{transaction.ErrQueueOffset, "The transaction state table offset wrong"},
		{transaction.ErrPhysicalOffset, "The commit log offset wrong"},
	} {
		if errors.Is(err, known.err) {
			return refuse(protocol.ResponseSystemError, "%s", known.remark)
		}
	}
	if errors.Is(err, transaction.ErrTooLate) {
		return refuse(protocol.ResponseIllegalOperation, remarkUnset)
	}
	return err
}

// resumeCheck serves RESUME_CHECK_HALF_MESSAGE (323): an administrator has a half
// message that was put aside asked about again.
func (b *Broker) resumeCheck(r *remoting.Request) error {
	var h protocol.ResumeCheckHalfMessageRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	_, offset, err := codec.ParseMessageID(h.MsgID)
	if err == nil {
		err = b.halves.Resume(offset)
	}
	if _, refused := asRefusal(err); refused {
		return refuse(protocol.ResponseSystemError, "Put message back to %s failed.", protocol.TopicTransHalf)
	}
	if err != nil {
		return refuse(protocol.ResponseSystemError, "Exception was thrown when putting message back to %s.", protocol.TopicTransHalf)
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// askProducer sends CHECK_TRANSACTION_STATE (39) to a member of the producer group.
// It answers later, with END_TRANSACTION.
func (b *Broker) askProducer(q transaction.Question) bool {
	m := q.Message
	body, err := codec.AppendRecord(nil, m)
	if err != nil {
		b.log.WithError(err).Warnf("half message %d cannot be shown to a producer", m.QueueOffset)
		return false
	}
	id, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey)
	push := &codec.Command{
		Code: int32(protocol.CheckTransactionState), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Header: &protocol.CheckTransactionStateRequestHeader{
			Topic: protocol.TopicTransHalf, TranStateTableOffset: m.QueueOffset, CommitLogOffset: m.PhysicalOffset,
			MsgID: id, TransactionID: id, OffsetMsgID: codec.MessageID(m.StoreHost, m.PhysicalOffset),
			RPCFields: protocol.RPCFields{TargetBroker: b.name},
		},
		Body: body,
	}
	return b.producers.Pick(q.Group, func(c *clients.Client) bool { return sessionOf(c).Push(push) == nil }) != nil
}
