package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func topicCommands() cli.Set {
	return in(areaTopics,
		&cli.Command{Name: "topicList", Help: "all topics", Options: []cli.Option{cli.Flag("c", "clusterModel", "with their clusters and groups")}, Run: topicList},
		&cli.Command{Name: "topicRoute", Help: "where a topic lies", Options: []cli.Option{needTopic, cli.Flag("l", "list", "as a table")}, Run: topicRoute},
		&cli.Command{Name: "topicStatus", Help: "bounds of a topic's queues", Options: []cli.Option{
			needTopic, cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
		}, Run: topicStatus},
		&cli.Command{Name: "topicClusterList", Help: "clusters of a topic", Options: []cli.Option{needTopic}, Run: topicClusterList},
		&cli.Command{Name: "updateTopic", Help: "create a topic or change it", Options: []cli.Option{
			optBroker, optCluster, needTopic,
			cli.Value("a", "attributes", "changes of attributes, +key=value or -key, with commas between"),
			cli.Value("r", "readQueueNums", "queues to read from (8)"), cli.Value("w", "writeQueueNums", "queues to write to (8)"),
			cli.Value("p", "perm", "2: write, 4: read, 6: both (6)"), cli.Value("o", "order", "true: messages are ordered"),
			cli.Value("u", "unit", "true: a unit's topic"), cli.Value("s", "hasUnitSub", "true: has subscribers in units"),
		}, OneOf: oneBroker, Run: updateTopic},
		&cli.Command{Name: "updateTopicList", Help: "create or change the topics of a file", Options: []cli.Option{
			optBroker, optCluster, cli.Need("f", "filename", "file with a JSON array of topic configurations"),
		}, OneOf: oneBroker, Run: updateTopicList},
		&cli.Command{Name: "deleteTopic", Help: "delete a topic from a cluster and the name servers", Options: []cli.Option{
			needTopic, cli.Need("c", "clusterName", "cluster"),
		}, Run: deleteTopic},
		&cli.Command{Name: "updateTopicPerm", Help: "change a topic's permission", Options: []cli.Option{
			optBroker, optCluster, needTopic, cli.Need("p", "perm", "2: write, 4: read, 6: both"),
		}, OneOf: oneBroker, Run: updateTopicPerm},
		&cli.Command{Name: "allocateMQ", Help: "how clients would share a topic's queues", Options: []cli.Option{
			needTopic, cli.Need("i", "ipList", "the clients, with commas between"),
		}, Run: allocateMQ},
	)
}

func topicList(ctx context.Context, c *cli.Call) error {
	topics, err := c.Client.TopicList(ctx)
	if err != nil {
		return err
	}
	if !c.Has("c") {
		for _, topic := range topics {
			c.Out.Printf("%s\n", topic)
		}
		c.Out.Set("topics", topics)
		return nil
	}
	t := c.Out.Table("topics", "%-20s  %-48s  %-48s", "%-20s  %-64s  %-64s", "#Cluster Name=cluster", "#Topic", "#Consumer Group=group")
	for _, topic := range topics {
		if compat.IsRetryTopic(topic) || compat.IsDLQTopic(topic) {
			continue
		}
		cluster := ""
		if names, err := c.Client.TopicClusters(ctx, topic); err == nil && len(names) > 0 {
			cluster = names[0]
		}
		groups, err := c.Client.GroupsOf(ctx, topic)
		if err != nil || len(groups) == 0 {
			groups = []string{""}
		}
		for _, group := range groups {
			t.Row(front(cluster, 20), front(topic, 64), front(group, 64))
		}
	}
	return nil
}

func topicRoute(ctx context.Context, c *cli.Call) error {
	route, err := c.Client.Route(ctx, c.Value("t"))
	if err != nil {
		return err
	}
	c.Out.Set("route", route)
	if !c.Has("l") {
		text, err := compat.AppendFastjson(nil, route, compat.Pretty)
		c.Out.Printf("%s\n", text)
		return err
	}
	const format = "%-45s %-32s %-50s %-10v %-11v %-5v"
	t := c.Out.Table("brokers", format, format, "#ClusterName=cluster", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue", "#Perm")
	byName := map[string]*protocol.QueueData{}
	for _, q := range route.QueueDatas {
		byName[q.BrokerName] = q
	}
	var reads, writes int32
	for _, b := range route.BrokerDatas {
		q := byName[b.BrokerName]
		if q == nil {
			q = &protocol.QueueData{}
		}
		reads, writes = reads+q.ReadQueueNums, writes+q.WriteQueueNums
		t.Row(b.Cluster, b.BrokerName, cli.Cell{Text: addrsText(b), Data: b.BrokerAddrs}, q.ReadQueueNums, q.WriteQueueNums, q.Perm)
	}
	c.Out.Printf("%s\n", strings.Repeat("-", 158))
	c.Out.Printf(format+"\n", "Total:", fmt.Sprint(len(byName)), "", reads, writes, "")
	return nil
}

// addrsText shows a broker's addresses as Java shows the map.
func addrsText(b *protocol.BrokerData) string {
	var items []string
	for _, id := range slices.Sorted(maps.Keys(b.BrokerAddrs)) {
		items = append(items, fmt.Sprintf("%d=%s", id, b.BrokerAddrs[id]))
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func topicStatus(ctx context.Context, c *cli.Call) error {
	topic := c.Value("t")
	route, err := c.Client.Route(ctx, c.Or("c", topic))
	if err != nil {
		return err
	}
	stats, err := c.Client.TopicStatsEverywhere(ctx, route, topic)
	if err != nil {
		return err
	}
	t := c.Out.Table("queues", "%-32s  %-4s  %-20s  %-20s    %s", "%-32s  %-4d  %-20d  %-20d    %s",
		"#Broker Name", "#QID=queueId", "#Min Offset", "#Max Offset", "#Last Updated=lastUpdateTimestamp")
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		o := stats.OffsetTable[q]
		updated := ""
		if o.LastUpdateTimestamp > 0 {
			updated = timeText(o.LastUpdateTimestamp)
		}
		t.Row(front(q.BrokerName, 32), q.QueueID, o.MinOffset, o.MaxOffset, cli.Cell{Text: updated, Data: o.LastUpdateTimestamp})
	}
	c.Out.Printf("\nTopic Put TPS: %s\n", double(stats.TopicPutTPS))
	c.Out.Set("topicPutTps", stats.TopicPutTPS)
	return nil
}

func topicClusterList(ctx context.Context, c *cli.Call) error {
	names, err := c.Client.TopicClusters(ctx, c.Value("t"))
	for _, name := range names {
		c.Out.Printf("%s\n", name)
	}
	c.Out.Set("clusters", names)
	return err
}

func updateTopic(ctx context.Context, c *cli.Call) error {
	t := protocol.DefaultTopicConfig(c.Value("t"))
	t.ReadQueueNums, t.WriteQueueNums = c.Int32("r", 8), c.Int32("w", 8)
	t.Perm, t.Order = c.Int32("p", t.Perm), c.Bool("o", false)
	if c.Bool("u", false) {
		t.TopicSysFlag |= protocol.TopicFlagUnit
	}
	if c.Bool("s", false) {
		t.TopicSysFlag |= protocol.TopicFlagUnitSub
	}
	if err := c.Bad(); err != nil {
		return err
	}
	var err error
	if t.Attributes, err = admin.ParseAttributes(c.Value("a")); err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	if err := eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.UpdateTopic(ctx, addr, &t); err != nil {
			return err
		}
		if t.Order && c.Has("b") {
			if err := orderOnBroker(ctx, c, addr, &t); err != nil {
				return err
			}
		}
		c.Out.Say("create topic to %s success.", addr)
		return nil
	}); err != nil {
		return err
	}
	if t.Order && c.Has("c") {
		if err := orderOnCluster(ctx, c, &t); err != nil {
			return err
		}
	}
	c.Out.Printf("%s\n", topicText(&t))
	c.Out.Set("topic", &t)
	return nil
}

// clusterBrokers lists the brokers of the cluster of -c.
func clusterBrokers(ctx context.Context, c *cli.Call) ([]*protocol.BrokerData, error) {
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	return cluster.Brokers(c.Value("c"))
}

// eachBroker does the same at several brokers. With one, its error is the command's;
// with more, the others are tried too.
func eachBroker(c *cli.Call, addrs []string, do func(addr string) error) error {
	for _, addr := range addrs {
		if err := do(addr); err != nil {
			if len(addrs) == 1 {
				return err
			}
			c.Failed(err)
		}
	}
	return nil
}

func updateTopicList(ctx context.Context, c *cli.Call) error {
	var topics []*protocol.TopicConfig
	if err := readJSONFile(c.Value("f"), &topics); err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.UpdateTopics(ctx, addr, topics); err != nil {
			return err
		}
		c.Out.Say("submit batch of topic config to %s success, please check the result later.", addr)
		return nil
	})
}

// readJSONFile reads a list; an empty one is an error, for nothing would be done.
func readJSONFile[T any](name string, list *[]T) error {
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return fmt.Errorf("the file path %s does not exists", name)
	}
	if err != nil {
		return err
	}
	if err := compat.UnmarshalFastjson(text, list); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(*list) == 0 {
		return fmt.Errorf("%s has an empty list: there is nothing to do", name)
	}
	return nil
}

func deleteTopic(ctx context.Context, c *cli.Call) error {
	topic, cluster := c.Value("t"), c.Value("c")
	if err := c.Client.DeleteTopic(ctx, cluster, topic); err != nil {
		return err
	}
	c.Out.Say("delete topic [%s] from cluster [%s] success.", topic, cluster)
	c.Out.Say("delete topic [%s] from NameServer success.", topic)
	return nil
}

func updateTopicPerm(ctx context.Context, c *cli.Call) error {
	topic, perm := c.Value("t"), c.Int32("p", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	route, err := c.Client.Route(ctx, topic)
	if err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		old, t, err := permAt(route, topic, addr)
		if err != nil {
			return err
		}
		if old == perm && c.Has("b") {
			c.Out.Say("new perm equals to the old one!")
			return nil
		}
		t.Perm = perm
		if err := c.Client.UpdateTopic(ctx, addr, t); err != nil {
			return err
		}
		c.Out.Say("update topic perm from %d to %d in %s success.", old, perm, addr)
		if c.Has("b") {
			c.Out.Printf("%s.\n", topicText(t))
			c.Out.Set("topic", t)
		}
		return nil
	})
}

// permAt reads from a route what a topic is at the master with an address.
func permAt(route *protocol.TopicRouteData, topic, addr string) (perm int32, t *protocol.TopicConfig, err error) {
	for _, b := range route.BrokerDatas {
		if b.BrokerAddrs[protocol.MasterID] != addr {
			continue
		}
		for _, q := range route.QueueDatas {
			if q.BrokerName == b.BrokerName {
				t := protocol.DefaultTopicConfig(topic)
				t.ReadQueueNums, t.WriteQueueNums, t.TopicSysFlag = q.ReadQueueNums, q.WriteQueueNums, q.TopicSysFlag
				return q.Perm, &t, nil
			}
		}
	}
	return 0, nil, fmt.Errorf("topic %s does not lie on a master at %s; topicRoute shows where it lies", topic, addr)
}

func allocateMQ(ctx context.Context, c *cli.Call) error {
	clients := c.List("i")
	route, err := c.Client.Route(ctx, c.Value("t"))
	if err != nil {
		return err
	}
	result := map[string][]protocol.MessageQueue{}
	for i, client := range clients {
		result[client] = averagely(admin.ReadQueues(route, c.Value("t")), i, len(clients))
	}
	text, err := compat.MarshalFastjson(map[string]any{"result": result})
	c.Out.Printf("%s\n", text)
	c.Out.Set("result", result)
	return err
}

// averagely is what the client at a place of n gets by the strategy of that name: runs of
// neighbouring queues, the first clients one more where they do not come out even.
func averagely(queues []protocol.MessageQueue, place, n int) []protocol.MessageQueue {
	size, more := len(queues)/n, len(queues)%n
	from := place*size + min(place, more)
	if place < more {
		size++
	}
	return queues[from : from+size]
}
