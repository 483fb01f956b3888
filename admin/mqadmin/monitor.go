package mqadmin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// monitorRound is how often the monitor looks, as the official one.
const monitorRound = time.Minute

func monitorCommands() cli.Set {
	return in(areaGroups, &cli.Command{
		Name: "startMonitoring", Help: "report every minute which groups are behind, differ or stall", Run: startMonitoring,
	})
}

func startMonitoring(ctx context.Context, c *cli.Call) error {
	for {
		if err := monitor(ctx, c); err != nil && ctx.Err() == nil {
			c.Failed(err)
		}
		if !cli.Sleep(ctx, monitorRound) {
			return nil
		}
	}
}

// monitor looks once at all groups.
func monitor(ctx context.Context, c *cli.Call) error {
	topics, err := c.Client.TopicList(ctx)
	if err != nil {
		return err
	}
	report := func(key string, v any, format string, args ...any) error {
		return c.Out.Item(map[string]any{"time": time.Now().UnixMilli(), key: v}, func() {
			c.Out.Printf("[MONITOR] "+format+"\n", args...)
		})
	}
	if err := report("round", "begin", "=========================================beginRound"); err != nil {
		return err
	}
	for _, topic := range topics {
		if !compat.IsRetryTopic(topic) {
			continue
		}
		if err := monitorGroup(ctx, c, compat.RetryGroup(topic), report); err != nil {
			return err
		}
	}
	return report("round", "end", "=========================================endRound")
}

// undone says how far a group is behind in a topic (upstream's UndoneMsgs).
type undone struct {
	Group   string `json:"consumerGroup"`
	Topic   string `json:"topic"`
	Total   int64  `json:"undoneMsgsTotal"`
	Worst   int64  `json:"undoneMsgsSingleMQ"`
	DelayMs int64  `json:"undoneMsgsDelayTimeMills"`
}

// monitorGroup reports one group. A group that nobody consumes in has nothing to report.
func monitorGroup(ctx context.Context, c *cli.Call, group string, report func(string, any, string, ...any) error) error {
	conns, err := c.Client.ConsumerConnections(ctx, group)
	if _, answered := errors.AsType[*admin.Error](err); answered {
		return nil
	}
	if err != nil {
		return err
	}
	stats, err := c.Client.GroupStats(ctx, group, "", "")
	if err == nil {
		byTopic := map[string]*undone{}
		for q, o := range stats.OffsetTable {
			u := byTopic[q.Topic]
			if u == nil {
				u = &undone{Group: group, Topic: q.Topic}
				byTopic[q.Topic] = u
			}
			if err := u.add(ctx, c, q, o); err != nil {
				return err
			}
		}
		for _, topic := range sortedKeys(byTopic) {
			u := byTopic[topic]
			if err := report("undone", u, "reportUndoneMsgs: UndoneMsgs [consumerGroup=%s, topic=%s, undoneMsgsTotal=%d, undoneMsgsSingleMQ=%d, undoneMsgsDelayTimeMills=%d]",
				u.Group, u.Topic, u.Total, u.Worst, u.DelayMs); err != nil {
				return err
			}
		}
	}
	infos := map[string]*admin.RunningInfo{}
	for _, conn := range conns.ConnectionSet {
		if info, err := c.Client.RunningInfo(ctx, group, conn.ClientID, false); err == nil {
			infos[conn.ClientID] = info
		}
	}
	now := time.Now()
	if !admin.SameSubscriptions(infos, now) {
		if err := report("different", group, " [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: %s, Subscription different", group); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(infos) {
		for _, s := range infos[id].Stalls(now) {
			if err := report("stalled", fmt.Sprintf("%s %s", id, s), " [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: %s, ClientId: %s, %s", group, id, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// add counts one queue. The delay is between the last message of the queue and the last
// one that was consumed.
func (u *undone) add(ctx context.Context, c *cli.Call, q protocol.MessageQueue, o protocol.OffsetWrapper) error {
	diff := o.BrokerOffset - o.ConsumerOffset
	u.Total += max(diff, 0)
	u.Worst = max(u.Worst, diff)
	if o.LastTimestamp <= 0 || o.BrokerOffset <= 0 {
		return nil
	}
	addr, err := addrOf(ctx, c, q.Topic, q.BrokerName)
	if err != nil {
		return nil // the topic is gone
	}
	last, err := c.Client.PullMessages(ctx, addr, admin.Pull{Queue: q, Offset: o.BrokerOffset - 1, Max: 1})
	if err != nil {
		return err
	}
	if last.Status == admin.PullFound {
		u.DelayMs = max(u.DelayMs, last.Messages[0].StoreTimestamp-o.LastTimestamp)
	}
	return nil
}
