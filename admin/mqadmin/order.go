package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func orderCommands() cli.Set {
	return in(areaTopics, &cli.Command{
		Name: "updateOrderConf", Help: "how many queues an ordered topic has on which broker, as name servers tell clients",
		Options: []cli.Option{
			needTopic, cli.Value("v", "orderConf", "for put: broker:queues, with semicolons between"), cli.Need("m", "method", "get, put or delete"),
		},
		Run: updateOrderConf,
	})
}

func updateOrderConf(ctx context.Context, c *cli.Call) error {
	topic := c.Value("t")
	switch c.Value("m") {
	case "get":
		conf, err := c.Client.GetKV(ctx, admin.OrderTopics, topic)
		if err != nil {
			return err
		}
		c.Out.Printf("get orderConf success. topic=[%s], orderConf=[%s] \n", topic, conf)
		c.Out.Set("orderConf", conf)
		return nil
	case "put":
		if c.Value("v") == "" {
			return cli.Usagef("put needs option -v (--orderConf), such as broker-a:8;broker-b:8")
		}
		if err := c.Client.PutKV(ctx, admin.OrderTopics, topic, c.Value("v")); err != nil {
			return err
		}
		c.Out.Say("update orderConf success. topic=[%s], orderConf=[%s]", topic, c.Value("v"))
		return nil
	case "delete":
		if err := c.Client.DeleteKV(ctx, admin.OrderTopics, topic); err != nil {
			return err
		}
		c.Out.Say("delete orderConf success. topic=[%s]", topic)
		return nil
	}
	return cli.Usagef("%q is no method; there are get, put and delete", c.Value("m"))
}

// orderOnBroker adds one broker's queues to what name servers tell of an ordered topic.
func orderOnBroker(ctx context.Context, c *cli.Call, addr string, t *protocol.TopicConfig) error {
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return err
	}
	b, err := cluster.BrokerAt(addr)
	if err != nil {
		return err
	}
	byBroker := map[string]string{}
	old, err := c.Client.GetKV(ctx, admin.OrderTopics, t.TopicName)
	if err != nil && !admin.HasCode(err, protocol.ResponseQueryNotFound) {
		return err
	}
	for item := range strings.SplitSeq(old, ";") {
		if name, _, ok := strings.Cut(item, ":"); ok {
			byBroker[name] = item
		}
	}
	conf := fmt.Sprintf("%s:%d", b.BrokerName, t.WriteQueueNums)
	byBroker[b.BrokerName] = conf
	var all []string
	for _, name := range slices.Sorted(maps.Keys(byBroker)) {
		all = append(all, byBroker[name])
	}
	if err := c.Client.PutKV(ctx, admin.OrderTopics, t.TopicName, strings.Join(all, ";")); err != nil {
		return err
	}
	c.Out.Say("set broker orderConf. isOrder=%t, orderConf=[%s]", t.Order, conf)
	return nil
}

// orderOnCluster writes the queues of all brokers of the cluster of -c.
func orderOnCluster(ctx context.Context, c *cli.Call, t *protocol.TopicConfig) error {
	brokers, err := clusterBrokers(ctx, c)
	if err != nil {
		return err
	}
	var all []string
	for _, b := range brokers {
		all = append(all, fmt.Sprintf("%s:%d", b.BrokerName, t.WriteQueueNums))
	}
	conf := strings.Join(all, ";")
	if err := c.Client.PutKV(ctx, admin.OrderTopics, t.TopicName, conf); err != nil {
		return err
	}
	c.Out.Say("set cluster orderConf. isOrder=%t, orderConf=[%s]", t.Order, conf)
	return nil
}
