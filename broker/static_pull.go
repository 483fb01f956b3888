package broker

import (
	"errors"

	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// errElsewhere says that the stretch of a logical queue that a pull asks for lies at
// another broker.
var errElsewhere = errors.New("the messages lie at another broker")

// placePull finds the logical queue of a pull from a static topic, and makes the
// header mean the queue that the offset lies in.
func (b *Broker) placePull(op *pullOp) error {
	h := &op.header
	if b.statics.Get(h.Topic) == nil {
		return nil
	}
	op.place = b.statics.Find(h.Topic, h.QueueID, h.LogicalQueue)
	if !op.place.Static() {
		return nil
	}
	if !op.place.Led() {
		return refuse(protocol.ResponseNotLeaderForQueue, "%s-%d cannot find mapping item in request process of current broker %s",
			h.Topic, h.QueueID, op.place.Mapping.BrokerName)
	}
	item := op.place.At(h.QueueOffset)
	if item == nil {
		return errUndecided(h.Topic, h.QueueID)
	}
	h.QueueID, h.QueueOffset = item.QueueID, logicqueue.Physical(item, h.QueueOffset)
	if logicqueue.EndDecided(item) {
		h.MaxMsgNums = int32(min(item.EndOffset-item.StartOffset, int64(h.MaxMsgNums)))
	}
	if !op.place.Here(item) {
		return errElsewhere
	}
	return nil
}

// errUndecided refuses what asks for a place in a logical queue that has none yet.
func errUndecided(topic string, queue int32) error {
	return refuse(protocol.ResponseSystemError, "queue %d of static topic %s is on its way to this broker, and where it goes on is not decided yet: try again", queue, topic)
}

// tellLogical makes the answer one about the logical queue. Upstream leaves the remark
// out of those that bring no message.
func (op *pullOp) tellLogical() {
	op.code = translate(&op.place, &op.header, op.code, &op.answer)
	if op.code != protocol.ResponseSuccess {
		op.remark = ""
	}
}

func translate(place *staticqueue.Place, h *protocol.PullMessageRequestHeader, code protocol.ResponseCode, answer *protocol.PullMessageResponseHeader) protocol.ResponseCode {
	pulled := staticqueue.Pulled{Code: code, Next: answer.NextBeginOffset, Min: answer.MinOffset, Max: answer.MaxOffset}
	place.Translate(h.QueueOffset, &pulled)
	answer.NextBeginOffset, answer.MinOffset, answer.MaxOffset = pulled.Next, pulled.Min, pulled.Max
	answer.OffsetDelta = protocol.Some(pulled.Delta)
	return pulled.Code
}

// commitLogical commits the offset that a pull from a static topic brings along, where
// that lies at this broker. Clients commit by a request of their own as well, which
// reaches every broker.
func (b *Broker) commitLogical(op *pullOp) {
	h := &op.header
	item := op.place.Items.At(h.CommitOffset)
	if item == nil || !op.place.Here(item) || h.CommitOffset < item.LogicOffset {
		return
	}
	b.offsets.Commit(h.ConsumerGroup, h.Topic, item.QueueID, logicqueue.Physical(item, h.CommitOffset))
}

// pullElsewhere has the broker answer at which the messages lie. Nobody waits there
// for new ones: it is not where they will come. It gives op back.
func (b *Broker) pullElsewhere(r *remoting.Request, op *pullOp, inline bool) error {
	defer op.release()
	if inline { // the broker's address may have to be asked for
		return r.Move(b.pools.pull, b.pullCold)
	}
	if op.header.SysFlag&protocol.PullFlagCommitOffset != 0 {
		b.commitLogical(op)
	}
	place, h := op.place, op.header
	h.LogicalQueue, h.TargetBroker = protocol.Some(false), place.Item.BrokerName
	h.SysFlag &^= protocol.PullFlagSuspend | protocol.PullFlagCommitOffset
	addr, err := b.brokerAddr(h.TargetBroker)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	pending := r.Detach()
	b.client.Go(addr, brokerCommand(protocol.PullMessage, &h), b.config.Load().ForwardTimeout, func(answer *codec.Frame, err error) {
		if err != nil {
			pending.Reply(protocol.ResponseSystemError, err.Error(), nil, nil)
			return
		}
		relayPull(pending, &place, &h, answer)
	})
	return nil
}

// relayPull answers a pull as another broker has answered it, in offsets of the
// logical queue. The answer is lent.
func relayPull(r replier, place *staticqueue.Place, h *protocol.PullMessageRequestHeader, answer *codec.Frame) {
	code := protocol.ResponseCode(answer.Code)
	switch code {
	case protocol.ResponseSuccess, protocol.ResponsePullNotFound, protocol.ResponsePullRetryImmediately, protocol.ResponsePullOffsetMoved:
	default:
		r.Reply(protocol.ResponseSystemError, remoteFault(place.Item.BrokerName, answer), nil, nil)
		return
	}
	var header protocol.PullMessageResponseHeader
	if err := codec.DecodeHeader(&header, answer.Ext); err != nil {
		r.Reply(protocol.ResponseSystemError, err.Error(), nil, nil)
		return
	}
	r.Reply(translate(place, h, code, &header), "", &header, answer.Body)
}

// answerRemapped ends the wait of a pull from a static topic whose queues were mapped
// anew meanwhile. The client asks again, here or at the new leader.
func answerRemapped(held *heldPull) {
	h, place := &held.header, &held.place
	offset := logicqueue.Logical(place.Item, h.QueueOffset)
	held.pending.Reply(protocol.ResponsePullRetryImmediately, "", &protocol.PullMessageResponseHeader{
		SuggestWhichBrokerID: held.group.BrokerID, NextBeginOffset: offset, MinOffset: logicqueue.Logical(place.Item, 0), MaxOffset: offset,
		OffsetDelta: protocol.Some(logicqueue.Delta(place.Item)),
	}, nil)
}
