package mqadmin

import (
	"context"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func statsCommands() cli.Set {
	return in(areaTopics, &cli.Command{
		Name: "statsAll", Help: "rates of topics and their groups",
		Options: []cli.Option{cli.Flag("a", "activeTopic", "only topics with messages"), cli.Value("t", "topic", "only this topic")},
		Run:     statsAll,
	})
}

func statsAll(ctx context.Context, c *cli.Call) error {
	topics, err := c.Client.TopicList(ctx)
	if err != nil {
		return err
	}
	t := c.Out.Table("topics", "%-64s  %-64s %12s %11s %11s %14s %14s", "%-64s  %-64s %12d %11.2f %11s %14d %14s",
		"#Topic", "#Consumer Group=group", "#Accumulation", "#InTPS", "#OutTPS", "#InMsg24Hour", "#OutMsg24Hour")
	found := false
	for i, topic := range topics {
		if compat.IsRetryTopic(topic) || compat.IsDLQTopic(topic) || c.Value("t") != "" && topic != c.Value("t") {
			continue
		}
		found = true
		c.Progress("topic %d of %d", i+1, len(topics))
		s, err := readTopicRates(ctx, c, topic)
		c.Done()
		if err != nil {
			c.Failed(err)
			continue
		}
		s.show(t, c.Has("a"))
	}
	if c.Value("t") != "" && !found {
		_, err := c.Client.Route(ctx, c.Value("t"))
		return err
	}
	return nil
}

// topicRates are the figures of one topic and its groups.
type topicRates struct {
	topic  string
	in     float64
	inDay  int64
	groups []groupRates
}

type groupRates struct {
	group  string
	out    float64
	outDay int64
	behind int64
}

// readTopicRates asks all masters of a topic. Series that a broker does not have count
// as zero: nothing was sent or consumed there.
func readTopicRates(ctx context.Context, c *cli.Call, topic string) (*topicRates, error) {
	route, err := c.Client.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	sum := func(stats, key string) (tps float64, day int64) {
		for _, b := range route.BrokerDatas {
			if addr := b.BrokerAddrs[protocol.MasterID]; addr != "" {
				if s, err := c.Client.BrokerStats(ctx, addr, stats, key); err == nil {
					tps, day = tps+s.StatsMinute.TPS, day+admin.DaySum(s)
				}
			}
		}
		return tps, day
	}
	r := &topicRates{topic: topic}
	r.in, r.inDay = sum("TOPIC_PUT_NUMS", topic)
	groups, err := c.Client.GroupsOf(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		g := groupRates{group: group}
		g.out, g.outDay = sum("GROUP_GET_NUMS", topic+"@"+group)
		if stats, err := c.Client.GroupStats(ctx, group, topic, ""); err == nil {
			g.behind = max(admin.TotalDiff(stats), 0)
		}
		r.groups = append(r.groups, g)
	}
	return r, nil
}

func (r *topicRates) show(t *cli.Table, activeOnly bool) {
	for _, g := range r.groups {
		if !activeOnly || r.inDay > 0 || g.outDay > 0 {
			t.Row(front(r.topic, 64), front(g.group, 64), g.behind, r.in, cli.Cell{Text: fixed(g.out), Data: g.out}, r.inDay, cli.Cell{Text: number(g.outDay), Data: g.outDay})
		}
	}
	if len(r.groups) == 0 && (!activeOnly || r.inDay > 0) {
		t.Row(front(r.topic, 64), "", 0, r.in, cli.Cell{Text: "", Data: nil}, r.inDay, cli.Cell{Text: "NO_CONSUMER", Data: nil})
	}
}
