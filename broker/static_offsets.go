package broker

import (
	"context"

	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// isLogical reports whether a request means a logical queue of a static topic. What
// serves those may ask other brokers, and runs in a worker.
func (b *Broker) isLogical(topic string, logical protocol.Opt[bool]) bool {
	return b.statics.Get(topic) != nil && logical.Or(true)
}

// place finds a logical queue that this broker leads.
func (b *Broker) place(topic string, queue int32, logical protocol.Opt[bool]) (staticqueue.Place, error) {
	p := b.statics.Find(topic, queue, logical)
	if p.Static() && !p.Led() {
		return p, notLeader(topic, queue, p.Mapping)
	}
	return p, nil
}

// toBroker addresses the fields that all questions about queues share to the broker at
// which an item lies.
func toBroker(item *logicqueue.Item) protocol.TopicRPCFields {
	return protocol.TopicRPCFields{RPCFields: protocol.RPCFields{TargetBroker: item.BrokerName}, LogicalQueue: protocol.Some(false)}
}

// logicalMaxOffset serves GET_MAX_OFFSET for a logical queue: the end of its newest
// stretch that has a place.
func (b *Broker) logicalMaxOffset(r *remoting.Request) error {
	var h protocol.GetMaxOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
	if err != nil {
		return err
	}
	if !place.Static() {
		return b.getMaxOffset(r)
	}
	item := place.Items.Last()
	if item == nil {
		return errUndecided(h.Topic, h.QueueID)
	}
	end, err := b.endOf(h.Topic, &place, item)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetMaxOffsetResponseHeader{Offset: logicqueue.Logical(item, end)}, nil)
	return nil
}

// endOf is where the queue that an item lies in ends, wherever that is.
func (b *Broker) endOf(topic string, place *staticqueue.Place, item *logicqueue.Item) (int64, error) {
	if place.Here(item) {
		return b.maxOffset(topic, item.QueueID), nil
	}
	h := &protocol.GetMaxOffsetRequestHeader{Topic: topic, QueueID: item.QueueID, TopicRPCFields: toBroker(item)}
	answer, err := askFor[protocol.GetMaxOffsetResponseHeader](b, item.BrokerName, protocol.GetMaxOffset, h)
	return answer.Offset, err
}

// logicalMinOffset serves GET_MIN_OFFSET for a logical queue: the beginning of its
// oldest stretch.
func (b *Broker) logicalMinOffset(r *remoting.Request) error {
	var h protocol.GetMinOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	place := b.statics.Find(h.Topic, h.QueueID, h.LogicalQueue)
	if !place.Static() {
		return b.getMinOffset(r)
	}
	if !place.Led() {
		return refuse(protocol.ResponseNotLeaderForQueue, "%s-%d is not leader in broker %s, request code %d",
			h.Topic, h.QueueID, place.Mapping.BrokerName, protocol.GetMinOffset)
	}
	item := place.Items.First()
	if item == nil {
		return errUndecided(h.Topic, h.QueueID)
	}
	first := int64(0)
	if place.Here(item) {
		first = b.minOffset(h.Topic, item.QueueID)
	} else {
		ask := &protocol.GetMinOffsetRequestHeader{Topic: h.Topic, QueueID: item.QueueID, TopicRPCFields: toBroker(item)}
		answer, err := askFor[protocol.GetMinOffsetResponseHeader](b, item.BrokerName, protocol.GetMinOffset, ask)
		if err != nil {
			return err
		}
		first = answer.Offset
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetMinOffsetResponseHeader{Offset: logicqueue.LogicalLoosely(item, first)}, nil)
	return nil
}

// logicalEarliest serves GET_EARLIEST_MSG_STORETIME for a logical queue.
func (b *Broker) logicalEarliest(r *remoting.Request, h *protocol.GetEarliestMsgStoretimeRequestHeader) error {
	place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
	if err != nil {
		return err
	}
	item := place.Items.First()
	if item == nil {
		return errUndecided(h.Topic, h.QueueID)
	}
	var answer protocol.GetEarliestMsgStoretimeResponseHeader
	if place.Here(item) {
		answer.Timestamp, err = b.store.EarliestStoreTime(h.Topic, item.QueueID)
	} else {
		ask := &protocol.GetEarliestMsgStoretimeRequestHeader{Topic: h.Topic, QueueID: item.QueueID, TopicRPCFields: toBroker(item)}
		answer, err = askFor[protocol.GetEarliestMsgStoretimeResponseHeader](b, item.BrokerName, protocol.GetEarliestMsgStoretime, ask)
	}
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &answer, nil)
	return nil
}

// searchLogical serves SEARCH_OFFSET_BY_TIMESTAMP for a logical queue: the stretches
// are searched from the oldest on, and the first that has such a message decides.
func (b *Broker) searchLogical(r *remoting.Request, h *protocol.SearchOffsetRequestHeader) error {
	place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
	if err != nil {
		return err
	}
	last := place.Items.Last()
	if last == nil {
		return errUndecided(h.Topic, h.QueueID)
	}
	for _, item := range place.Items {
		if !logicqueue.Decided(item) {
			continue
		}
		offset, err := b.searchItem(&place, item, h)
		if err != nil {
			return err
		}
		end, err := b.endOf(h.Topic, &place, item)
		if err != nil {
			return err
		}
		if item == last || offset < end && offset >= 0 {
			r.Reply(protocol.ResponseSuccess, "", &protocol.SearchOffsetResponseHeader{Offset: logicqueue.Logical(item, offset)}, nil)
			return nil
		}
	}
	return errUndecided(h.Topic, h.QueueID)
}

// searchItem searches the queue that an item lies in.
func (b *Broker) searchItem(place *staticqueue.Place, item *logicqueue.Item, h *protocol.SearchOffsetRequestHeader) (int64, error) {
	if place.Here(item) {
		return b.store.OffsetByTime(h.Topic, item.QueueID, h.Timestamp, upperBoundary(h))
	}
	ask := &protocol.SearchOffsetRequestHeader{
		Topic: h.Topic, QueueID: item.QueueID, Timestamp: h.Timestamp, BoundaryType: h.BoundaryType, TopicRPCFields: toBroker(item),
	}
	answer, err := askFor[protocol.SearchOffsetResponseHeader](b, item.BrokerName, protocol.SearchOffsetByTimestamp, ask)
	return answer.Offset, err
}

// queryLogical serves QUERY_CONSUMER_OFFSET for a logical queue that has moved. The
// group may have committed to any of its stretches: the newest is asked first.
func (b *Broker) queryLogical(r *remoting.Request) error {
	var h protocol.QueryConsumerOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
	if err != nil {
		return err
	}
	if !place.Static() || place.AsBrokersOwn() {
		return b.queryConsumerOffset(r)
	}
	for n := len(place.Items) - 1; n >= 0; n-- {
		item := place.Items[n]
		if !logicqueue.Decided(item) {
			continue
		}
		offset, known, err := b.committedTo(&place, item, &h)
		if err != nil {
			return err
		}
		if known {
			r.Reply(protocol.ResponseSuccess, "", &protocol.QueryConsumerOffsetResponseHeader{Offset: logicqueue.Logical(item, offset)}, nil)
			return nil
		}
	}
	return refuse(protocol.ResponseQueryNotFound, "Not found, maybe this group consumer boot first")
}

// committedTo is what a group has committed to the queue that an item lies in.
func (b *Broker) committedTo(place *staticqueue.Place, item *logicqueue.Item, h *protocol.QueryConsumerOffsetRequestHeader) (offset int64, known bool, err error) {
	if place.Here(item) {
		offset, known = b.offsets.Query(h.ConsumerGroup, h.Topic, item.QueueID)
		return offset, known && offset >= 0, nil
	}
	answer, err := b.askBroker(context.Background(), item.BrokerName, protocol.QueryConsumerOffset, &protocol.QueryConsumerOffsetRequestHeader{
		ConsumerGroup: h.ConsumerGroup, Topic: h.Topic, QueueID: item.QueueID, SetZeroIfNotFound: protocol.Some(false), TopicRPCFields: toBroker(item),
	})
	if err != nil {
		return 0, false, err
	}
	switch protocol.ResponseCode(answer.Code) {
	case protocol.ResponseSuccess:
		var found protocol.QueryConsumerOffsetResponseHeader
		if err := codec.DecodeHeader(&found, answer.Ext); err != nil {
			return 0, false, err
		}
		return found.Offset, true, nil
	case protocol.ResponseQueryNotFound:
		return 0, false, nil
	}
	return 0, false, refuse(protocol.ResponseSystemError, "%s", remoteFault(item.BrokerName, answer))
}

// placeCommit makes the header of a commit to a logical queue mean the queue that the
// offset lies in, and reports the item when that is at another broker.
func (b *Broker) placeCommit(h *protocol.UpdateConsumerOffsetRequestHeader) (elsewhere *logicqueue.Item, err error) {
	place, err := b.place(h.Topic, h.QueueID, h.LogicalQueue)
	if err != nil || !place.Static() {
		return nil, err
	}
	item := place.At(h.CommitOffset)
	if item == nil {
		return nil, errUndecided(h.Topic, h.QueueID)
	}
	h.QueueID, h.CommitOffset = item.QueueID, logicqueue.Physical(item, h.CommitOffset)
	if place.Here(item) {
		return nil, nil
	}
	return item, nil
}

// commitElsewhere serves UPDATE_CONSUMER_OFFSET where the offset lies at another broker.
func (b *Broker) commitElsewhere(r *remoting.Request) error {
	var h protocol.UpdateConsumerOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	item, err := b.placeCommit(&h)
	if err != nil {
		return err
	}
	if item == nil { // mapped anew meanwhile
		return b.updateConsumerOffset(r)
	}
	h.TopicRPCFields = toBroker(item)
	if _, err := askFor[protocol.UpdateConsumerOffsetResponseHeader](b, item.BrokerName, protocol.UpdateConsumerOffset, &h); err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}
