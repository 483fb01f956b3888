package ops

import (
	"context"
	"errors"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func lagCommand() *cli.Command {
	return &cli.Command{
		Name: "lag", Help: "how many messages and how long groups are behind, by queue or in sum",
		Options: []cli.Option{
			cli.Value("g", "groupName", "one group, by queue; otherwise all groups, in sum"), cli.Value("t", "topicName", "only this topic"),
			cli.Value("m", "min", "only what is at least this many messages behind"), cli.Value("i", "interval", "repeat, with this many seconds between"),
		},
		Run: lag,
	}
}

// queueLag is how far a group is behind in one queue.
type queueLag struct {
	queue    protocol.MessageQueue
	end, at  int64
	messages int64
	time     time.Duration // since the oldest message was stored that is not consumed; 0: none is waiting
	known    bool          // whether time is known
}

func lag(ctx context.Context, c *cli.Call) error {
	least := c.Int("m", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	return c.Every(ctx, "i", func() error {
		if c.Has("g") {
			return groupLag(ctx, c, c.Value("g"), least)
		}
		return allLags(ctx, c, least)
	})
}

func groupLag(ctx context.Context, c *cli.Call, group string, least int64) error {
	lags, err := readLags(ctx, c.Client, group, c.Value("t"), time.Now())
	if err != nil {
		return err
	}
	t := c.Out.Table("queues", "%-40s %-24s %4s %14s %14s %12s %14s", "%-40s %-24s %4d %14d %14d %12d %14s",
		"TOPIC", "BROKER", "QID=queueId", "END", "CONSUMED", "BEHIND", "FOR=behindMs")
	var sum int64
	for _, l := range lags {
		if l.messages >= least {
			t.Row(l.queue.Topic, l.queue.BrokerName, l.queue.QueueID, l.end, l.at, l.messages, l.timeCell())
		}
		sum += l.messages
	}
	c.Out.Printf("\n%s is %d messages behind\n", group, sum)
	c.Out.Set("behind", sum)
	return nil
}

// timeCell shows how long; "-" when nobody can tell.
func (l queueLag) timeCell() cli.Cell {
	switch {
	case l.messages <= 0:
		return cli.Cell{Text: "0s", Data: 0}
	case !l.known:
		return cli.Cell{Text: "-", Data: nil}
	}
	return cli.Cell{Text: l.time.Round(time.Second).String(), Data: l.time.Milliseconds()}
}

// readLags reads a group's lags. How long it is behind is the age of the message that it
// consumes next, which is read from its queue.
func readLags(ctx context.Context, client *admin.Client, group, topic string, now time.Time) ([]queueLag, error) {
	stats, err := client.GroupStats(ctx, group, topic, "")
	if err != nil {
		return nil, err
	}
	routes := map[string]*protocol.TopicRouteData{}
	var all []queueLag
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		o := stats.OffsetTable[q]
		l := queueLag{queue: q, end: o.BrokerOffset, at: o.ConsumerOffset, messages: o.BrokerOffset - o.ConsumerOffset}
		if l.messages > 0 {
			stored, err := storedAt(ctx, client, routes, q, o.ConsumerOffset)
			if err != nil {
				return nil, err
			}
			l.known = stored > 0
			l.time = max(now.Sub(time.UnixMilli(stored)), 0)
		}
		all = append(all, l)
	}
	return all, nil
}

// storedAt reads when the first message at or behind an offset was stored; 0 when there
// is none, because it was removed or its topic is gone.
func storedAt(ctx context.Context, client *admin.Client, routes map[string]*protocol.TopicRouteData, q protocol.MessageQueue, offset int64) (int64, error) {
	if routes[q.Topic] == nil {
		route, err := client.Route(ctx, q.Topic)
		if admin.HasCode(err, protocol.ResponseTopicNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		routes[q.Topic] = route
	}
	b := admin.BrokerIn(routes[q.Topic], q.BrokerName)
	if b == nil {
		return 0, nil
	}
	for range 2 { // an offset below the queue's first is answered with the first
		p, err := client.PullMessages(ctx, admin.Addr(b), admin.Pull{Queue: q, Offset: offset, Max: 1})
		if err != nil {
			return 0, err
		}
		if p.Status == admin.PullFound && len(p.Messages) > 0 {
			return p.Messages[0].StoreTimestamp, nil
		}
		offset = p.Next
	}
	return 0, nil
}

// groupSum is how far a group is behind in all.
type groupSum struct {
	group   string
	clients int
	behind  int64
	longest queueLag
}

func allLags(ctx context.Context, c *cli.Call, least int64) error {
	groups, err := groupNames(ctx, c.Client)
	if err != nil {
		return err
	}
	t := c.Out.Table("groups", "%-48s %8s %12s %14s", "%-48s %8d %12d %14s", "GROUP", "CLIENTS", "BEHIND", "FOR=behindMs")
	for i, group := range groups {
		c.Progress("group %d of %d", i+1, len(groups))
		s, err := sumLags(ctx, c.Client, group, c.Value("t"))
		c.Done()
		if err != nil {
			c.Failed(err)
			continue
		}
		if s != nil && s.behind >= least {
			t.Row(s.group, s.clients, s.behind, s.longest.timeCell())
		}
	}
	return nil
}

// groupNames lists the groups that have consumed.
func groupNames(ctx context.Context, client *admin.Client) ([]string, error) {
	topics, err := client.TopicList(ctx)
	var groups []string
	for _, t := range topics {
		if compat.IsRetryTopic(t) {
			groups = append(groups, compat.RetryGroup(t))
		}
	}
	return groups, err
}

// sumLags adds a group's lags up; nil when it has none to speak of.
func sumLags(ctx context.Context, client *admin.Client, group, topic string) (*groupSum, error) {
	lags, err := readLags(ctx, client, group, topic, time.Now())
	if _, none := errors.AsType[*admin.NoStatsError](err); none {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &groupSum{group: group}
	for _, l := range lags {
		s.behind += max(l.messages, 0)
		if l.messages > 0 && (l.time > s.longest.time || s.longest.messages == 0) {
			s.longest = l
		}
	}
	if conns, err := client.ConsumerConnections(ctx, group); err == nil {
		s.clients = len(conns.ConnectionSet)
	}
	return s, nil
}
