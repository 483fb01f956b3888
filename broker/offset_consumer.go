package broker

import (
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// queryConsumerOffset serves QUERY_CONSUMER_OFFSET (14). A group without an
// offset is told 0, and so begins at the first message, while that message is
// still there and in memory; otherwise 22, and the client
// decides by its ConsumeFromWhere.
func (b *Broker) queryConsumerOffset(r *remoting.Request) error {
	var h protocol.QueryConsumerOffsetRequestHeader
	if err := b.readQueueHeader(r, &h); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
		switch {
		case err != nil:
			return err
		case !place.AsBrokersOwn():
			return r.Move(b.pools.admin, b.queryLogical)
		}
		h.QueueID = place.Items[0].QueueID
	}
	offset, known := b.offsets.Query(h.ConsumerGroup, h.Topic, h.QueueID)
	if !known || offset < 0 {
		if h.SetZeroIfNotFound.Set && !h.SetZeroIfNotFound.V {
			return refuse(protocol.ResponseQueryNotFound, "Not found, do not set to zero, maybe this group boot first")
		}
		if b.minOffset(h.Topic, h.QueueID) > 0 || !b.startsInMemory(h.Topic, h.QueueID) {
			return refuse(protocol.ResponseQueryNotFound, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first")
		}
		offset = 0
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.QueryConsumerOffsetResponseHeader{Offset: offset}, nil)
	return nil
}

// updateConsumerOffset serves UPDATE_CONSUMER_OFFSET (15).
func (b *Broker) updateConsumerOffset(r *remoting.Request) error {
	var h protocol.UpdateConsumerOffsetRequestHeader
	if err := b.admitQueue(r); err != nil {
		return err
	}
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		switch elsewhere, err := b.placeCommit(&h); {
		case err != nil:
			return err
		case elsewhere != nil:
			return r.Move(b.pools.admin, b.commitElsewhere)
		}
	}
	if b.groups.Get(h.ConsumerGroup) == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "Group %s not exist!", extOrNull(r, "consumerGroup"))
	}
	if !b.topics.Contains(h.Topic) {
		return refuse(protocol.ResponseTopicNotExist, "Topic %s not exist!", h.Topic)
	}
	switch h.Missing() {
	case "queueId":
		return refuse(protocol.ResponseInvalidParameter, "QueueId is null, topic is %s", h.Topic)
	case "commitOffset":
		return refuse(protocol.ResponseInvalidParameter, "Offset is null, topic is %s", h.Topic)
	}
	if b.config.Load().UseServerSideResetOffset && b.offsets.HasReset(h.ConsumerGroup, h.Topic, h.QueueID) {
		r.Reply(protocol.ResponseSuccess, "Offset has been previously reset", nil, nil)
		return nil
	}
	b.offsets.Commit(h.ConsumerGroup, h.Topic, h.QueueID, h.CommitOffset)
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}
