package broker

import (
	"errors"
	"slices"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/protocol"
)

// hasBatchQueues reports whether the queues of a topic are queues of batches. The
// store asks; while it is opened there is no table of topics yet, since it is the
// store that locks the directory, but what topics.json says is known.
func (b *Broker) hasBatchQueues(topic string) bool {
	table := b.topics
	if table == nil {
		table = b.storedTopics
	}
	return isBatchTopic(table.Get(topic))
}

func isBatchTopic(c *protocol.TopicConfig) bool {
	return c != nil && c.Attributes[attribute.QueueType] == "BatchCQ"
}

// neverFilled reports whether a queue is one of batches to which no message has
// come yet. Upstream's has no first offset then, and stumbles when it is searched.
func (b *Broker) neverFilled(topic string, queue int32) bool {
	if !isBatchTopic(b.topics.Get(topic)) {
		return false
	}
	_, end := b.queueBounds(topic, queue)
	return end == 0
}

// noMinOffset is what upstream gives for the first offset of a queue that was never filled.
const noMinOffset = -1

var errNeverFilled = errors.New("no message has come to this queue of batches yet")

// asksForBatchQueues reports whether an administrator's change asks for queues of batches.
func asksForBatchQueues(topic *protocol.TopicConfig) bool {
	return topic.Attributes["+"+attribute.QueueType] == "BatchCQ"
}

// clearForBatches removes the queues that are left of a deleted topic before one of
// the same name is made with queues of batches: its records that were dispatched
// again have brought ordinary ones back.
func (b *Broker) clearForBatches(list ...*protocol.TopicConfig) error {
	var left []string
	for _, topic := range list {
		if asksForBatchQueues(topic) && !b.topics.Contains(topic.TopicName) && slices.Contains(b.store.Topics(), topic.TopicName) {
			left = append(left, topic.TopicName)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return b.store.DeleteTopics(left)
}

// settleBatchTopics makes new topics durable before anything is stored in their
// queues: no broker starts on queues of batches whose topic it does not know.
func (b *Broker) settleBatchTopics(list ...*protocol.TopicConfig) error {
	if !slices.ContainsFunc(list, asksForBatchQueues) {
		return nil
	}
	return b.topics.Settle()
}
