package mqadmin

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func queueCommands() cli.Set {
	return in(areaMessages, &cli.Command{
		Name: "queryCq", Help: "units of a consume queue",
		Options: []cli.Option{
			needTopic, cli.Need("q", "queue", "queue"), cli.Need("i", "index", "first unit"), cli.Value("c", "count", "how many (10)"),
			cli.Value("b", "broker", "broker's address"), cli.Value("g", "consumer", "say also which ones this group's filter takes"),
		},
		Run: queryCq,
	})
}

func queryCq(ctx context.Context, c *cli.Call) error {
	q := protocol.MessageQueue{Topic: c.Value("t"), QueueID: c.Int32("q", 0)}
	index, count := c.Int("i", 0), c.Int32("c", 10)
	if err := c.Bad(); err != nil {
		return err
	}
	addr := c.Value("b")
	if addr == "" {
		route, err := c.Client.Route(ctx, q.Topic)
		if err != nil {
			return err
		}
		if len(route.BrokerDatas) == 0 {
			return fmt.Errorf("topic %s lies on no broker", q.Topic)
		}
		if addr = route.BrokerDatas[0].BrokerAddrs[protocol.MasterID]; addr == "" {
			return errors.New("the topic's first broker has no master; name a broker by -b")
		}
	}
	answer, err := c.Client.ConsumeQueue(ctx, addr, q, index, count, c.Value("g"))
	if err != nil {
		return err
	}
	c.Out.Set("queue", answer)
	const line = "======================================\n"
	if answer.SubscriptionData != nil {
		text, err := compat.AppendFastjson(nil, answer.SubscriptionData, compat.Pretty)
		if err != nil {
			return err
		}
		c.Out.Printf("Subscription data: \n%s\n%s", text, line)
	}
	if answer.FilterData.Set {
		c.Out.Printf("Filter data: \n%s\n%s", answer.FilterData.V, line)
	}
	c.Out.Printf("Queue data: \nmax: %d, min: %d\n%s", answer.MaxQueueIndex, answer.MinQueueIndex, line)
	for i, u := range answer.QueueData {
		c.Out.Printf("idx: %d\nConsumeQueueData{physicOffset=%d, physicSize=%d, tagsCode=%d, extendDataJson='null', bitMap='null', eval=%t, msg='null'}\n%s",
			index+int64(i), u.PhysicalOffset, u.PhysicalSize, u.TagsCode, u.Eval, line)
	}
	return nil
}
