package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// TopicList lists the topics that the name servers know, sorted.
func (c *Client) TopicList(ctx context.Context) ([]string, error) {
	list, err := askServers[protocol.TopicList](ctx, c, protocol.GetAllTopicListFromNameserver, nil)
	slices.Sort(list.TopicList)
	return list.TopicList, err
}

// Route reads where a topic lies.
func (c *Client) Route(ctx context.Context, topic string) (*protocol.TopicRouteData, error) {
	route, err := askServers[protocol.TopicRouteData](ctx, c, protocol.GetRouteinfoByTopic,
		&protocol.GetRouteInfoRequestHeader{Topic: topic, AcceptStandardJsonOnly: protocol.Some(true)})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(route.BrokerDatas, func(a, b *protocol.BrokerData) int { return strings.Compare(a.BrokerName, b.BrokerName) })
	slices.SortFunc(route.QueueDatas, func(a, b *protocol.QueueData) int { return strings.Compare(a.BrokerName, b.BrokerName) })
	return &route, nil
}

// FirstRoute reads the route of the first of several topics that has one.
func (c *Client) FirstRoute(ctx context.Context, topics ...string) (*protocol.TopicRouteData, error) {
	var first error
	for _, topic := range topics {
		route, err := c.Route(ctx, topic)
		if err == nil {
			return route, nil
		}
		if first == nil {
			first = err
		}
		if !HasCode(err, protocol.ResponseTopicNotExist) {
			break
		}
	}
	return nil, first
}

// TopicClusters names the clusters that a topic's first broker belongs to.
func (c *Client) TopicClusters(ctx context.Context, topic string) ([]string, error) {
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	route, err := c.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range cluster.Names() {
		if len(route.BrokerDatas) > 0 && slices.Contains(cluster.ClusterAddrTable[name], route.BrokerDatas[0].BrokerName) {
			names = append(names, name)
		}
	}
	return names, nil
}

// UpdateTopic creates or changes a topic on one broker. Attributes are changes, as
// the broker takes them: "+key" sets, "-key" removes.
func (c *Client) UpdateTopic(ctx context.Context, addr string, t *protocol.TopicConfig) error {
	if remark, ok := compat.CheckTopic(t.TopicName); !ok {
		return errors.New(remark)
	}
	return c.do(ctx, addr, protocol.UpdateAndCreateTopic, topicHeader(t), nil)
}

func topicHeader(t *protocol.TopicConfig) *protocol.CreateTopicRequestHeader {
	return &protocol.CreateTopicRequestHeader{
		Topic: t.TopicName, DefaultTopic: protocol.TopicAutoCreate,
		ReadQueueNums: t.ReadQueueNums, WriteQueueNums: t.WriteQueueNums, Perm: t.Perm, TopicFilterType: string(t.TopicFilterType),
		TopicSysFlag: protocol.Some(t.TopicSysFlag), Order: t.Order, Attributes: FormatAttributes(t.Attributes),
	}
}

// UpdateTopics creates or changes several topics on one broker by one request.
func (c *Client) UpdateTopics(ctx context.Context, addr string, topics []*protocol.TopicConfig) error {
	return c.doJSON(ctx, addr, protocol.UpdateAndCreateTopicList, &protocol.CreateTopicListRequestHeader{},
		&protocol.CreateTopicListRequestBody{TopicConfigList: topics})
}

// TopicConfig reads a topic's settings from one broker, with its part of a static topic
// if it is one.
func (c *Client) TopicConfig(ctx context.Context, addr, topic string) (*protocol.TopicConfigAndQueueMapping, error) {
	h := &protocol.GetTopicConfigRequestHeader{Topic: topic}
	h.LogicalQueue = protocol.Some(true)
	t, err := askJSON[protocol.TopicConfigAndQueueMapping](ctx, c, addr, protocol.GetTopicConfig, h, nil)
	return &t, err
}

// AllTopicConfigs reads the settings of all topics of one broker, its own included.
func (c *Client) AllTopicConfigs(ctx context.Context, addr string) (*protocol.TopicConfigSerializeWrapper, error) {
	all, err := askJSON[protocol.TopicConfigSerializeWrapper](ctx, c, addr, protocol.GetAllTopicConfig, nil, nil)
	return &all, err
}

// UserTopicConfigs is AllTopicConfigs without the topics that a broker makes for
// itself, and without retry and dead letter topics unless special is set.
func (c *Client) UserTopicConfigs(ctx context.Context, addr string, special bool) (*protocol.TopicConfigSerializeWrapper, error) {
	all, err := c.AllTopicConfigs(ctx, addr)
	if err != nil {
		return nil, err
	}
	system, err := askJSON[protocol.TopicList](ctx, c, addr, protocol.GetSystemTopicListFromBroker, nil, nil)
	if err != nil {
		return nil, err
	}
	for name, t := range all.TopicConfigTable {
		switch {
		case slices.Contains(system.TopicList, name), compat.IsSystemTopic(name):
		case !special && (compat.IsRetryTopic(name) || compat.IsDLQTopic(name)):
		case t.Perm < 0 || t.Perm >= protocol.PermPriority:
		default:
			continue
		}
		delete(all.TopicConfigTable, name)
	}
	return all, nil
}

// DeleteTopic removes a topic from all brokers of a cluster, from the name servers and
// from the table of ordered topics, in this order.
func (c *Client) DeleteTopic(ctx context.Context, cluster, topic string) error {
	info, err := c.Cluster(ctx)
	if err != nil {
		return err
	}
	addrs, err := info.Addrs(cluster)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		if err := c.DeleteTopicOnBroker(ctx, addr, topic); err != nil {
			return err
		}
	}
	if err := c.DeleteTopicOnNameServers(ctx, topic); err != nil {
		return err
	}
	return c.DeleteKV(ctx, OrderTopics, topic)
}

// DeleteTopicOnBroker removes a topic from one broker.
func (c *Client) DeleteTopicOnBroker(ctx context.Context, addr, topic string) error {
	return c.do(ctx, addr, protocol.DeleteTopicInBroker, &protocol.DeleteTopicRequestHeader{Topic: topic}, nil)
}

// DeleteTopicOnNameServers removes a topic's route from every name server.
func (c *Client) DeleteTopicOnNameServers(ctx context.Context, topic string) error {
	return c.eachServer(func(addr string) error {
		return c.do(ctx, addr, protocol.DeleteTopicInNamesrv, &protocol.DeleteTopicFromNamesrvRequestHeader{Topic: topic}, nil)
	})
}

// TopicStats reads the bounds of a topic's queues from one broker.
func (c *Client) TopicStats(ctx context.Context, addr, topic string) (*protocol.TopicStatsTable, error) {
	t, err := askJSON[protocol.TopicStatsTable](ctx, c, addr, protocol.GetTopicStatsInfo, &protocol.GetTopicStatsInfoRequestHeader{Topic: topic}, nil)
	return &t, err
}

// TopicStatsEverywhere joins the TopicStats of all brokers of a route, and adds the
// logical queues of a static topic.
func (c *Client) TopicStatsEverywhere(ctx context.Context, route *protocol.TopicRouteData, topic string) (*protocol.TopicStatsTable, error) {
	sum := &protocol.TopicStatsTable{OffsetTable: map[protocol.MessageQueue]protocol.TopicOffset{}}
	for _, b := range route.BrokerDatas {
		addr := Addr(b)
		if addr == "" {
			continue
		}
		part, err := c.TopicStats(ctx, addr, topic)
		if err != nil {
			return nil, err
		}
		for q, o := range part.OffsetTable {
			sum.OffsetTable[q] = o
		}
	}
	if err := c.addLogicalBounds(ctx, route, topic, sum); err != nil {
		return nil, err
	}
	if len(sum.OffsetTable) == 0 {
		return nil, fmt.Errorf("no broker of topic %s has queues of it; has it just been created, or deleted?", topic)
	}
	return sum, nil
}

// ReadQueues lists the queues of a route that can be read, by broker and number.
func ReadQueues(route *protocol.TopicRouteData, topic string) []protocol.MessageQueue {
	var all []protocol.MessageQueue
	for _, q := range route.QueueDatas {
		if q.Perm&protocol.PermRead == 0 {
			continue
		}
		for id := range q.ReadQueueNums {
			all = append(all, protocol.MessageQueue{BrokerName: q.BrokerName, QueueID: id, Topic: topic})
		}
	}
	return all
}

// WriteQueues lists the queues of a route that can be written, by broker and number.
// Brokers without a master are left out, as clients leave them out.
func WriteQueues(route *protocol.TopicRouteData, topic string) []protocol.MessageQueue {
	var all []protocol.MessageQueue
	for _, q := range route.QueueDatas {
		if q.Perm&protocol.PermWrite == 0 {
			continue
		}
		b := BrokerIn(route, q.BrokerName)
		if b == nil || b.BrokerAddrs[protocol.MasterID] == "" {
			continue
		}
		for id := range q.WriteQueueNums {
			all = append(all, protocol.MessageQueue{BrokerName: q.BrokerName, QueueID: id, Topic: topic})
		}
	}
	return all
}

// BrokerIn finds a broker in a route; nil if the topic does not lie there.
func BrokerIn(route *protocol.TopicRouteData, name string) *protocol.BrokerData {
	for _, b := range route.BrokerDatas {
		if b.BrokerName == name {
			return b
		}
	}
	return nil
}
