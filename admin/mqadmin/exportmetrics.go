package mqadmin

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// quota are a broker's rates and totals as exportMetrics writes them.
type quota struct {
	DiskRatio          map[string]string  `json:"diskRatio"`
	GroupSize          int                `json:"groupSize"`
	MessageAverageSize string             `json:"messageAverageSize"`
	OneDayNum          map[string]int64   `json:"oneDayNum"`
	TopicSize          int                `json:"topicSize"`
	TPS                map[string]float64 `json:"tps"`
}

func exportMetrics(ctx context.Context, c *cli.Call) error {
	brokers, err := clusterBrokers(ctx, c)
	if err != nil {
		return err
	}
	report := map[string]any{}
	totalTPS := map[string]float64{"totalNormalInTps": 0, "totalNormalOutTps": 0, "totalTransInTps": 0, "totalScheduleInTps": 0}
	totalDay := map[string]int64{"normalOneDayInNum": 0, "normalOneDayOutNum": 0, "transOneDayInNum": 0, "scheduleOneDayInNum": 0}
	for i, b := range brokers {
		c.Progress("broker %d of %d", i+1, len(brokers))
		addr := b.BrokerAddrs[protocol.MasterID]
		if addr == "" {
			return fmt.Errorf("broker %s has no master whose figures could be read", b.BrokerName)
		}
		facts, err := c.Client.BrokerRuntime(ctx, addr)
		if err != nil {
			return err
		}
		config, err := c.Client.BrokerConfig(ctx, addr)
		if err != nil {
			return err
		}
		groups, err := c.Client.UserGroups(ctx, addr)
		if err != nil {
			return err
		}
		q, err := readQuota(ctx, c, addr, facts, groups)
		if err != nil {
			return err
		}
		c.Done()
		for key, name := range map[string]string{"normalInTps": "totalNormalInTps", "normalOutTps": "totalNormalOutTps", "transInTps": "totalTransInTps", "scheduleInTps": "totalScheduleInTps"} {
			totalTPS[name] += q.TPS[key]
		}
		for key, n := range q.OneDayNum {
			totalDay[key] += n
		}
		report[b.BrokerName] = map[string]any{
			"runtimeEnv":     runtimeEnv(facts, config),
			"runtimeQuota":   q,
			"runtimeVersion": map[string]any{"rocketmqVersion": compat.VersionName(protocol.CurrentVersion), "clientInfo": clientVersions(ctx, c, groups.SubscriptionGroupTable)},
		}
	}
	return export(c, "metrics.json", map[string]any{
		"evaluateReport": report,
		"totalData":      map[string]any{"totalTps": totalTPS, "totalOneDayNum": totalDay},
	})
}

// runtimeEnv leaves out what the broker does not know, as fastjson leaves out null.
func runtimeEnv(facts, config map[string]string) map[string]string {
	env := map[string]string{}
	if v, ok := config["clientCallbackExecutorThreads"]; ok {
		env["cpuNum"] = v
	}
	if v, ok := facts["totalMemKBytes"]; ok {
		env["totalMemKBytes"] = v
	}
	return env
}

func readQuota(ctx context.Context, c *cli.Call, addr string, facts map[string]string, groups *protocol.SubscriptionGroupWrapper) (*quota, error) {
	topics, err := c.Client.UserTopicConfigs(ctx, addr, false)
	if err != nil {
		return nil, err
	}
	trans, schedule := statsOr(ctx, c, addr, "RMQ_SYS_TRANS_HALF_TOPIC"), statsOr(ctx, c, addr, "SCHEDULE_TOPIC_XXXX")
	first := func(key string) float64 {
		word, _, _ := strings.Cut(facts[key], " ")
		f, _ := strconv.ParseFloat(word, 64)
		return f
	}
	day := func(kind string) int64 {
		today, _ := strconv.ParseInt(facts["msg"+kind+"TotalTodayMorning"], 10, 64)
		yesterday, _ := strconv.ParseInt(facts["msg"+kind+"TotalYesterdayMorning"], 10, 64)
		return today - yesterday
	}
	return &quota{
		DiskRatio:          map[string]string{"commitLogDiskRatio": facts["commitLogDiskRatio"], "consumeQueueDiskRatio": facts["consumeQueueDiskRatio"]},
		GroupSize:          len(groups.SubscriptionGroupTable),
		MessageAverageSize: facts["putMessageAverageSize"],
		OneDayNum: map[string]int64{
			"normalOneDayInNum": day("Put"), "normalOneDayOutNum": day("Get"), "transOneDayInNum": admin.DaySum(trans), "scheduleOneDayInNum": admin.DaySum(schedule),
		},
		TopicSize: len(topics.TopicConfigTable),
		TPS: map[string]float64{
			"normalInTps": first("putTps"), "normalOutTps": first("getTransferredTps"), "transInTps": trans.StatsMinute.TPS, "scheduleInTps": schedule.StatsMinute.TPS,
		},
	}, nil
}
