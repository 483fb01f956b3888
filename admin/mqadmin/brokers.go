package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func brokerCommands() cli.Set {
	optAll := cli.Value("c", "cluster", "all brokers of this cluster")
	cleaning := []cli.Option{optBroker, optAll}
	return in(areaBrokers,
		&cli.Command{Name: "brokerStatus", Help: "figures of a broker", Options: []cli.Option{optBroker, cli.Value("c", "clusterName", "all brokers of this cluster")}, OneOf: oneBroker, Run: brokerStatus},
		&cli.Command{Name: "brokerConsumeStats", Help: "how far all groups of a broker are behind", Options: []cli.Option{
			cli.Need("b", "brokerAddr", "broker's address"), cli.Value("t", "timeoutMillis", "without effect: see --timeout"),
			cli.Value("l", "level", "only queues that are this far behind"), cli.Value("o", "order", "true: only ordered topics (false)"),
		}, Run: brokerConsumeStats},
		&cli.Command{Name: "getBrokerConfig", Help: "configuration of a broker", Options: []cli.Option{optBroker, cli.Value("c", "clusterName", "all brokers of this cluster")}, OneOf: oneBroker, Run: getBrokerConfig},
		&cli.Command{Name: "updateBrokerConfig", Help: "change the configuration of a broker", Options: []cli.Option{
			optBroker, optCluster, cli.Value("a", "updateAllBroker", "with -c: slaves too"), cli.Need("k", "key", "key"), cli.Need("v", "value", "value"),
		}, OneOf: oneBroker, Run: updateBrokerConfig},
		&cli.Command{Name: "cleanExpiredCQ", Help: "remove consume queue files whose messages are gone", Options: cleaning,
			Run: clean((*admin.Client).CleanExpiredQueues)},
		&cli.Command{Name: "cleanUnusedTopic", Help: "remove consume queues of topics that are gone", Options: cleaning,
			Run: clean((*admin.Client).CleanUnusedTopics)},
		&cli.Command{Name: "deleteExpiredCommitLog", Help: "remove commit log files that may go", Options: cleaning,
			Run: clean((*admin.Client).DeleteExpiredCommitLog)},
		&cli.Command{Name: "setCommitLogReadAheadMode", Help: "how the commit log is read ahead", Options: []cli.Option{
			optBroker, cli.Value("c", "clusterName", "all brokers of this cluster"), cli.Need("m", "commitLogReadAheadMode", "0: normal, 1: random"),
		}, OneOf: oneBroker, Run: setReadAhead},
		&cli.Command{Name: "switchTimerEngine", Help: "which engine keeps timer messages", Options: []cli.Option{
			optBroker, optCluster, cli.Need("e", "engineType", "R: RocksDB, F: files"),
		}, OneOf: oneBroker, Run: switchTimer},
		&cli.Command{Name: "resetMasterFlushOffset", Help: "tell a slave how far its master has flushed", Options: []cli.Option{
			cli.Need("b", "brokerAddr", "slave's address"), cli.Need("o", "offset", "offset of the commit log"),
		}, Run: resetMasterFlushOffset},
		&cli.Command{Name: "addBroker", Help: "have a broker container start a broker", Local: true, Options: []cli.Option{
			cli.Need("c", "brokerContainerAddr", "container's address"), cli.Need("b", "brokerConfigPath", "configuration file, as the container sees it"),
		}, Run: addBroker},
		&cli.Command{Name: "removeBroker", Help: "have a broker container stop a broker", Local: true, Options: []cli.Option{
			cli.Need("c", "brokerContainerAddr", "container's address"), cli.Need("b", "brokerIdentity", "cluster:name:id"),
		}, Run: removeBroker},
	)
}

func brokerStatus(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, true)
	if err != nil {
		return err
	}
	all := map[string]map[string]string{}
	err = eachBroker(c, addrs, func(addr string) error {
		facts, err := c.Client.BrokerRuntime(ctx, addr)
		if err != nil {
			return err
		}
		all[addr] = facts
		for _, key := range slices.Sorted(maps.Keys(facts)) {
			if c.Has("c") {
				c.Out.Printf("%-24s %-32s: %s\n", addr, key, facts[key])
			} else {
				c.Out.Printf("%-32s: %s\n", key, facts[key])
			}
		}
		return nil
	})
	c.Out.Set("brokers", all)
	return err
}

func brokerConsumeStats(ctx context.Context, c *cli.Call) error {
	level, ordered := c.Int("l", 0), c.Bool("o", false)
	c.Int("t", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	list, err := c.Client.AllConsumeStats(ctx, c.Value("b"), ordered)
	if err != nil {
		return err
	}
	t := c.Out.Table("queues", "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s", "%-64s  %-64s  %-32s  %-4d  %-20d  %-20d  %-20d  %s",
		"#Topic", "#Group", "#Broker Name", "#QID=queueId", "#Broker Offset", "#Consumer Offset", "#Diff", "#LastTime=lastTimestamp")
	for _, byGroup := range list.ConsumeStatsList {
		for _, group := range slices.Sorted(maps.Keys(byGroup)) {
			for _, stats := range byGroup[group] {
				for _, q := range admin.SortedQueues(stats.OffsetTable) {
					o := stats.OffsetTable[q]
					diff := o.BrokerOffset - o.ConsumerOffset
					if diff < level || o.LastTimestamp <= 0 {
						continue
					}
					t.Row(front(q.Topic, 64), group, front(q.BrokerName, 32), q.QueueID, o.BrokerOffset, o.ConsumerOffset, diff,
						cli.Cell{Text: secondsText(o.LastTimestamp), Data: o.LastTimestamp})
				}
			}
		}
	}
	c.Out.Printf("\nDiff Total: %d\n", list.TotalDiff)
	c.Out.Set("diffTotal", list.TotalDiff)
	return nil
}

// masterWalk visits the broker of -b, or the masters of the cluster of -c, each followed
// by its slaves, under the headings of the official tool.
func masterWalk(ctx context.Context, c *cli.Call, prefix string, visit func(addr string) error) error {
	if c.Has("b") {
		c.Out.Printf("%s============%s============\n", prefix, c.Value("b"))
		return visit(c.Value("b"))
	}
	brokers, err := clusterBrokers(ctx, c)
	if err != nil {
		return err
	}
	for _, b := range brokers {
		master := b.BrokerAddrs[protocol.MasterID]
		if master == "" {
			master = "NO_MASTER"
		}
		for _, addr := range admin.Addrs(b) {
			if addr == master {
				c.Out.Printf("%s============Master: %s============\n", prefix, master)
			} else {
				c.Out.Printf("%s============My Master: %s=====Slave: %s============\n", prefix, master, addr)
			}
			if err := visit(addr); err != nil {
				c.Failed(err)
			}
		}
	}
	return nil
}

func getBrokerConfig(ctx context.Context, c *cli.Call) error {
	all := map[string]map[string]string{}
	err := masterWalk(ctx, c, "", func(addr string) error {
		values, err := c.Client.BrokerConfig(ctx, addr)
		if err != nil {
			return err
		}
		all[addr] = values
		showProperties(c, values)
		c.Out.Printf("\n")
		return nil
	})
	c.Out.Set("brokers", all)
	return err
}

func showProperties(c *cli.Call, values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		c.Out.Printf("%-50s=  %s\n", key, values[key])
	}
}

func updateBrokerConfig(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, c.Has("a"))
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.UpdateBrokerConfig(ctx, addr, map[string]string{c.Value("k"): c.Value("v")}); err != nil {
			return err
		}
		if err := taken(ctx, addr, c.Value("k"), c.Value("v"), c.Client.BrokerConfig); err != nil {
			return err
		}
		c.Out.Say("update broker config success, %s", addr)
		return nil
	})
}

// taken looks at what became of a setting. Servers answer SUCCESS also to names that they do
// not know and to values that they cannot read. A server that does not show its settings is
// believed.
func taken(ctx context.Context, addr, key, value string, read func(ctx context.Context, addr string) (map[string]string, error)) error {
	values, err := read(ctx, addr)
	if err != nil {
		return ctx.Err()
	}
	switch now, known := values[key]; {
	case !known:
		return fmt.Errorf("%s knows no setting %s: nothing is changed", addr, key)
	case !sameSetting(now, value):
		return fmt.Errorf("%s did not take %q for %s, which is %q", addr, value, key, now)
	}
	return nil
}

// sameSetting compares values as servers read them: 010 and 10 are the same number.
func sameSetting(a, b string) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	if strings.EqualFold(a, b) {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// clean makes a command that has brokers tidy up: that of -b, those of the cluster of
// -c, or all.
func clean(do func(*admin.Client, context.Context, string) error) func(context.Context, *cli.Call) error {
	return func(ctx context.Context, c *cli.Call) error {
		addrs := []string{c.Value("b")}
		if !c.Has("b") {
			cluster, err := c.Client.Cluster(ctx)
			if err != nil {
				return err
			}
			addrs = nil
			names := cluster.Names()
			if c.Has("c") {
				names = []string{c.Value("c")}
			}
			for _, name := range names {
				more, err := cluster.Addrs(name)
				if err != nil {
					return err
				}
				addrs = append(addrs, more...)
			}
		}
		failed := 0
		for i, addr := range addrs {
			c.Progress("broker %d of %d", i+1, len(addrs))
			err := do(c.Client, ctx, addr)
			c.Done()
			if err != nil {
				failed++
				c.Failed(err)
			}
		}
		if failed == 0 {
			c.Out.Say("success")
		}
		return nil
	}
}

func setReadAhead(ctx context.Context, c *cli.Call) error {
	mode, ok := map[string]admin.ReadAhead{"0": admin.ReadAheadNormal, "1": admin.ReadAheadRandom}[c.Value("m")]
	if !ok {
		return cli.Usagef("%q is no mode; there are 0 for normal and 1 for random reading", c.Value("m"))
	}
	return masterWalk(ctx, c, " ", func(addr string) error {
		text, err := c.Client.SetReadAhead(ctx, addr, mode)
		if err != nil {
			return err
		}
		c.Out.Say("commitLog set readAhead mode rstStr%s", text)
		return nil
	})
}

func switchTimer(ctx context.Context, c *cli.Call) error {
	engine := admin.TimerEngine(c.Value("e"))
	name, ok := map[admin.TimerEngine]string{admin.TimerRocksDB: "ROCKSDB_TIMELINE", admin.TimerFiles: "FILE_TIME_WHEEL"}[engine]
	if !ok {
		return cli.Usagef("switchTimerEngine engineType must be R or F")
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.SwitchTimerEngine(ctx, addr, engine); err != nil {
			return err
		}
		c.Out.Say("switchTimerEngine to %s success, %s", name, addr)
		return nil
	})
}

func resetMasterFlushOffset(ctx context.Context, c *cli.Call) error {
	offset := c.Int("o", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	if err := c.Client.ResetMasterFlushOffset(ctx, c.Value("b"), offset); err != nil {
		return err
	}
	c.Out.Say("reset master flush offset to %d success", offset)
	return nil
}

func addBroker(ctx context.Context, c *cli.Call) error {
	if err := c.Client.AddBroker(ctx, c.Value("c"), c.Value("b")); err != nil {
		return err
	}
	c.Out.Say("add broker to %s success", c.Value("c"))
	return nil
}

func removeBroker(ctx context.Context, c *cli.Call) error {
	cluster, name, id, err := identity(c.Value("b"))
	if err != nil {
		return err
	}
	if err := c.Client.RemoveBroker(ctx, c.Value("c"), cluster, name, id); err != nil {
		return err
	}
	c.Out.Say("remove broker from %s success", c.Value("c"))
	return nil
}

// identity reads cluster:name:id.
func identity(text string) (cluster, name string, id int64, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		if id, err = strconv.ParseInt(strings.TrimSpace(parts[2]), 10, 64); err == nil && id >= 0 {
			return strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), id, nil
		}
	}
	return "", "", 0, cli.Usagef("%q is no broker; write cluster:name:id, such as DefaultCluster:broker-a:0", text)
}
