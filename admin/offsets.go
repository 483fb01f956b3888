package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// CompareQueues orders queues by topic, broker and number.
func CompareQueues(a, b protocol.MessageQueue) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), strings.Compare(a.BrokerName, b.BrokerName), cmp.Compare(a.QueueID, b.QueueID))
}

// SortedQueues lists the keys of a table in the order of CompareQueues.
func SortedQueues[V any](m map[protocol.MessageQueue]V) []protocol.MessageQueue {
	return slices.SortedFunc(maps.Keys(m), CompareQueues)
}

// ConsumeStats reads where a group stands on one broker; topic "" means all topics that
// it has consumed there.
func (c *Client) ConsumeStats(ctx context.Context, addr, group, topic string) (*protocol.ConsumeStats, error) {
	s, err := askJSON[protocol.ConsumeStats](ctx, c, addr, protocol.GetConsumeStats, &protocol.GetConsumeStatsRequestHeader{ConsumerGroup: group, Topic: topic}, nil)
	return &s, err
}

// GroupStats joins the ConsumeStats of all brokers where a group's retry topic lies, or
// else the topic. cluster names the route's topic for queues that have no route of
// their own, light ones (LMQ) and the timer's; it may be empty. Of static topics, which
// have a route, the logical queues take the place of those that they lie in.
func (c *Client) GroupStats(ctx context.Context, group, topic, cluster string) (*protocol.ConsumeStats, error) {
	topics := []string{protocol.RetryTopic(group)}
	if topic != "" {
		topics = append(topics, topic, protocol.PrefixRetry+group+"_"+topic)
	}
	if cluster != "" && withoutRoute(topic) {
		topics = append(topics, cluster)
	}
	route, err := c.FirstRoute(ctx, topics...)
	if err != nil {
		return nil, err
	}
	sum := &protocol.ConsumeStats{OffsetTable: map[protocol.MessageQueue]protocol.OffsetWrapper{}}
	for _, b := range route.BrokerDatas {
		addr := Addr(b)
		if addr == "" {
			continue
		}
		part, err := c.ConsumeStats(ctx, addr, group, topic)
		if err != nil {
			return nil, err
		}
		maps.Copy(sum.OffsetTable, part.OffsetTable)
		sum.ConsumeTPS += part.ConsumeTPS
	}
	if cluster == "" {
		if err := c.tellLogicalStats(ctx, sum); err != nil {
			return nil, err
		}
	}
	if len(sum.OffsetTable) == 0 {
		return nil, c.explainNoStats(ctx, group)
	}
	return sum, nil
}

// withoutRoute reports whether name servers have no route for a topic's queues.
func withoutRoute(topic string) bool {
	return strings.HasPrefix(topic, protocol.PrefixLMQ) || topic == "rmq_sys_wheel_timer"
}

// explainNoStats says why a group has no offsets.
func (c *Client) explainNoStats(ctx context.Context, group string) error {
	conns, err := c.ConsumerConnections(ctx, group)
	switch {
	case err != nil:
		return &NoStatsError{Group: group, Reason: "no consumer of it is online, and it has not committed any"}
	case conns.MessageModel == protocol.Broadcasting:
		return &NoStatsError{Group: group, Reason: "it consumes by broadcasting, so each consumer keeps its own"}
	}
	return &NoStatsError{Group: group, Reason: "its consumers have not committed any yet"}
}

// NoStatsError says that brokers know no offsets of a group, and why.
type NoStatsError struct{ Group, Reason string }

func (e *NoStatsError) Error() string {
	return "group " + e.Group + " has no offsets on its brokers: " + e.Reason
}

// TotalDiff sums how many messages a group is behind.
func TotalDiff(s *protocol.ConsumeStats) (n int64) {
	for _, o := range s.OffsetTable {
		n += o.BrokerOffset - o.ConsumerOffset
	}
	return n
}

// AllConsumeStats reads where all groups of one broker stand.
func (c *Client) AllConsumeStats(ctx context.Context, addr string, ordered bool) (*protocol.ConsumeStatsList, error) {
	s, err := askJSON[protocol.ConsumeStatsList](ctx, c, addr, protocol.GetBrokerConsumeStats, &protocol.GetConsumeStatsInBrokerHeader{IsOrder: ordered}, nil)
	return &s, err
}

// MinOffset reads the first offset of a queue of the broker at addr.
func (c *Client) MinOffset(ctx context.Context, addr string, q protocol.MessageQueue) (int64, error) {
	var answer protocol.GetMinOffsetResponseHeader
	err := c.askHeader(ctx, addr, protocol.GetMinOffset, &protocol.GetMinOffsetRequestHeader{Topic: q.Topic, QueueID: q.QueueID}, &answer)
	return answer.Offset, err
}

// MaxOffset reads the offset behind the last message of a queue.
func (c *Client) MaxOffset(ctx context.Context, addr string, q protocol.MessageQueue) (int64, error) {
	var answer protocol.GetMaxOffsetResponseHeader
	err := c.askHeader(ctx, addr, protocol.GetMaxOffset, &protocol.GetMaxOffsetRequestHeader{Topic: q.Topic, QueueID: q.QueueID, Committed: true}, &answer)
	return answer.Offset, err
}

// SearchOffset finds the first offset of a queue that was stored at ms or later.
func (c *Client) SearchOffset(ctx context.Context, addr string, q protocol.MessageQueue, ms int64) (int64, error) {
	var answer protocol.SearchOffsetResponseHeader
	err := c.askHeader(ctx, addr, protocol.SearchOffsetByTimestamp,
		&protocol.SearchOffsetRequestHeader{Topic: q.Topic, QueueID: q.QueueID, Timestamp: ms, BoundaryType: "LOWER"}, &answer)
	return answer.Offset, err
}

// UpdateOffset says where a group stands in a queue of the broker at addr.
func (c *Client) UpdateOffset(ctx context.Context, addr, group string, q protocol.MessageQueue, offset int64) error {
	return c.do(ctx, addr, protocol.UpdateConsumerOffset,
		&protocol.UpdateConsumerOffsetRequestHeader{ConsumerGroup: group, Topic: q.Topic, QueueID: q.QueueID, CommitOffset: offset}, nil)
}

// ResetOffsets asks one broker to move a group in all queues of a topic to the time ms,
// or with -1 to their ends, and to tell its consumers. Without force it is only moved
// back. It returns where it stands then.
func (c *Client) ResetOffsets(ctx context.Context, addr, topic, group string, ms int64, force bool) (map[protocol.MessageQueue]int64, error) {
	return c.reset(ctx, addr, &protocol.ResetOffsetRequestHeader{Topic: topic, Group: group, QueueID: -1, Timestamp: ms, IsForce: force})
}

// ResetQueue is ResetOffsets for one queue and to an offset.
func (c *Client) ResetQueue(ctx context.Context, addr, topic, group string, queue int32, offset int64) (map[protocol.MessageQueue]int64, error) {
	return c.reset(ctx, addr, &protocol.ResetOffsetRequestHeader{Topic: topic, Group: group, QueueID: queue, Offset: protocol.Some(offset), IsForce: true})
}

func (c *Client) reset(ctx context.Context, addr string, h *protocol.ResetOffsetRequestHeader) (map[protocol.MessageQueue]int64, error) {
	body, err := askJSON[protocol.ResetOffsetBody](ctx, c, addr, protocol.InvokeBrokerToResetOffset, h, nil)
	return body.OffsetTable, err
}

// ConsumeTimeSpan reads, for each queue of a topic on one broker, when its messages and
// those that a group consumed last were stored.
func (c *Client) ConsumeTimeSpan(ctx context.Context, addr, topic, group string) ([]protocol.QueueTimeSpan, error) {
	body, err := askJSON[protocol.QueryConsumeTimeSpanBody](ctx, c, addr, protocol.QueryConsumeTimeSpan, &protocol.QueryConsumeTimeSpanRequestHeader{Topic: topic, Group: group}, nil)
	return body.ConsumeTimeSpanSet, err
}

// ConsumeQueue reads units of a consume queue of one broker. With a group it also says
// which of them the group's filter takes.
func (c *Client) ConsumeQueue(ctx context.Context, addr string, q protocol.MessageQueue, index int64, count int32, group string) (*protocol.QueryConsumeQueueResponseBody, error) {
	f, err := c.ask(ctx, addr, protocol.QueryConsumeQueue, &protocol.QueryConsumeQueueRequestHeader{
		Topic: q.Topic, QueueID: q.QueueID, Index: index, Count: count, ConsumerGroup: group,
	}, nil)
	if err != nil {
		return nil, err
	}
	if len(f.Body) == 0 {
		return nil, fmt.Errorf("%s has no unit %d in queue %d of topic %s", addr, index, q.QueueID, q.Topic)
	}
	var body protocol.QueryConsumeQueueResponseBody
	return &body, decodeBody(f, addr, protocol.QueryConsumeQueue, &body)
}
