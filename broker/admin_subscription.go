package broker

import (
	"fmt"
	"github.com/gantrymq/gantry/codec"
	"slices"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// groupSubscription serves QUERY_SUBSCRIPTION_BY_CONSUMER (345): what a group
// that is connected wants of a topic.
func (b *Broker) groupSubscription(r *remoting.Request) error {
	var h protocol.QuerySubscriptionByConsumerRequestHeader
	if err := readHeader(r, &h, "group"); err != nil {
		return err
	}
	if b.consumers.View(h.Group) != nil { // upstream looks the topic up in it
		if err := need(r, "topic"); err != nil {
			return err
		}
	}
	body := protocol.QuerySubscriptionResponseBody{Group: h.Group, SubscriptionData: b.consumers.Subscription(h.Group, h.Topic)}
	if hasExt(r, "topic") {
		body.Topic = protocol.Some(h.Topic)
	}
	return replyJSON(r, &body)
}

// groupForbidden serves UPDATE_AND_GET_GROUP_FORBIDDEN (353): whether a group may
// read a topic, and, when readable is given, a change of that.
func (b *Broker) groupForbidden(r *remoting.Request) error {
	var h protocol.UpdateGroupForbiddenRequestHeader
	if err := readHeader(r, &h, "group"); err != nil {
		return err
	}
	if h.Readable.Set && !h.Readable.V || b.groups.HasForbidden(h.Group) { // upstream looks the topic up
		if err := need(r, "topic"); err != nil {
			return err
		}
	}
	if h.Readable.Set {
		if err := b.groups.SetForbidden(h.Group, h.Topic, protocol.ForbidRead, !h.Readable.V); err != nil {
			return err
		}
	}
	body := protocol.GroupForbidden{Group: h.Group, Readable: !b.groups.Forbidden(h.Group, h.Topic, protocol.ForbidRead)}
	if hasExt(r, "topic") {
		body.Topic = protocol.Some(h.Topic)
	}
	return replyJSON(r, &body)
}

// showQueue serves QUERY_CONSUME_QUEUE (321): units of a consume queue as they
// are stored, and what a group's filter is.
func (b *Broker) showQueue(r *remoting.Request) error {
	var h protocol.QueryConsumeQueueRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if err := need(r, "topic"); err != nil {
		return err
	}
	ids, err := b.store.Queues(h.Topic)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, h.QueueID) {
		return refuse(protocol.ResponseSystemError, "%d@%s is not exist!", h.QueueID, h.Topic)
	}
	first, end := b.queueBounds(h.Topic, h.QueueID)
	if h.Index < first || h.Index >= end {
		r.Reply(protocol.ResponseSuccess, fmt.Sprintf("Index %d of %d@%s is not exist!", h.Index, h.QueueID, h.Topic), nil, nil)
		return nil
	}
	units, err := b.store.Units(h.Topic, h.QueueID, h.Index, int(min(h.Count, maxShownUnits)))
	if err != nil {
		return err
	}
	body := protocol.QueryConsumeQueueResponseBody{MinQueueIndex: first, MaxQueueIndex: end, QueueData: []protocol.ConsumeQueueData{}}
	for _, u := range units {
		if u.QueueOffset-h.Index >= int64(h.Count) {
			break // upstream counts messages, of which an entry may stand for several
		}
		body.QueueData = append(body.QueueData, protocol.ConsumeQueueData{PhysicalOffset: u.Physical, PhysicalSize: u.Size, TagsCode: u.TagsCode})
	}
	if hasExt(r, "consumerGroup") {
		body.SubscriptionData = b.consumers.Subscription(h.ConsumerGroup, h.Topic)
		shown := fmt.Sprintf("%s@%s is not online!", h.ConsumerGroup, h.Topic)
		if body.SubscriptionData != nil {
			if shown, err = b.filters.Find(h.Topic, h.ConsumerGroup).Show(); err != nil {
				return err
			}
		}
		body.FilterData = protocol.Some(shown)
	}
	return replyJSONRemark(r, notSet, &body)
}

// maxShownUnits bounds one answer of QUERY_CONSUME_QUEUE: with more of them it would not
// fit into a frame that clients take.
const maxShownUnits = 150_000
