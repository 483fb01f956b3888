package broker

import (
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// searchOffset serves SEARCH_OFFSET_BY_TIMESTAMP (29).
func (b *Broker) searchOffset(r *remoting.Request) error {
	var h protocol.SearchOffsetRequestHeader
	if err := b.readQueueHeader(r, &h); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		return b.searchLogical(r, &h)
	}
	if isLite(h.LiteTopic) {
		h.Topic = compat.LiteTopicName(h.Topic, h.LiteTopic)
		if h.QueueID != 0 || b.maxOffset(h.Topic, 0) <= 0 {
			r.Reply(protocol.ResponseSuccess, "", &protocol.SearchOffsetResponseHeader{}, nil)
			return nil
		}
	}
	if err := needNumbers(r, "timestamp"); err != nil {
		return err
	}
	if b.neverFilled(h.Topic, h.QueueID) {
		return errNeverFilled
	}
	offset, err := b.store.OffsetByTime(h.Topic, h.QueueID, h.Timestamp, upperBoundary(&h))
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.SearchOffsetResponseHeader{Offset: offset}, nil)
	return nil
}

// getMaxOffset serves GET_MAX_OFFSET (30).
func (b *Broker) getMaxOffset(r *remoting.Request) error {
	var h protocol.GetMaxOffsetRequestHeader
	if err := b.readQueueHeader(r, &h); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		return r.Move(b.pools.admin, b.logicalMaxOffset)
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetMaxOffsetResponseHeader{Offset: b.maxOffset(h.Topic, h.QueueID)}, nil)
	return nil
}

// getMinOffset serves GET_MIN_OFFSET (31).
func (b *Broker) getMinOffset(r *remoting.Request) error {
	var h protocol.GetMinOffsetRequestHeader
	if m := b.namesNoQueue(r); m != nil {
		return refuse(protocol.ResponseNotLeaderForQueue, "%s-null is not leader in broker %s, request code %d", m.Topic, m.BrokerName, r.Code)
	}
	if err := readHeader(r, &h, "topic", "queueId"); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		return r.Move(b.pools.admin, b.logicalMinOffset)
	}
	first := b.minOffset(h.Topic, h.QueueID)
	if b.neverFilled(h.Topic, h.QueueID) {
		first = noMinOffset
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetMinOffsetResponseHeader{Offset: first}, nil)
	return nil
}

// getEarliestStoreTime serves GET_EARLIEST_MSG_STORETIME (32).
func (b *Broker) getEarliestStoreTime(r *remoting.Request) error {
	var h protocol.GetEarliestMsgStoretimeRequestHeader
	if err := b.readQueueHeader(r, &h); err != nil {
		return err
	}
	if b.isLogical(h.Topic, h.LogicalQueue) {
		return b.logicalEarliest(r, &h)
	}
	if b.neverFilled(h.Topic, h.QueueID) {
		return errNeverFilled
	}
	earliest, err := b.store.EarliestStoreTime(h.Topic, h.QueueID)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetEarliestMsgStoretimeResponseHeader{Timestamp: earliest}, nil)
	return nil
}

// upperBoundary reports whether the last message of a time is asked for and not the first one after it.
// Tools write the boundary in capitals, as the name of upstream's constant (BoundaryType).
func upperBoundary(h *protocol.SearchOffsetRequestHeader) bool {
	return strings.EqualFold(h.BoundaryType, "upper")
}
