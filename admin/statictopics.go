package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// StaticParts reads what every broker has of a topic. Where it is not static, the part has no mapping.
func (c *Client) StaticParts(ctx context.Context, topic string) (logicqueue.Parts, error) {
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	parts := logicqueue.Parts{}
	for _, b := range cluster.All() {
		if addr := b.BrokerAddrs[protocol.MasterID]; addr != "" {
			if err := c.readPart(ctx, parts, b.BrokerName, addr, topic); err != nil {
				return nil, err
			}
		}
	}
	return parts, nil
}

// readPart adds what one broker has of a topic, if it has it.
func (c *Client) readPart(ctx context.Context, parts logicqueue.Parts, broker, addr, topic string) error {
	part, err := c.TopicConfig(ctx, addr, topic)
	switch {
	case HasCode(err, protocol.ResponseTopicNotExist):
		return nil
	case err != nil:
		return err
	}
	parts[broker] = part
	return nil
}

// UpdateStaticPart gives one broker its part of a static topic. With force it takes the
// part whatever it has of the topic.
func (c *Client) UpdateStaticPart(ctx context.Context, addr string, part *logicqueue.Part, force bool) error {
	h := &protocol.CreateTopicRequestHeader{
		Topic: part.TopicName, DefaultTopic: protocol.TopicAutoCreate, ReadQueueNums: part.ReadQueueNums, WriteQueueNums: part.WriteQueueNums,
		Perm: part.Perm, TopicFilterType: string(part.TopicFilterType), TopicSysFlag: protocol.Some(part.TopicSysFlag), Order: part.Order, Force: protocol.Some(force),
	}
	return c.doJSON(ctx, addr, protocol.UpdateAndCreateStaticTopic, h, part.MappingDetail)
}

// masters finds the master of each broker of a plan, completed by the other brokers of
// their clusters, which have to know the topic too.
func (c *Client) masters(ctx context.Context, topic string, plan *logicqueue.Plan) (map[string]string, error) {
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(plan.Parts)) {
		plan.Complete(topic, cluster.ClusterAddrTable[cluster.ClusterOf(name)])
	}
	addrs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(plan.Parts)) {
		b, err := cluster.Broker(name)
		if err != nil {
			return nil, err
		}
		if addrs[name] = b.BrokerAddrs[protocol.MasterID]; addrs[name] == "" {
			return nil, fmt.Errorf("broker %s has no master now; a static topic is changed at all brokers of its cluster or at none", name)
		}
	}
	return addrs, nil
}

// GrowStaticTopic carries out a plan of logicqueue.Grow.
func (c *Client) GrowStaticTopic(ctx context.Context, topic string, plan *logicqueue.Plan, force bool) error {
	addrs, err := c.masters(ctx, topic, plan)
	if err != nil {
		return err
	}
	return c.updateParts(ctx, plan, addrs, force, slices.Sorted(maps.Keys(plan.Parts)))
}

func (c *Client) updateParts(ctx context.Context, plan *logicqueue.Plan, addrs map[string]string, force bool, brokers []string) error {
	for _, broker := range brokers {
		if err := c.UpdateStaticPart(ctx, addrs[broker], plan.Parts[broker], force); err != nil {
			return err
		}
	}
	return nil
}

// MoveStaticTopic carries out a plan of logicqueue.Move. The new leaders are written to
// first, then the old ones are closed, and only then, when their ends are known, is it
// decided where the queues go on: clients lose nothing, whenever they learn of it. What
// was begun and failed is finished by carrying out the same plan again.
func (c *Client) MoveStaticTopic(ctx context.Context, topic string, plan *logicqueue.Plan, force bool) error {
	addrs, err := c.masters(ctx, topic, plan)
	if err != nil {
		return err
	}
	if err := c.updateParts(ctx, plan, addrs, force, plan.In); err != nil {
		return err
	}
	if err := c.updateParts(ctx, plan, addrs, force, plan.Out); err != nil {
		return err
	}
	ends := map[string]*protocol.TopicStatsTable{}
	err = plan.Decide(func(old *logicqueue.Item) (int64, error) {
		if ends[old.BrokerName] == nil {
			stats, err := c.TopicStats(ctx, addrs[old.BrokerName], topic)
			if err != nil {
				return 0, err
			}
			ends[old.BrokerName] = stats
		}
		o, ok := ends[old.BrokerName].OffsetTable[protocol.MessageQueue{BrokerName: old.BrokerName, QueueID: old.QueueID, Topic: topic}]
		if !ok {
			return 0, fmt.Errorf("broker %s does not tell where queue %d of topic %s ends; try again, nothing is lost", old.BrokerName, old.QueueID, topic)
		}
		return o.MaxOffset, nil
	})
	if err != nil {
		return err
	}
	if err := c.updateParts(ctx, plan, addrs, force, plan.In); err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(plan.Parts)), func(broker string) bool {
		return slices.Contains(plan.In, broker)
	})
	return c.updateParts(ctx, plan, addrs, force, rest)
}

// routeParts reads what the brokers of a route have of a topic.
func (c *Client) routeParts(ctx context.Context, route *protocol.TopicRouteData, topic string) (logicqueue.Parts, error) {
	parts := logicqueue.Parts{}
	for _, b := range route.BrokerDatas {
		if addr := Addr(b); addr != "" {
			if err := c.readPart(ctx, parts, b.BrokerName, addr, topic); err != nil {
				return nil, err
			}
		}
	}
	return parts, nil
}

// addLogicalBounds adds the bounds of a static topic's logical queues to those of the
// queues that they lie in.
func (c *Client) addLogicalBounds(ctx context.Context, route *protocol.TopicRouteData, topic string, stats *protocol.TopicStatsTable) error {
	if len(route.TopicQueueMappingByBroker) == 0 {
		return nil
	}
	parts, err := c.routeParts(ctx, route, topic)
	if err != nil {
		return err
	}
	queues, err := parts.Leaders()
	if err != nil {
		return err
	}
	for id, items := range queues {
		first, last := items.First(), items.Last()
		if first == nil {
			continue
		}
		from, ok := stats.OffsetTable[brokerQueue(topic, first)]
		to, both := stats.OffsetTable[brokerQueue(topic, last)]
		if !ok || !both {
			continue
		}
		stats.OffsetTable[logicalQueue(topic, id)] = protocol.TopicOffset{
			MinOffset: logicqueue.LogicalLoosely(first, from.MinOffset), MaxOffset: logicqueue.Logical(last, to.MaxOffset),
			LastUpdateTimestamp: to.LastUpdateTimestamp,
		}
	}
	return nil
}

// tellLogicalStats puts the logical queues of static topics in the place of those that
// they lie in. A group stands where it has committed to the newest stretch of a queue.
func (c *Client) tellLogicalStats(ctx context.Context, stats *protocol.ConsumeStats) error {
	topics := map[string]bool{}
	for q := range stats.OffsetTable {
		topics[q.Topic] = true
	}
	for topic := range topics {
		route, err := c.Route(ctx, topic)
		if err != nil {
			return err
		}
		if len(route.TopicQueueMappingByBroker) == 0 {
			continue
		}
		parts, err := c.routeParts(ctx, route, topic)
		if err != nil {
			return err
		}
		queues, err := parts.Leaders()
		if err != nil {
			return err
		}
		physical := maps.Clone(stats.OffsetTable)
		maps.DeleteFunc(stats.OffsetTable, func(q protocol.MessageQueue, _ protocol.OffsetWrapper) bool { return q.Topic == topic })
		for id, items := range queues {
			if o, ok := logicalStats(topic, items, physical); ok {
				stats.OffsetTable[logicalQueue(topic, id)] = o
			}
		}
	}
	return nil
}

func logicalStats(topic string, items logicqueue.Queue, physical map[protocol.MessageQueue]protocol.OffsetWrapper) (sum protocol.OffsetWrapper, ok bool) {
	sum = protocol.OffsetWrapper{BrokerOffset: -1, ConsumerOffset: -1}
	for n := len(items) - 1; n >= 0; n-- {
		at, known := physical[brokerQueue(topic, items[n])]
		if !known || !logicqueue.Decided(items[n]) {
			continue
		}
		if sum.BrokerOffset < 0 {
			sum.BrokerOffset = logicqueue.Logical(items[n], at.BrokerOffset)
		}
		if sum.ConsumerOffset < 0 && at.ConsumerOffset >= 0 {
			sum.ConsumerOffset, sum.LastTimestamp = logicqueue.Logical(items[n], at.ConsumerOffset), at.LastTimestamp
		}
	}
	return sum, sum.BrokerOffset >= 0 && sum.ConsumerOffset >= 0
}

func brokerQueue(topic string, item *logicqueue.Item) protocol.MessageQueue {
	return protocol.MessageQueue{BrokerName: item.BrokerName, QueueID: item.QueueID, Topic: topic}
}

func logicalQueue(topic string, id int32) protocol.MessageQueue {
	return protocol.MessageQueue{BrokerName: logicqueue.MockBroker(protocol.MappingScopeGlobal), QueueID: id, Topic: topic}
}
