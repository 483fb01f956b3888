package mqadmin

import (
	"context"
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func groupCommands() cli.Set {
	needGroup := cli.Need("g", "groupName", "group")
	return in(areaGroups,
		&cli.Command{Name: "updateSubGroup", Help: "create a subscription group or change it", Options: []cli.Option{
			optBroker, optCluster, needGroup,
			cli.Value("s", "consumeEnable", "false: the group may not consume (true)"),
			cli.Value("m", "consumeFromMinEnable", "true: may begin at the first message (false)"),
			cli.Value("d", "consumeBroadcastEnable", "true: may consume by broadcasting (false)"),
			cli.Value("o", "consumeMessageOrderly", "true: consumes in order (false)"),
			cli.Value("q", "retryQueueNums", "queues of its retry topic (1)"), cli.Value("r", "retryMaxTimes", "deliveries before the dead letter queue (16)"),
			cli.Value("p", "groupRetryPolicy", "when to deliver again, as JSON"), cli.Value("i", "brokerId", "broker id to read from (0)"),
			cli.Value("w", "whichBrokerWhenConsumeSlowly", "broker id to read from when far behind (1)"),
			cli.Value("a", "notifyConsumerIdsChanged", "false: consumers are not told of each other (true)"),
			cli.Value("", "attributes", "changes of attributes, +key=value or -key, with commas between"),
		}, OneOf: oneBroker, Run: updateSubGroup},
		&cli.Command{Name: "updateSubGroupList", Help: "create or change the groups of a file", Options: []cli.Option{
			optBroker, optCluster, cli.Need("f", "filename", "file with a JSON array of group configurations"),
		}, OneOf: oneBroker, Run: updateSubGroupList},
		&cli.Command{Name: "deleteSubGroup", Help: "delete a subscription group", Options: []cli.Option{
			optBroker, optCluster, needGroup, cli.Value("r", "removeOffset", "true: also where it stands (false)"),
		}, OneOf: oneBroker, Run: deleteSubGroup},
		&cli.Command{Name: "getConsumerConfig", Help: "a group's settings on every broker", Options: []cli.Option{needGroup}, Run: getConsumerConfig},
		&cli.Command{Name: "setConsumeMode", Help: "how a group receives a topic's messages", Options: []cli.Option{
			optBroker, optCluster, cli.Need("t", "topicName", "topic"), needGroup, cli.Need("m", "mode", "PULL or POP"),
			cli.Value("q", "popShareQueueNum", "consumers that share a queue with POP (0)"),
		}, OneOf: oneBroker, Run: setConsumeMode},
	)
}

func updateSubGroup(ctx context.Context, c *cli.Call) error {
	g := protocol.DefaultSubscriptionGroupConfig(c.Value("g"))
	g.ConsumeEnable = c.Bool("s", true)
	g.ConsumeFromMinEnable, g.ConsumeBroadcastEnable = c.Bool("m", false), c.Bool("d", false)
	g.ConsumeMessageOrderly = c.Bool("o", false)
	g.RetryQueueNums, g.RetryMaxTimes = c.Int32("q", g.RetryQueueNums), c.Int32("r", g.RetryMaxTimes)
	g.BrokerID, g.WhichBrokerWhenConsumeSlowly = c.Int("i", g.BrokerID), c.Int("w", g.WhichBrokerWhenConsumeSlowly)
	g.NotifyConsumerIDsChangedEnable = c.Bool("a", true)
	if err := c.Bad(); err != nil {
		return err
	}
	var err error
	if g.Attributes, err = admin.ParseAttributes(c.Value("attributes")); err != nil {
		return err
	}
	if c.Has("p") {
		g.GroupRetryPolicy = &protocol.GroupRetryPolicy{}
		if err := compat.UnmarshalFastjson([]byte(c.Value("p")), g.GroupRetryPolicy); err != nil {
			return cli.Usagef("option -p is no retry policy, such as {\"type\":\"EXPONENTIAL\"}: %v", err)
		}
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	if err := eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.UpdateGroup(ctx, addr, &g); err != nil {
			return err
		}
		c.Out.Say("create subscription group to %s success.", addr)
		return nil
	}); err != nil {
		return err
	}
	c.Out.Printf("%s\n", groupText(&g))
	c.Out.Set("group", &g)
	return nil
}

func updateSubGroupList(ctx context.Context, c *cli.Call) error {
	var groups []*protocol.SubscriptionGroupConfig
	if err := readJSONFile(c.Value("f"), &groups); err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	kind := "subscription group"
	if c.Has("b") {
		kind = "group"
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.UpdateGroups(ctx, addr, groups); err != nil {
			return err
		}
		c.Out.Say("submit batch of %s config to %s success, please check the result later.", kind, addr)
		return nil
	})
}

func deleteSubGroup(ctx context.Context, c *cli.Call) error {
	group, offsets := c.Value("g"), c.Bool("r", false)
	if err := c.Bad(); err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	where := ""
	if c.Has("c") {
		where = " in cluster [" + c.Value("c") + "]"
	}
	if err := eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.DeleteGroup(ctx, addr, group, offsets); err != nil {
			return err
		}
		c.Out.Say("delete subscription group [%s] from broker [%s]%s success.", group, addr, where)
		return nil
	}); err != nil || !c.Has("c") {
		return err
	}
	for _, topic := range []string{protocol.RetryTopic(group), protocol.DLQTopic(group)} {
		if err := c.Client.DeleteTopic(ctx, c.Value("c"), topic); err != nil {
			return err
		}
	}
	return nil
}

func getConsumerConfig(ctx context.Context, c *cli.Call) error {
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return err
	}
	c.Out.Set("groups", []any{})
	found := false
	for _, b := range cluster.All() {
		all, err := c.Client.AllGroups(ctx, admin.Addr(b))
		if err != nil {
			c.Failed(err)
			continue
		}
		g := all.SubscriptionGroupTable[c.Value("g")]
		if g == nil {
			continue
		}
		found = true
		name := cluster.ClusterOf(b.BrokerName)
		c.Out.Add("groups", map[string]any{"cluster": name, "brokerName": b.BrokerName, "config": g})
		line := strings.Repeat("=", 29)
		c.Out.Printf("%s%s:%s%s\n", line, name, b.BrokerName, line)
		for _, f := range groupFields(g) {
			if f[1] == "null" {
				f[1] = ""
			}
			c.Out.Printf("%-40s=  %s\n", f[0], f[1])
		}
	}
	if !found {
		return fmt.Errorf("no broker has a group %q; updateSubGroup creates one", c.Value("g"))
	}
	return nil
}

func setConsumeMode(ctx context.Context, c *cli.Call) error {
	mode := protocol.SetMessageRequestModeRequestBody{
		Topic: c.Value("t"), ConsumerGroup: c.Value("g"), Mode: protocol.RequestMode(c.Value("m")), PopShareQueueNum: c.Int32("q", 0),
	}
	if err := c.Bad(); err != nil {
		return err
	}
	if mode.Mode != "PULL" && mode.Mode != "POP" {
		return cli.Usagef("%q is no mode; there are PULL and POP", mode.Mode)
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	if err := eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.SetConsumeMode(ctx, addr, mode); err != nil {
			return err
		}
		c.Out.Say("set consume mode to %s success.", addr)
		return nil
	}); err != nil {
		return err
	}
	c.Out.Printf("topic[%s] group[%s] consume mode[%s] popShareQueueNum[%d]\n", mode.Topic, mode.ConsumerGroup, mode.Mode, mode.PopShareQueueNum)
	c.Out.Set("mode", mode)
	return nil
}
