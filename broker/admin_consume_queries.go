package broker

import (
	"github.com/gantrymq/gantry/codec"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// consumeTimeSpan serves QUERY_CONSUME_TIME_SPAN (303): what a group's place in
// each queue of a topic means in time.
func (b *Broker) consumeTimeSpan(r *remoting.Request) error {
	var h protocol.QueryConsumeTimeSpanRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if !hasExt(r, "topic") {
		return missing("topic")
	}
	topic := b.topics.Get(h.Topic)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist", h.Topic)
	}
	body := protocol.QueryConsumeTimeSpanBody{}
	for queue := range topic.WriteQueueNums {
		span, err := b.timeSpan(h.Group, h.Topic, queue)
		if err != nil {
			return err
		}
		body.ConsumeTimeSpanSet = append(body.ConsumeTimeSpanSet, span)
	}
	return replyJSON(r, &body)
}

func (b *Broker) timeSpan(group, topic string, queue int32) (protocol.QueueTimeSpan, error) {
	earliest, err := b.store.EarliestStoreTime(topic, queue)
	if err != nil {
		return protocol.QueueTimeSpan{}, err
	}
	end := b.maxOffset(topic, queue)
	span := protocol.QueueTimeSpan{
		MessageQueue: b.queue(topic, queue),
		MinTimestamp: earliest, MaxTimestamp: b.storeTime(topic, queue, end-1), ConsumeTimestamp: earliest,
	}
	consumed, known := b.offsets.Query(group, topic, queue)
	if !known {
		consumed = -1
	}
	if consumed > 0 {
		span.ConsumeTimestamp = b.storeTime(topic, queue, consumed-1)
	}
	if consumed < end {
		span.DelayTime = b.now().UnixMilli() - b.storeTime(topic, queue, consumed)
	}
	span.MinTimestampText, span.MaxTimestampText = timeText(span.MinTimestamp), timeText(span.MaxTimestamp)
	span.ConsumeTimestampText = timeText(span.ConsumeTimestamp)
	return span, nil
}

// timeText writes a time in the form of upstream's UtilAll.YYYY_MM_DD_HH_MM_SS_SSS.
func timeText(ms int64) string {
	text := time.UnixMilli(ms).Format("2006-01-02#15:04:05.000")
	return strings.Replace(text, ".", ":", 1)
}

// cloneOffsets serves CLONE_GROUP_OFFSET (314): a group goes to where another is,
// in one topic or, when none is named, in all of them. (Upstream copies nothing
// when none is named.) offline says that subscriptions do not matter: then, as
// where there is no topic, nobody misses the name of the group to copy from.
func (b *Broker) cloneOffsets(r *remoting.Request) error {
	var h protocol.CloneGroupOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	named := h.Missing() != "srcGroup"
	topics := []string{h.Topic}
	if strings.TrimSpace(h.Topic) == "" {
		if !named {
			return missing("srcGroup")
		}
		topics = b.offsets.Topics(h.SrcGroup)
	}
	for _, topic := range topics {
		if !b.topics.Contains(topic) {
			continue
		}
		if !named && !h.Offline {
			return missing("srcGroup")
		}
		// Upstream also clones to a group without a name, which nobody can be in.
		if h.DestGroup != "" && (h.Offline || b.mayHaveConsumed(h.SrcGroup, topic)) {
			b.offsets.Clone(h.SrcGroup, h.DestGroup, topic)
		}
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// mayHaveConsumed reports whether a group subscribes to a topic; one without any
// subscription at the moment may have consumed every topic.
func (b *Broker) mayHaveConsumed(group, topic string) bool {
	view := b.consumers.View(group)
	return view == nil || len(view.Subscriptions) == 0 || view.Subscription(topic) != nil
}

// allConsumeStats serves GET_BROKER_CONSUME_STATS (317): how far every group is
// behind in every topic, or in ordered ones only.
func (b *Broker) allConsumeStats(r *remoting.Request) error {
	var h protocol.GetConsumeStatsInBrokerHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	body := protocol.ConsumeStatsList{BrokerAddr: b.told}
	for _, group := range slices.Sorted(maps.Keys(b.groups.Snapshot().SubscriptionGroupTable)) {
		list := []protocol.ConsumeStats{}
		for _, name := range b.offsets.Topics(group) {
			topic := b.topics.Get(name)
			if topic == nil || h.IsOrder && !topic.Order || !b.mayHaveConsumed(group, name) {
				continue
			}
			stats := b.groupStats(group, topic)
			for _, w := range stats.OffsetTable {
				body.TotalDiff += w.BrokerOffset - w.ConsumerOffset
				body.TotalInflightDiff += w.PullOffset - w.ConsumerOffset
			}
			list = append(list, stats)
		}
		body.ConsumeStatsList = append(body.ConsumeStatsList, map[string][]protocol.ConsumeStats{group: list})
	}
	return replyJSON(r, &body)
}

// groupStats is a group's place in the queues of a topic. Upstream leaves the
// pull offset out of this answer, and so the sum of what is in flight is wrong
// there; tools do not show it.
func (b *Broker) groupStats(group string, topic *protocol.TopicConfig) protocol.ConsumeStats {
	stats := protocol.ConsumeStats{OffsetTable: map[protocol.MessageQueue]protocol.OffsetWrapper{}, ConsumeTPS: b.stats.GroupGetTPS(b.counted(group), b.counted(topic.TopicName))}
	for queue := range topic.WriteQueueNums {
		w := b.consumeOffset(group, topic.TopicName, queue)
		w.PullOffset = 0
		stats.OffsetTable[b.queue(topic.TopicName, queue)] = w
	}
	return stats
}

// correctionOffsets serves QUERY_CORRECTION_OFFSET (308): the least offset of any
// group in each queue of a topic, for whoever wants to move compareGroup there;
// a queue in which that group is itself the slowest says so by the largest number.
func (b *Broker) correctionOffsets(r *remoting.Request) error {
	var h protocol.QueryCorrectionOffsetHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if h.Topic == "" {
		return missing("topic")
	}
	var except []string
	for group := range strings.SplitSeq(h.FilterGroups, ",") {
		if group != "" {
			except = append(except, group)
		}
	}
	slowest := b.offsets.SlowestOffsets(h.Topic, except, func(queue int32) int64 { return b.minOffset(h.Topic, queue) })
	if slowest == nil {
		slowest = map[int32]int64{}
	}
	for queue, offset := range b.offsets.QueryAll(h.CompareGroup, h.Topic) {
		if least, ok := slowest[queue]; ok && least > offset {
			slowest[queue] = math.MaxInt64
		}
	}
	return replyJSON(r, &protocol.QueryCorrectionOffsetBody{CorrectionOffsets: slowest})
}
