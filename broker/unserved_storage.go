package broker

import (
	"slices"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/protocol"
)

// checkStorage refuses a topic that asks for queues of batches and for compaction
// at once: compaction looks at the key of a record, and a batch that stays whole has
// the keys of its messages inside.
func checkStorage(topic *protocol.TopicConfig) error {
	if asksForBatchQueues(topic) && topic.Attributes["+"+attribute.CleanupPolicy] == "COMPACTION" {
		return refuse(protocol.ResponseInvalidParameter, "topic %s asks for queue.type=BatchCQ and for cleanup.policy=COMPACTION, which this broker does not combine: leave one of them out",
			topic.TopicName)
	}
	return nil
}

// warnOfStorage names the topics of a directory that was taken over which have both.
func (b *Broker) warnOfStorage() {
	table, _ := b.topics.Snapshot()
	var names []string
	for name, c := range table {
		if isBatchTopic(c) && c.Attributes[attribute.CleanupPolicy] == "COMPACTION" {
			names = append(names, name)
		}
	}
	if slices.Sort(names); len(names) > 0 {
		b.log.Warnf("topics with queue.type=BatchCQ and cleanup.policy=COMPACTION: batches that stay whole are compacted by the key of the batch: %q", names)
	}
}
