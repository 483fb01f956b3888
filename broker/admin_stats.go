package broker

import (
	"github.com/gantrymq/gantry/codec"
	"strings"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// topicStats serves GET_TOPIC_STATS_INFO (202): where each queue of a topic
// begins and ends.
func (b *Broker) topicStats(r *remoting.Request) error {
	var h protocol.GetTopicStatsInfoRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	topic := b.topics.Get(h.Topic)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist", h.Topic)
	}
	table := protocol.TopicStatsTable{OffsetTable: map[protocol.MessageQueue]protocol.TopicOffset{}, TopicPutTPS: b.stats.TopicPutTPS(h.Topic)}
	for q := range max(topic.WriteQueueNums, topic.ReadQueueNums) {
		lo, hi := max(0, b.minOffset(h.Topic, q)), max(0, b.maxOffset(h.Topic, q))
		offset := protocol.TopicOffset{MinOffset: lo, MaxOffset: hi}
		if hi > 0 {
			offset.LastUpdateTimestamp = b.storeTime(h.Topic, q, hi-1)
		}
		table.OffsetTable[b.queue(h.Topic, q)] = offset
	}
	return replyJSON(r, &table)
}

// consumeStats serves GET_CONSUME_STATS (208): how far a group has come in each
// queue of its topics.
func (b *Broker) consumeStats(r *remoting.Request) error {
	var h protocol.GetConsumeStatsRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if h.TopicList == "" { // what a group subscribes to is asked of a group that is named
		if err := need(r, "consumerGroup"); err != nil {
			return err
		}
	}
	stats := protocol.ConsumeStats{OffsetTable: map[protocol.MessageQueue]protocol.OffsetWrapper{}}
	for _, name := range b.topicsForStats(&h) {
		topic := b.topics.Get(name)
		if topic == nil {
			continue
		}
		for q := range topic.ReadQueueNums {
			stats.OffsetTable[b.queue(name, q)] = b.consumeOffset(h.ConsumerGroup, name, q)
		}
		stats.ConsumeTPS += b.stats.GroupGetTPS(b.counted(h.ConsumerGroup), b.counted(name))
	}
	return replyJSON(r, &stats)
}

func (b *Broker) consumeOffset(group, topic string, queue int32) protocol.OffsetWrapper {
	consumed, known := b.offsets.Query(group, topic, queue)
	if !known && b.statics.Get(topic) != nil {
		consumed = -1 // the group may have committed to the queue's stretch at another broker
	} else {
		consumed = max(0, consumed)
	}
	pulled, known := b.offsets.QueryPull(group, topic, queue)
	if !known {
		pulled = -1
	}
	w := protocol.OffsetWrapper{
		BrokerOffset: max(0, b.maxOffset(topic, queue)), ConsumerOffset: consumed,
		PullOffset: max(consumed, pulled),
	}
	if consumed > 0 {
		w.LastTimestamp = max(0, b.storeTime(topic, queue, consumed-1))
	}
	return w
}

// topicsForStats lists the topics asked for; those that the group's members are
// not subscribed to are left out, unless a list was given.
func (b *Broker) topicsForStats(h *protocol.GetConsumeStatsRequestHeader) []string {
	if h.TopicList != "" {
		var topics []string
		for topic := range strings.SplitSeq(h.TopicList, ";") {
			if topic = strings.TrimSpace(topic); topic != "" {
				topics = append(topics, topic)
			}
		}
		if len(topics) > 0 {
			return topics
		}
	}
	topics := []string{h.Topic}
	if strings.TrimSpace(h.Topic) == "" {
		topics = b.offsets.Topics(h.ConsumerGroup)
	}
	group := b.consumers.View(h.ConsumerGroup)
	if group == nil || len(group.Subscriptions) == 0 {
		return topics
	}
	var subscribed []string
	for _, topic := range topics {
		if group.Subscription(topic) != nil {
			subscribed = append(subscribed, topic)
		}
	}
	return subscribed
}

// brokerStats serves VIEW_BROKER_STATS_DATA (315).
func (b *Broker) brokerStats(r *remoting.Request) error {
	var h protocol.ViewBrokerStatsDataRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	data, ok := b.stats.View(h.StatsName, h.StatsKey)
	if !ok {
		return refuse(protocol.ResponseSystemError, "The stats <%s> <%s> not exist", extOrNull(r, "statsName"), extOrNull(r, "statsKey"))
	}
	return replyJSON(r, &data)
}

// allConsumerOffsets serves GET_ALL_CONSUMER_OFFSET (43).
func (b *Broker) allConsumerOffsets(r *remoting.Request) error {
	return replyJSON(r, b.offsets.Snapshot())
}

// allDelayOffsets serves GET_ALL_DELAY_OFFSET (45).
func (b *Broker) allDelayOffsets(r *remoting.Request) error {
	return replyJSON(r, b.delay.Snapshot())
}

// storeTime is when a message was stored, or -1 when it is not there any more.
func (b *Broker) storeTime(topic string, queue int32, offset int64) int64 {
	ms, err := b.store.StoreTime(topic, queue, offset)
	if err != nil {
		return -1
	}
	return ms
}

func (b *Broker) queue(topic string, id int32) protocol.MessageQueue {
	return protocol.MessageQueue{Topic: topic, BrokerName: b.name, QueueID: id}
}
