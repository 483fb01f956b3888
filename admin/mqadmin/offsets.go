package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func offsetCommands() cli.Set {
	needGroup := cli.Need("g", "group", "group")
	optForce := cli.Value("f", "force", "false: only back in time (true)")
	return in(areaOffsets,
		&cli.Command{Name: "resetOffsetByTime", Help: "move a group to a point in time", Options: []cli.Option{
			needGroup, needTopic, cli.Need("s", "timestamp", "ms since 1970, now, -1 for the end, or yyyy-MM-dd#HH:mm:ss:SSS"), optForce,
			cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"), cli.Value("b", "broker", "only the broker at this address, with -q"),
			cli.Value("q", "queue", "only this queue, with -b"), cli.Value("o", "offset", "to this offset, with -b and -q"),
		}, Run: resetOffsetByTime},
		&cli.Command{Name: "skipAccumulatedMessage", Help: "move a group to the end of a topic", Options: []cli.Option{
			needGroup, needTopic, optForce, cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
		}, Run: skipAccumulated},
		&cli.Command{Name: "cloneGroupOffset", Help: "put a group where another one stands", Options: []cli.Option{
			cli.Need("s", "srcGroup", "group to copy from"), cli.Need("d", "destGroup", "group to put there"), needTopic,
			cli.Value("o", "offline", "without effect, as in the official tool"),
		}, Run: cloneGroupOffset},
	)
}

// routeFor finds the brokers of a topic; queues without route of their own go by the
// cluster.
func routeFor(ctx context.Context, c *cli.Call, topic string) (*protocol.TopicRouteData, error) {
	if c.Has("c") && (strings.HasPrefix(topic, protocol.PrefixLMQ) || topic == "rmq_sys_wheel_timer") {
		topic = c.Value("c")
	}
	return c.Client.Route(ctx, topic)
}

// moved is where a group stands after a reset of all its brokers. When no consumer was
// online, old has what the slower way found.
type moved struct {
	offsets map[protocol.MessageQueue]int64
	old     []rollback
}

// move resets a group on all brokers of a topic: at once, which also tells consumers, or
// where none is online queue by queue.
func move(ctx context.Context, c *cli.Call, group, topic string, ms int64, force bool) (*moved, error) {
	route, err := routeFor(ctx, c, topic)
	if err != nil {
		return nil, err
	}
	m := &moved{offsets: map[protocol.MessageQueue]int64{}}
	for i, b := range route.BrokerDatas {
		addr := admin.Addr(b)
		if addr == "" {
			continue
		}
		c.Progress("broker %d of %d", i+1, len(route.BrokerDatas))
		part, err := c.Client.ResetOffsets(ctx, addr, topic, group, ms, force)
		if admin.HasCode(err, protocol.ResponseConsumerNotOnline) {
			var old []rollback
			if old, err = moveOffline(ctx, c, addr, route, b.BrokerName, group, topic, ms, force); err == nil {
				m.old = append(m.old, old...)
			}
		}
		c.Done()
		if err != nil {
			return nil, err
		}
		maps.Copy(m.offsets, part)
	}
	return m, nil
}

// rollback is where a group stood in a queue and where it was put.
type rollback struct {
	queue                      protocol.MessageQueue
	end, before, wanted, after int64
}

func moveOffline(ctx context.Context, c *cli.Call, addr string, route *protocol.TopicRouteData, broker, group, topic string, ms int64, force bool) ([]rollback, error) {
	stats, err := c.Client.ConsumeStats(ctx, addr, group, "")
	if err != nil {
		return nil, err
	}
	at := map[protocol.MessageQueue]protocol.OffsetWrapper{}
	for q, o := range stats.OffsetTable {
		if q.Topic == topic {
			at[q] = o
		}
	}
	if len(at) == 0 { // never consumed: it stands at the beginning
		bounds, err := c.Client.TopicStats(ctx, addr, topic)
		if err != nil {
			return nil, err
		}
		for _, q := range admin.ReadQueues(route, topic) {
			if o, ok := bounds.OffsetTable[q]; ok && q.BrokerName == broker {
				at[q] = protocol.OffsetWrapper{BrokerOffset: o.MaxOffset, ConsumerOffset: o.MinOffset}
			}
		}
	}
	var all []rollback
	for _, q := range admin.SortedQueues(at) {
		r := rollback{queue: q, end: at[q].BrokerOffset, before: at[q].ConsumerOffset, after: at[q].ConsumerOffset}
		if ms == -1 {
			r.wanted, err = c.Client.MaxOffset(ctx, addr, q)
		} else {
			r.wanted, err = c.Client.SearchOffset(ctx, addr, q, ms)
		}
		if err != nil {
			return nil, err
		}
		if force || r.wanted <= r.before {
			if err := c.Client.UpdateOffset(ctx, addr, group, q, r.wanted); err != nil {
				return nil, err
			}
			r.after = r.wanted
		}
		all = append(all, r)
	}
	return all, nil
}

// show prints where a group is; last names the last column of the slower way.
func (m *moved) show(c *cli.Call, last string) {
	if m.old != nil {
		t := c.Out.Table("queues", "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s", "%-20s  %-20d  %-20d  %-20d  %-20d  %-20d",
			"#brokerName", "#queueId", "#brokerOffset", "#consumerOffset", "#timestampOffset", last)
		for _, r := range m.old {
			t.Row(front(r.queue.BrokerName, 32), r.queue.QueueID, r.end, r.before, r.wanted, r.after)
		}
		return
	}
	t := c.Out.Table("queues", "%-40s  %-40s  %-40s", "%-40s  %-40d  %-40d", "#brokerName", "#queueId", "#offset")
	for _, q := range admin.SortedQueues(m.offsets) {
		t.Row(front(q.BrokerName, 32), q.QueueID, m.offsets[q])
	}
}

func resetOffsetByTime(ctx context.Context, c *cli.Call) error {
	group, topic := c.Value("g"), c.Value("t")
	ms, force := c.Time("s", 0), c.Bool("f", true)
	queue, offset := c.Int32("q", -1), c.Int("o", -1)
	if err := c.Bad(); err != nil {
		return err
	}
	if c.Has("b") != c.Has("q") {
		return cli.Usagef("options -b (--broker) and -q (--queue) go together: they name one queue")
	}
	if c.Has("b") {
		return resetQueue(ctx, c, queue, offset, ms)
	}
	m, err := move(ctx, c, group, topic, ms, force)
	if err != nil {
		return err
	}
	if m.old != nil {
		c.Out.Printf("reset consumer offset by specified consumerGroup[%s], topic[%s], force[%t], timestamp(string)[%s], timestamp(long)[%d]\n",
			group, topic, force, c.Value("s"), ms)
	} else {
		c.Out.Printf("start reset consumer offset by specified, group[%s], topic[%s], force[%t], timestamp(string)[%s], timestamp(long)[%d]\n",
			group, topic, force, c.Value("s"), ms)
	}
	m.show(c, "#resetOffset")
	return nil
}

// resetQueue moves a group in one queue of the broker of -b.
func resetQueue(ctx context.Context, c *cli.Call, queue int32, offset, ms int64) error {
	group, topic, addr := c.Value("g"), c.Value("t"), c.Value("b")
	q := protocol.MessageQueue{Topic: topic, QueueID: queue}
	c.Out.Printf("start reset consumer offset by specified, group[%s], topic[%s], queueId[%d], broker[%s], timestamp(string)[%s], timestamp(long)[%d]\n",
		group, topic, queue, addr, c.Value("s"), ms)
	if !c.Has("o") {
		var err error
		if offset, err = c.Client.SearchOffset(ctx, addr, q, ms); err != nil {
			return err
		}
	}
	if offset < 0 {
		return fmt.Errorf("%d is no offset", offset)
	}
	if err := c.Client.UpdateOffset(ctx, addr, group, q, offset); err != nil {
		return err
	}
	if _, err := c.Client.ResetQueue(ctx, addr, topic, group, queue, offset); err != nil {
		return err
	}
	c.Out.Say("reset consumer offset to %d", offset)
	return nil
}

func skipAccumulated(ctx context.Context, c *cli.Call) error {
	force := c.Bool("f", true)
	if err := c.Bad(); err != nil {
		return err
	}
	m, err := move(ctx, c, c.Value("g"), c.Value("t"), -1, force)
	if err != nil {
		return err
	}
	m.show(c, "#rollbackOffset")
	return nil
}

func cloneGroupOffset(ctx context.Context, c *cli.Call) error {
	from, to, topic := c.Value("s"), c.Value("d"), c.Value("t")
	stats, err := c.Client.GroupStats(ctx, from, "", "")
	if err != nil {
		return err
	}
	route, err := c.Client.Route(ctx, topic)
	if err != nil {
		return err
	}
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		offset := stats.OffsetTable[q].ConsumerOffset
		b := admin.BrokerIn(route, q.BrokerName)
		if offset < 0 || b == nil {
			continue
		}
		if err := c.Client.UpdateOffset(ctx, admin.Addr(b), to, q, offset); err != nil {
			return err
		}
	}
	c.Out.Say("clone group offset success. srcGroup[%s], destGroup=[%s], topic[%s]", from, to, topic)
	return nil
}
