package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func consumerCommands() cli.Set {
	return in(areaGroups,
		&cli.Command{Name: "consumerProgress", Help: "how far groups are behind", Options: []cli.Option{
			cli.Value("g", "groupName", "one group, by queue"), cli.Value("t", "topicName", "only this topic"),
			cli.Value("s", "showClientIP", "true: also who has the queue"), cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
		}, Run: consumerProgress},
		&cli.Command{Name: "consumerStatus", Help: "what the consumers of a group are doing", Options: []cli.Option{
			cli.Need("g", "consumerGroup", "group"), cli.Value("i", "clientId", "only this consumer, shown at once"),
			cli.Value("b", "brokerAddr", "ask the broker at this address"), cli.Flag("s", "jstack", "with the stacks of its threads"),
		}, Run: consumerStatus},
		&cli.Command{Name: "consumerConnection", Help: "connections and subscriptions of a group", Options: []cli.Option{
			cli.Need("g", "consumerGroup", "group"), cli.Value("b", "brokerAddr", "ask the broker at this address"),
		}, Run: consumerConnection},
		&cli.Command{Name: "producerConnection", Help: "connections of a producer group", Options: []cli.Option{
			cli.Need("g", "producerGroup", "producer group"), cli.Need("t", "topic", "topic that it sends to"),
		}, Run: producerConnection},
		&cli.Command{Name: "producer", Help: "all producers that are connected to a broker", Options: []cli.Option{
			cli.Need("b", "broker", "broker's address"),
		}, Run: producers},
	)
}

func consumerProgress(ctx context.Context, c *cli.Call) error {
	if !c.Has("g") {
		return allProgress(ctx, c)
	}
	group := c.Value("g")
	stats, err := c.Client.GroupStats(ctx, group, c.Value("t"), c.Value("c"))
	if err != nil {
		return err
	}
	withClients := c.Bool("s", false)
	if err := c.Bad(); err != nil {
		return err
	}
	var owners map[protocol.MessageQueue]string
	head, row := "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s%s", "%-64s  %-32s  %-4d  %-20d  %-20d  %-20d %-20d %s"
	columns := []string{"#Topic", "#Broker Name", "#QID=queueId", "#Broker Offset", "#Consumer Offset", "#Diff", "#Inflight", "#LastTime=lastTimestamp"}
	if withClients {
		owners = queueOwners(ctx, c, group)
		head, row = "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %-20s%s", "%-64s  %-32s  %-4d  %-20d  %-20d  %-20s %-20d %-20d %s"
		columns = slices.Insert(columns, 5, "#Client IP=client")
	}
	t := c.Out.Table("queues", head, row, columns...)
	var diffs, flights int64
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		o := stats.OffsetTable[q]
		diff, flight := o.BrokerOffset-o.ConsumerOffset, o.PullOffset-o.ConsumerOffset
		diffs, flights = diffs+diff, flights+flight
		last := "N/A"
		if o.LastTimestamp != 0 {
			last = secondsText(o.LastTimestamp)
		}
		values := []any{front(q.Topic, 64), front(q.BrokerName, 32), q.QueueID, o.BrokerOffset, o.ConsumerOffset, diff, flight, cli.Cell{Text: last, Data: o.LastTimestamp}}
		if withClients {
			owner, ok := owners[q]
			if !ok {
				owner = "N/A"
			}
			values = slices.Insert(values, 5, any(owner))
		}
		t.Row(values...)
	}
	c.Out.Printf("\nConsume TPS: %.2f\nConsume Diff Total: %d\nConsume Inflight Total: %d\n", stats.ConsumeTPS, diffs, flights)
	c.Out.Set("consumeTps", stats.ConsumeTPS)
	c.Out.Set("diffTotal", diffs)
	c.Out.Set("inflightTotal", flights)
	return nil
}

// queueOwners asks the consumers of a group which queues they have. Consumers that do
// not answer are left out.
func queueOwners(ctx context.Context, c *cli.Call, group string) map[protocol.MessageQueue]string {
	owners := map[protocol.MessageQueue]string{}
	conns, err := c.Client.ConsumerConnections(ctx, group)
	if err != nil {
		c.Failed(err)
		return owners
	}
	for _, conn := range conns.ConnectionSet {
		info, err := c.Client.RunningInfo(ctx, group, conn.ClientID, false)
		if err != nil {
			c.Failed(err)
			continue
		}
		for q := range info.MQTable {
			owners[q] = clientIP(conn.ClientID)
		}
	}
	return owners
}

// clientIP is the part of a client's id before the sign @.
func clientIP(id string) string {
	for i := range id {
		if id[i] == '@' {
			return id[:i]
		}
	}
	return id
}

func allProgress(ctx context.Context, c *cli.Call) error {
	topics, err := c.Client.TopicList(ctx)
	if err != nil {
		return err
	}
	t := c.Out.Table("groups", "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s", "%-64s  %-6d  %-24s %-5s  %-14s  %-7d  %d",
		"#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total")
	for i, topic := range topics {
		if !compat.IsRetryTopic(topic) {
			continue
		}
		c.Progress("topic %d of %d", i+1, len(topics))
		group := compat.RetryGroup(topic)
		var tps int
		var diff int64
		if stats, err := c.Client.GroupStats(ctx, group, "", ""); err == nil {
			tps, diff = int(stats.ConsumeTPS), admin.TotalDiff(stats)
		}
		count, version, kind, model := 0, "OFFLINE", "", ""
		if conns, err := c.Client.ConsumerConnections(ctx, group); err == nil {
			count, version, kind = len(conns.ConnectionSet), compat.VersionName(minVersion(conns)), "PUSH"
			switch conns.ConsumeType {
			case protocol.ConsumeActively:
				kind = "PULL"
			case protocol.ConsumePassively:
				model = string(conns.MessageModel)
			}
		}
		c.Done()
		t.Row(front(group, 64), count, version, kind, model, tps, diff)
	}
	return nil
}

func minVersion(conns *protocol.ConsumerConnection) protocol.Version {
	v := protocol.Version(1<<31 - 1)
	for _, conn := range conns.ConnectionSet {
		v = min(v, protocol.Version(conn.Version))
	}
	return v
}

// connections asks the broker of -b, or the first one of the group.
func connections(ctx context.Context, c *cli.Call, group string) (*protocol.ConsumerConnection, error) {
	if c.Has("b") {
		return c.Client.ConsumerConnectionsAt(ctx, c.Value("b"), group)
	}
	return c.Client.ConsumerConnections(ctx, group)
}

func consumerConnection(ctx context.Context, c *cli.Call) error {
	conns, err := connections(ctx, c, c.Value("g"))
	if err != nil {
		return err
	}
	t := c.Out.Table("connections", "%-36s %-22s %-10s %s", "%-36s %-22s %-10s %s", "#ClientId", "#ClientAddr", "#Language", "#Version")
	for _, conn := range conns.ConnectionSet {
		t.Row(conn.ClientID, conn.ClientAddr, conn.Language, compat.VersionName(protocol.Version(conn.Version)))
	}
	c.Out.Printf("\nBelow is subscription:\n")
	s := c.Out.Table("subscriptions", "%-20s %s", "%-20s %s", "#Topic", "#SubExpression")
	for _, topic := range slices.Sorted(maps.Keys(conns.SubscriptionTable)) {
		sub := conns.SubscriptionTable[topic]
		s.Row(sub.Topic, sub.SubString)
	}
	c.Out.Printf("\nConsumeType: %s\nMessageModel: %s\nConsumeFromWhere: %s\n", conns.ConsumeType, conns.MessageModel, conns.ConsumeFromWhere)
	c.Out.Set("consumeType", conns.ConsumeType)
	c.Out.Set("messageModel", conns.MessageModel)
	c.Out.Set("consumeFromWhere", conns.ConsumeFromWhere)
	return nil
}

func producerConnection(ctx context.Context, c *cli.Call) error {
	conns, err := c.Client.ProducerConnections(ctx, c.Value("g"), c.Value("t"))
	if err != nil {
		return err
	}
	t := c.Out.Table("connections", "", "%04d  %-32s %-22s %-8s %s", "number", "clientId", "clientAddr", "language", "version")
	for i, conn := range conns.ConnectionSet {
		t.Row(i+1, conn.ClientID, conn.ClientAddr, conn.Language, compat.VersionName(protocol.Version(conn.Version)))
	}
	return nil
}

func producers(ctx context.Context, c *cli.Call) error {
	all, err := c.Client.AllProducers(ctx, c.Value("b"))
	if err != nil {
		return err
	}
	for _, group := range slices.Sorted(maps.Keys(all)) {
		if len(all[group]) == 0 {
			c.Out.Printf("producer group (%s) instances are empty\n", group)
		}
		for _, p := range all[group] {
			c.Out.Printf("producer group (%s) instance : clientId=%s,remoteIP=%s, language=%s, version=%d, lastUpdateTimestamp=%d\n",
				group, p.ClientID, p.RemoteIP, p.Language, p.Version, p.LastUpdateTimestamp)
		}
	}
	c.Out.Set("groups", all)
	return nil
}

func consumerStatus(ctx context.Context, c *cli.Call) error {
	group := c.Value("g")
	if c.Has("i") {
		info, err := c.Client.RunningInfo(ctx, group, c.Value("i"), c.Has("s"))
		if err != nil {
			return err
		}
		c.Out.Printf("%s\n", runningText(info))
		c.Out.Set("consumer", info)
		return nil
	}
	conns, err := connections(ctx, c, group)
	if err != nil {
		return err
	}
	t := c.Out.Table("consumers", "%-10s %-40s %-20s %s", "%-10d %-40s %-20s %s", "#Index", "#ClientId", "#Version", "#ConsumerRunningInfoFile=file")
	now := time.Now()
	folder := fmt.Sprint(now.UnixMilli())
	infos := map[string]*admin.RunningInfo{}
	for _, conn := range conns.ConnectionSet {
		info, err := c.Client.RunningInfo(ctx, group, conn.ClientID, c.Has("s"))
		if err != nil {
			c.Failed(err)
			continue
		}
		infos[conn.ClientID] = info
		file := filepath.Join(folder, filepath.Base(conn.ClientID))
		if err := writeFile(file, []byte(runningText(info))); err != nil {
			return err
		}
		t.Row(len(infos), conn.ClientID, compat.VersionName(protocol.Version(conn.Version)), file)
	}
	if len(infos) > 0 {
		judge(c, infos, now)
	}
	return nil
}

// writeFile writes a file and the folders that it lies in.
func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// judge says whether the consumers of a group agree and get on.
func judge(c *cli.Call, infos map[string]*admin.RunningInfo, now time.Time) {
	same := admin.SameSubscriptions(infos, now)
	c.Out.Set("sameSubscription", same)
	if !same {
		c.Out.Printf("\n\nWARN: Different subscription in the same group of consumer!!!\n")
		return
	}
	c.Out.Printf("\n\nSame subscription in the same group of consumer\n\nRebalance OK\n")
	for _, id := range slices.Sorted(maps.Keys(infos)) {
		for _, s := range infos[id].Stalls(now) {
			c.Out.Printf("%s %s\n", id, s)
			c.Out.Add("stalled", id+" "+s)
		}
	}
}
