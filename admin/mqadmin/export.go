package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// exports is the folder that the official tool writes to.
const exports = "/tmp/rocketmq/export"

func exportCommands() cli.Set {
	folder := cli.Value("f", "filePath", "folder to write to ("+exports+")")
	needCluster := cli.Need("c", "clusterName", "cluster")
	return in(areaExport,
		&cli.Command{Name: "exportMetadata", Help: "topics and groups as a file", Options: []cli.Option{
			cli.Value("c", "clusterName", "of this cluster"), cli.Value("b", "brokerAddr", "of the broker at this address"), folder,
			cli.Flag("t", "topic", "only topics"), cli.Flag("g", "subscriptionGroup", "only groups"), cli.Flag("s", "specialTopic", "retry and dead letter topics too"),
		}, OneOf: oneBroker, Run: exportMetadata},
		&cli.Command{Name: "exportConfigs", Help: "configuration of a cluster's brokers as a file", Options: []cli.Option{needCluster, folder}, Run: exportConfigs},
		&cli.Command{Name: "exportMetrics", Help: "figures of a cluster as a file", Options: []cli.Option{needCluster, folder}, Run: exportMetrics},
		&cli.Command{Name: "exportPopRecord", Help: "have brokers write the POP records they hold into their logs", Options: []cli.Option{
			cli.Value("c", "clusterName", "all brokers of this cluster"), optBroker, cli.Value("d", "dryRun", "false: write them"),
		}, OneOf: oneBroker, Run: exportPop},
	)
}

// export writes a value as a file, as fastjson would.
func export(c *cli.Call, name string, v any) error {
	file := filepath.Join(c.Or("f", exports), name)
	text, err := compat.AppendFastjson(nil, v, compat.Pretty)
	if err != nil {
		return err
	}
	if err := writeFile(file, text); err != nil {
		return err
	}
	c.Out.Say("export %s success", file)
	c.Out.Set("file", file)
	return nil
}

func exportMetadata(ctx context.Context, c *cli.Call) error {
	if c.Has("b") {
		return exportBroker(ctx, c)
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	topics, groups := map[string]*protocol.TopicConfig{}, map[string]*protocol.SubscriptionGroupConfig{}
	for i, addr := range addrs {
		c.Progress("broker %d of %d", i+1, len(addrs))
		t, err := c.Client.UserTopicConfigs(ctx, addr, c.Has("s"))
		if err != nil {
			return err
		}
		g, err := c.Client.UserGroups(ctx, addr)
		if err != nil {
			return err
		}
		c.Done()
		for name, topic := range t.TopicConfigTable {
			if sum := topics[name]; sum != nil {
				topic.WriteQueueNums += sum.WriteQueueNums
				topic.ReadQueueNums += sum.ReadQueueNums
			}
			topics[name] = topic
		}
		for name, group := range g.SubscriptionGroupTable {
			if sum := groups[name]; sum != nil {
				group.RetryQueueNums += sum.RetryQueueNums
			}
			groups[name] = group
		}
	}
	result, name := map[string]any{"exportTime": time.Now().UnixMilli()}, "metadata.json"
	switch {
	case c.Has("t"):
		result["topicConfigTable"], name = topics, "topic.json"
	case c.Has("g"):
		result["subscriptionGroupTable"], name = groups, "subscriptionGroup.json"
	default:
		result["topicConfigTable"], result["subscriptionGroupTable"] = topics, groups
	}
	return export(c, name, result)
}

// exportBroker writes what one broker has, topics or groups.
func exportBroker(ctx context.Context, c *cli.Call) error {
	switch {
	case c.Has("t"):
		all, err := c.Client.UserTopicConfigs(ctx, c.Value("b"), c.Has("s"))
		if err != nil {
			return err
		}
		return export(c, "topic.json", all)
	case c.Has("g"):
		all, err := c.Client.UserGroups(ctx, c.Value("b"))
		if err != nil {
			return err
		}
		return export(c, "subscriptionGroup.json", all)
	}
	return cli.Usagef("with -b, say by -t (--topic) or -g (--subscriptionGroup) what to export")
}

// exportedKeys are the keys of brokers that exportConfigs takes.
var exportedKeys = []string{
	"autoCreateSubscriptionGroup", "autoCreateTopicEnable", "brokerClusterName", "brokerId", "brokerName", "brokerRole", "fileReservedTime",
	"filterServerNums", "flushDiskType", "maxMessageSize", "messageDelayLevel", "msgTraceTopicName", "slaveReadEnable", "traceOn",
	"traceTopicEnable", "useTLS",
}

func exportConfigs(ctx context.Context, c *cli.Call) error {
	brokers, err := clusterBrokers(ctx, c)
	if err != nil {
		return err
	}
	masters, slaves := 0, 0
	configs := map[string]map[string]string{}
	for _, b := range brokers {
		addr := b.BrokerAddrs[protocol.MasterID]
		if addr == "" {
			return fmt.Errorf("broker %s has no master whose configuration could be read", b.BrokerName)
		}
		values, err := c.Client.BrokerConfig(ctx, addr)
		if err != nil {
			return err
		}
		masters, slaves = masters+1, slaves+len(b.BrokerAddrs)-1
		maps.DeleteFunc(values, func(key, _ string) bool { return !slices.Contains(exportedKeys, key) })
		configs[b.BrokerName] = values
	}
	return export(c, "configs.json", map[string]any{
		"brokerConfigs": configs,
		"clusterScale":  map[string]int{"masterBrokerSize": masters, "namesrvSize": len(c.Client.NameServers()), "slaveBrokerSize": slaves},
	})
}

func exportPop(ctx context.Context, c *cli.Call) error {
	// The official tool exports unless -d is false, the reverse of what the name says;
	// scripts depend on it.
	dry := strings.EqualFold(c.Value("d"), "false") && c.Has("d")
	addrs, err := c.Brokers(ctx, true)
	if err != nil {
		return err
	}
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		b, err := cluster.BrokerAt(addr)
		if err != nil {
			return err
		}
		if !dry {
			if err := c.Client.ExportPopRecords(ctx, addr, 30*time.Second); err != nil {
				return fmt.Errorf("Export broker records error, brokerName=%s, brokerAddr=%s: %w", b.BrokerName, addr, err)
			}
		}
		c.Out.Say("Export broker records, brokerName=%s, brokerAddr=%s, dryRun=%s", b.BrokerName, addr, strconv.FormatBool(dry))
		return nil
	})
}

// clientVersions lists the languages and versions of the consumers of groups.
func clientVersions(ctx context.Context, c *cli.Call, groups map[string]*protocol.SubscriptionGroupConfig) []string {
	found := map[string]bool{}
	for name := range groups {
		if conns, err := c.Client.ConsumerConnections(ctx, name); err == nil {
			for _, conn := range conns.ConnectionSet {
				found[conn.Language+"%"+compat.VersionName(protocol.Version(conn.Version))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// statsOr reads one series of a broker; absent, it is all zeros.
func statsOr(ctx context.Context, c *cli.Call, addr, topic string) *protocol.BrokerStatsData {
	s, err := c.Client.BrokerStats(ctx, addr, "TOPIC_PUT_NUMS", topic)
	if err != nil {
		return &protocol.BrokerStatsData{}
	}
	return s
}
