package broker

import (
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// placeSend finds the logical queue of a send to a static topic, and makes the header
// mean the queue of this broker that it leads to. Upstream forgets the field lo when it
// reads the short form of the header.
func (b *Broker) placeSend(r *remoting.Request, op *sendOp) error {
	h := &op.header
	if protocol.RequestCode(r.Code) != protocol.SendMessage {
		h.LogicalQueue = protocol.Opt[bool]{}
	}
	op.place = b.statics.FindToSend(h.Topic, h.QueueID, h.LogicalQueue)
	if !op.place.Static() {
		return nil
	}
	if !hasExt(r, "queueId") && !hasExt(r, "e") {
		return noQueue(op.place.Mapping)
	}
	if !op.place.Led() {
		return notLeader(h.Topic, h.QueueID, op.place.Mapping)
	}
	h.QueueID = op.place.Items.Leader().QueueID
	return nil
}

// notLeader refuses a request for a logical queue that another broker leads.
func notLeader(topic string, queue int32, m *protocol.TopicQueueMappingDetail) error {
	return refuse(protocol.ResponseNotLeaderForQueue, "%s-%d does not exit in request process of current broker %s", topic, queue, m.BrokerName)
}

// namesNoQueue finds the mapping of a static topic for a request that does not say, as a number, which queue of it is meant;
// nil for all other requests. Upstream leads no such queue.
func (b *Broker) namesNoQueue(r *remoting.Request) *protocol.TopicQueueMappingDetail {
	if needInts(r, "queueId") == nil { // nearly all; their headers are not read twice
		return nil
	}
	var h protocol.GetMaxOffsetRequestHeader // what it has is what such requests have in common
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if !h.LogicalQueue.Or(true) {
		return nil
	}
	return b.statics.Get(h.Topic)
}

// admitQueue refuses a request that names no queue of a static topic.
func (b *Broker) admitQueue(r *remoting.Request) error {
	if m := b.namesNoQueue(r); m != nil {
		return noQueue(m)
	}
	return nil
}

func noQueue(m *protocol.TopicQueueMappingDetail) error {
	return refuse(protocol.ResponseNotLeaderForQueue, "%s-null does not exit in request process of current broker %s", m.Topic, m.BrokerName)
}

// readQueueHeader is readHeader for a question about a queue.
func (b *Broker) readQueueHeader(r *remoting.Request, h protocol.Header) error {
	if err := b.admitQueue(r); err != nil {
		return err
	}
	return readHeader(r, h, "topic", "queueId")
}

// tellLogical tells the sender where in the logical queue the message lies; -1 while it
// is not decided where this broker's part of it begins.
func (op *sendOp) tellLogical() {
	if op.place.Static() {
		op.answer.QueueID = op.place.ID
		op.answer.QueueOffset = logicqueue.LogicalLoosely(op.place.Items.Leader(), op.answer.QueueOffset)
	}
}
