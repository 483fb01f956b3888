package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func clusterCommands() cli.Set {
	return in(areaCluster, &cli.Command{
		Name: "clusterList", Help: "brokers of all clusters, with their load",
		Options: []cli.Option{
			cli.Flag("m", "moreStats", "messages of yesterday and today instead of the load"), optInterval, cli.Value("c", "clusterName", "only this cluster"),
		},
		Run: clusterList,
	}, &cli.Command{
		Name: "clusterRT", Help: "send to each broker and measure how long it takes, again and again",
		Options: []cli.Option{
			cli.Value("a", "amount", "messages of a round (100)"), cli.Value("s", "size", "bytes of a message (128)"),
			cli.Value("c", "cluster", "only this cluster"), cli.Value("p", "print log", "true: lines for a log instead of a table"),
			cli.Value("m", "machine room", "a name for the log (noname)"), cli.Value("i", "interval", "seconds between rounds (10)"),
		},
		Run: clusterRT,
	})
}

func clusterList(ctx context.Context, c *cli.Call) error {
	return c.Every(ctx, "i", func() error {
		cluster, err := c.Client.Cluster(ctx)
		if err != nil {
			return err
		}
		names := cluster.Names()
		if c.Has("c") {
			names = []string{c.Value("c")}
		}
		start := startLoad
		if c.Has("m") {
			start = startTotals
		}
		show := start(c)
		for _, name := range names {
			brokers, err := cluster.Brokers(name)
			if err != nil {
				return err
			}
			for _, b := range brokers {
				for _, id := range slices.Sorted(maps.Keys(b.BrokerAddrs)) {
					facts, err := c.Client.BrokerRuntime(ctx, b.BrokerAddrs[id])
					if err != nil {
						c.Failed(err)
					}
					show(name, b, id, facts)
				}
			}
		}
		return nil
	})
}

// showBroker shows one broker; its facts are nil when it did not answer.
type showBroker func(cluster string, b *protocol.BrokerData, id int64, facts map[string]string)

func startTotals(c *cli.Call) showBroker {
	t := c.Out.Table("brokers", "%-16s  %-32s %14s %14s %14s %14s", "%-16s  %-32s %14d %14d %14d %14d",
		"#Cluster Name=cluster", "#Broker Name", "#InTotalYest", "#OutTotalYest", "#InTotalToday", "#OutTotalToday")
	return func(cluster string, b *protocol.BrokerData, _ int64, facts map[string]string) {
		n := func(key string) int64 { v, _ := strconv.ParseInt(facts[key], 10, 64); return v }
		t.Row(cluster, b.BrokerName,
			n("msgPutTotalTodayMorning")-n("msgPutTotalYesterdayMorning"), n("msgGetTotalTodayMorning")-n("msgGetTotalYesterdayMorning"),
			n("msgPutTotalTodayNow")-n("msgPutTotalTodayMorning"), n("msgGetTotalTodayNow")-n("msgGetTotalTodayMorning"))
	}
}

func startLoad(c *cli.Call) showBroker {
	t := c.Out.Table("brokers", "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %-11s  %-12s  %-8s  %-10s",
		"%-22s  %-22s  %-4d  %-22s %-16s  %16s  %30s  %-22s  %11s  %-12s  %-8s  %10t",
		"#Cluster Name=cluster", "#Broker Name", "#BID=brokerId", "#Addr", "#Version", "#InTPS(LOAD)=in", "#OutTPS(LOAD)=out", "#Timer(Progress)=timer",
		"#PCWait(ms)=pageCacheWaitMs", "#Hour=hours", "#SPACE=space", "#ACTIVATED=activated")
	return func(cluster string, b *protocol.BrokerData, id int64, facts map[string]string) {
		l := readLoad(facts, time.Now())
		t.Row(cluster, b.BrokerName, id, b.BrokerAddrs[id], facts["brokerVersionDesc"],
			cli.Cell{Text: fmt.Sprintf("%9.2f(%s,%sms)", l.In.TPS, l.In.Queue, l.In.WaitMs), Data: l.In},
			cli.Cell{Text: fmt.Sprintf("%9.2f(%s,%sms|%s,%sms)", l.Out.TPS, l.Out.Queue, l.Out.WaitMs, l.Out.AckQueue, l.Out.AckWaitMs), Data: l.Out},
			cli.Cell{Text: fmt.Sprintf("%d-%d(%.1fw, %.1f, %.1f)", l.Timer.ReadBehind, l.Timer.OffsetBehind, float64(l.Timer.Congested)/10000, l.Timer.EnqueueTPS, l.Timer.DequeueTPS), Data: l.Timer},
			facts["pageCacheLockTimeMills"],
			cli.Cell{Text: fmt.Sprintf("%2.2f", l.Hours), Data: l.Hours}, cli.Cell{Text: fmt.Sprintf("%.4f", l.Space), Data: l.Space}, l.Active)
	}
}

// load is what clusterList shows of a broker.
type load struct {
	In, Out      flow
	Timer        timerLoad
	Hours, Space float64
	Active       bool
}

type flow struct {
	TPS       float64 `json:"tps"`
	Queue     string  `json:"queue"`
	WaitMs    string  `json:"waitMs"`
	AckQueue  string  `json:"ackQueue,omitempty"`
	AckWaitMs string  `json:"ackWaitMs,omitempty"`
}

type timerLoad struct {
	ReadBehind   int64   `json:"readBehind"`
	OffsetBehind int64   `json:"offsetBehind"`
	Congested    int64   `json:"congested"`
	EnqueueTPS   float64 `json:"enqueueTps"`
	DequeueTPS   float64 `json:"dequeueTps"`
}

func readLoad(facts map[string]string, now time.Time) load {
	number := func(key string) int64 { n, _ := strconv.ParseInt(facts[key], 10, 64); return n }
	fraction := func(key string) float64 {
		first, _, _ := strings.Cut(facts[key], " ")
		f, _ := strconv.ParseFloat(first, 64)
		return f
	}
	or := func(key, otherwise string) string {
		if v, ok := facts[key]; ok || facts == nil {
			return v
		}
		return otherwise
	}
	l := load{
		In: flow{TPS: fraction("putTps"), Queue: facts["sendThreadPoolQueueSize"], WaitMs: facts["sendThreadPoolQueueHeadWaitTimeMills"]},
		Out: flow{
			TPS: fraction("getTransferredTps"), Queue: facts["pullThreadPoolQueueSize"], WaitMs: facts["pullThreadPoolQueueHeadWaitTimeMills"],
			AckQueue: or("ackThreadPoolQueueSize", "N"), AckWaitMs: or("ackThreadPoolQueueHeadWaitTimeMills", "N"),
		},
		Timer: timerLoad{
			ReadBehind: number("timerReadBehind"), OffsetBehind: number("timerOffsetBehind"), Congested: number("timerCongestNum"),
			EnqueueTPS: fraction("timerEnqueueTps"), DequeueTPS: fraction("timerDequeueTps"),
		},
		Space:  fraction("commitLogDiskRatio"),
		Active: facts["brokerActive"] == "true",
	}
	if facts["earliestMessageTimeStamp"] != "" {
		l.Hours = float64(now.UnixMilli()-number("earliestMessageTimeStamp")) / 1000 / 60 / 60
	}
	return l
}
