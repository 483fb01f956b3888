package mqadmin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func liteCommands() cli.Set {
	parent, group := cli.Need("p", "parentTopic", "parent topic"), cli.Need("g", "group", "group")
	return in(areaLite,
		&cli.Command{Name: "getBrokerLiteInfo", Help: "what brokers have of lite topics", Options: []cli.Option{
			optBroker, cli.Value("c", "cluster", "all masters of this cluster"), cli.Flag("d", "showDetail", "with topics and groups"),
		}, OneOf: oneBroker, Run: brokerLite},
		&cli.Command{Name: "getParentTopicInfo", Help: "what brokers have below a parent topic", Options: []cli.Option{parent}, Run: parentTopic},
		&cli.Command{Name: "getLiteTopicInfo", Help: "what brokers have of a lite topic", Options: []cli.Option{
			parent, cli.Need("l", "liteTopic", "lite topic"), cli.Flag("s", "showClientId", "with its clients"),
		}, Run: liteTopic},
		&cli.Command{Name: "getLiteClientInfo", Help: "a client's lite subscriptions", Options: []cli.Option{
			parent, group, cli.Need("c", "clientId", "client"), cli.Flag("s", "showDetail", "with their topics"),
		}, Run: liteClient},
		&cli.Command{Name: "getLiteGroupInfo", Help: "how far a group is behind in lite topics", Options: []cli.Option{
			parent, group, cli.Value("l", "liteTopic", "only this one"), cli.Value("k", "topK", "the worst of each broker (20)"),
		}, Run: liteGroup},
		&cli.Command{Name: "triggerLiteDispatch", Help: "have brokers look again for lite messages of a group", Options: []cli.Option{
			parent, group, cli.Value("c", "clientId", "only for this client"), cli.Value("b", "brokerName", "only this broker"),
		}, Run: triggerLite},
	)
}

// timeOr shows a time, or what stands for none.
func timeOr(ms int64, none string) cli.Cell {
	if ms <= 0 {
		return cli.Cell{Text: none, Data: 0}
	}
	return cli.Cell{Text: timeText(ms), Data: ms}
}

// eachOf visits the brokers of a topic. What one of them refuses is reported, and the
// others are visited all the same.
func eachOf(ctx context.Context, c *cli.Call, topic string, visit func(b *protocol.BrokerData, addr string) error) error {
	route, err := c.Client.Route(ctx, topic)
	if err != nil {
		return err
	}
	for _, b := range route.BrokerDatas {
		addr := admin.Addr(b)
		if addr == "" {
			continue
		}
		if err := visit(b, addr); err != nil {
			c.Out.Printf("[%s] error.\n", b.BrokerName)
			c.Failed(err)
		}
	}
	return nil
}

func brokerLite(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	const format = "%-30s %-17s %-10v %-14v %-20v %-17v %-15v %-18v %-15v"
	t := c.Out.Table("brokers", format, format, "#Broker=addr", "#Store Type", "#Max LMQ=maxLmq", "#Current LMQ=currentLmq", "#SubscriptionCount=subscriptions",
		"#OrderInfoCount=orderInfos", "#CQTableSize=consumeQueues", "#OffsetTableSize=offsets", "#eventMapSize=events")
	return eachBroker(c, addrs, func(addr string) error {
		info, err := c.Client.BrokerLite(ctx, addr)
		if err != nil {
			return err
		}
		t.Row(addr, info.StoreType, info.MaxLmqNum, info.CurrentLmqNum, info.LiteSubscriptions, info.OrderInfos, info.ConsumeQueues, info.Offsets, info.Events)
		if !c.Has("d") {
			return nil
		}
		topics, err := compat.MarshalFastjson(info.TopicMeta)
		if err != nil {
			return err
		}
		groups, err := compat.MarshalFastjson(info.GroupMeta)
		if err != nil {
			return err
		}
		c.Out.Printf("Topic Meta: %s\nGroup Meta: %s\n\n", topics, groups)
		c.Out.Add("details", info)
		return nil
	})
}

func parentTopic(ctx context.Context, c *cli.Call) error {
	topic := c.Value("p")
	c.Out.Printf("Parent Topic Info: [%s]\n", topic)
	t := c.Out.Table("brokers", "%-50s %-8s %-14s %-14s %-100s ", "%-50s %-8d %-14d %-14d %-100s ", "#Broker Name", "#TTL", "#Lite Count", "#LMQ NUM=lmqs", "#GROUPS")
	return eachOf(ctx, c, topic, func(b *protocol.BrokerData, addr string) error {
		info, err := c.Client.ParentTopic(ctx, addr, topic)
		if err != nil {
			return err
		}
		slices.Sort(info.Groups)
		t.Row(front(b.BrokerName, 40), info.TTL, info.LiteTopicCount, info.LMQNum, cli.Cell{Text: listText(info.Groups), Data: info.Groups})
		return nil
	})
}

func liteTopic(ctx context.Context, c *cli.Call) error {
	parent, lite := c.Value("p"), c.Value("l")
	c.Out.Printf("Lite Topic Info: [%s] [%s] [%s]\n", parent, lite, compat.LiteTopicName(parent, lite))
	t := c.Out.Table("brokers", "%-50s %-14s %-14s %-30s %-12s %-18s ", "%-50s %-14d %-14d %-30s %-12t %-18d ",
		"#Broker Name", "#MinOffset", "#MaxOffset", "#LastUpdate", "#Sharding", "#SubClientCount")
	return eachOf(ctx, c, parent, func(b *protocol.BrokerData, addr string) error {
		info, err := c.Client.LiteTopic(ctx, addr, parent, lite)
		if err != nil {
			return err
		}
		o := info.TopicOffset
		t.Row(front(b.BrokerName, 40), o.MinOffset, o.MaxOffset, timeOr(o.LastUpdateTimestamp, "-"), info.ShardingToBroker, len(info.Subscriber))
		if c.Has("s") {
			var clients []string
			for _, s := range info.Subscriber {
				clients = append(clients, s.ClientID+"@"+s.Group)
			}
			c.Out.Printf("%s\n", listText(clients))
			c.Out.Add("subscribers", info.Subscriber)
		}
		return nil
	})
}

func liteClient(ctx context.Context, c *cli.Call) error {
	parent, group, client := c.Value("p"), c.Value("g"), c.Value("c")
	c.Out.Printf("Lite Client Info: [%s] [%s] [%s]\n", parent, group, client)
	const format = "%-30s %-20v %-30s %-30s "
	t := c.Out.Table("brokers", format, format, "#Broker", "#LiteTopicCount", "#LastAccessTime", "#LastConsumeTime")
	return eachOf(ctx, c, parent, func(b *protocol.BrokerData, addr string) error {
		info, err := c.Client.LiteClient(ctx, addr, parent, group, client, 1000)
		if err != nil {
			return err
		}
		count := cli.Cell{Text: "N/A", Data: info.LiteTopicCount}
		if info.LiteTopicCount > 0 {
			count.Text = info.LiteTopicCount
		}
		t.Row(b.BrokerName, count, timeOr(info.LastAccessTime, "N/A"), timeOr(info.LastConsumeTime, "N/A"))
		if c.Has("s") && info.LiteTopicSet != nil {
			slices.Sort(info.LiteTopicSet)
			c.Out.Printf("Lite Topics: %s\n\n", listText(info.LiteTopicSet))
			c.Out.Add("topics", info.LiteTopicSet)
		}
		return nil
	})
}

func liteGroup(ctx context.Context, c *cli.Call) error {
	parent, group, lite, top := c.Value("p"), c.Value("g"), c.Value("l"), c.Int32("k", 20)
	if err := c.Bad(); err != nil {
		return err
	}
	c.Out.Printf("Lite Group Info: [%s] [%s]\n", parent, group)
	var t *cli.Table
	if lite != "" {
		const format = "%-50s %-16v %-16v %-16v %-30s"
		t = c.Out.Table("brokers", format, format, "#Broker Name", "#BrokerOffset", "#ConsumeOffset", "#LagCount", "#LastUpdate")
	}
	now := time.Now().UnixMilli()
	var total int64
	earliest := now
	var byCount, byTime []admin.LiteLag
	if err := eachOf(ctx, c, parent, func(b *protocol.BrokerData, addr string) error {
		info, err := c.Client.LiteGroup(ctx, addr, group, lite, top)
		if err != nil {
			return err
		}
		total += max(info.TotalLagCount, 0)
		if info.EarliestUnconsumedTimestamp > 0 {
			earliest = min(earliest, info.EarliestUnconsumedTimestamp)
		}
		byCount, byTime = append(byCount, info.LagCountTopK...), append(byTime, info.LagTimestampTopK...)
		if o := info.LiteTopicOffsetWrapper; t != nil && o != nil {
			t.Row(b.BrokerName, o.BrokerOffset, o.ConsumerOffset, o.BrokerOffset-o.ConsumerOffset, timeOr(o.LastTimestamp, "-"))
		} else if t != nil {
			t.Row(b.BrokerName, "-", "-", "-", "-")
		}
		return nil
	}); err != nil {
		return err
	}
	c.Out.Printf("Total Lag Count: %d\nMin Unconsumed Timestamp: %d (%d s ago)\n\n", total, earliest, (now-earliest)/1000)
	c.Out.Set("totalLagCount", total)
	c.Out.Set("earliestUnconsumedTimestamp", earliest)
	if lite != "" {
		return nil
	}
	slices.SortStableFunc(byCount, func(a, b admin.LiteLag) int { return cmp.Compare(b.LagCount, a.LagCount) })
	slices.SortStableFunc(byTime, func(a, b admin.LiteLag) int {
		return cmp.Compare(a.EarliestUnconsumedTimestamp, b.EarliestUnconsumedTimestamp)
	})
	c.Out.Printf("------TopK by lag count-----\n")
	showLags(c, "byCount", byCount)
	c.Out.Printf("\n------TopK by lag time------\n")
	showLags(c, "byTime", byTime)
	return nil
}

func showLags(c *cli.Call, key string, lags []admin.LiteLag) {
	const format = "%-6v %-40s %-12v %-30s"
	t := c.Out.Table(key, format, format, "NO=number", "Lite Topic", "Lag Count", "UnconsumedTimestamp")
	for i, l := range lags {
		t.Row(i+1, l.LiteTopic, l.LagCount, timeOr(l.EarliestUnconsumedTimestamp, "-"))
	}
}

func triggerLite(ctx context.Context, c *cli.Call) error {
	c.Out.Printf("Group And Topic Info: [%s] [%s]\n\n", c.Value("g"), c.Value("p"))
	route, err := c.Client.Route(ctx, c.Value("p"))
	if err != nil {
		return err
	}
	found := false
	for _, b := range route.BrokerDatas {
		if admin.Addr(b) == "" || c.Has("b") && c.Value("b") != b.BrokerName {
			continue
		}
		found = true
		state := "dispatched"
		if err := c.Client.TriggerLite(ctx, admin.Addr(b), c.Value("g"), c.Value("c")); err != nil {
			state = "error"
			c.Failed(err)
		}
		c.Out.Printf("%-30s %-12s\n", b.BrokerName, state)
		c.Out.Add("brokers", map[string]string{"brokerName": b.BrokerName, "state": state})
	}
	if !found {
		return fmt.Errorf("topic %s does not lie on a broker %q; topicRoute shows where it lies", c.Value("p"), c.Value("b"))
	}
	return nil
}
