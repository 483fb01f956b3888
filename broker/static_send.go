package broker

import (
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
	if !op.place.Led() {
		return b.notLeader(h.Topic, h.QueueID, op.place.Mapping)
	}
	h.QueueID = op.place.Items.Leader().QueueID
	return nil
}

// notLeader refuses a request for a logical queue that another broker leads.
func (b *Broker) notLeader(topic string, queue int32, m *protocol.TopicQueueMappingDetail) error {
	return refuse(protocol.ResponseNotLeaderForQueue, "%s-%d does not exit in request process of current broker %s", topic, queue, m.BrokerName)
}

// tellLogical tells the sender where in the logical queue the message lies; -1 while it
// is not decided where this broker's part of it begins.
func (op *sendOp) tellLogical() {
	if op.place.Static() {
		op.answer.QueueID = op.place.ID
		op.answer.QueueOffset = logicqueue.LogicalLoosely(op.place.Items.Leader(), op.answer.QueueOffset)
	}
}
