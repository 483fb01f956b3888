package mqadmin

import (
	"context"
	"encoding/json"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
)

func coldDataCommands() cli.Set {
	needGroup := cli.Need("g", "consumerGroup", "group")
	return in(areaBrokers,
		&cli.Command{Name: "getColdDataFlowCtrInfo", Help: "how a broker limits groups that read cold data", Options: []cli.Option{
			optBroker, cli.Value("c", "clusterName", "all brokers of this cluster"),
		}, OneOf: oneBroker, Run: getColdData},
		&cli.Command{Name: "updateColdDataFlowCtrGroupConfig", Help: "limit a group that reads cold data", Options: []cli.Option{
			optBroker, optCluster, needGroup, cli.Need("v", "threshold", "bytes in a second"),
		}, OneOf: oneBroker, Run: updateColdData},
		&cli.Command{Name: "removeColdDataFlowCtrGroupConfig", Help: "take a group's limit away", Options: []cli.Option{optBroker, optCluster, needGroup}, OneOf: oneBroker, Run: removeColdData},
	)
}

// coldInfo is what a broker answers; what else it has is not shown.
type coldInfo struct {
	RuntimeTable         map[string]coldGroup `json:"runtimeTable"`
	ConfigTable          map[string]int64     `json:"configTable"`
	CgColdReadThreshold  int64                `json:"cgColdReadThreshold"`
	GlobalColdReadThresh int64                `json:"globalColdReadThreshold"`
	GlobalAcc            int64                `json:"globalAcc"`
}

type coldGroup struct {
	ColdAcc              int64  `json:"coldAcc"`
	CreateTimeFormat     string `json:"createTimeFormat"`
	LastColdReadFormat   string `json:"lastColdReadTimeFormat"`
	CreateTimeMills      int64  `json:"-"`
	LastColdReadTimeMill int64  `json:"-"`
}

// UnmarshalJSON reads the times, which are shown in another form.
func (g *coldGroup) UnmarshalJSON(b []byte) error {
	var wire struct {
		ColdAcc               int64 `json:"coldAcc"`
		CreateTimeMills       int64 `json:"createTimeMills"`
		LastColdReadTimeMills int64 `json:"lastColdReadTimeMills"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*g = coldGroup{ColdAcc: wire.ColdAcc, CreateTimeFormat: secondsText(wire.CreateTimeMills), LastColdReadFormat: secondsText(wire.LastColdReadTimeMills)}
	return nil
}

func getColdData(ctx context.Context, c *cli.Call) error {
	return masterWalk(ctx, c, " ", func(addr string) error {
		text, err := c.Client.ColdDataInfo(ctx, addr)
		if err != nil {
			return err
		}
		strict, err := compat.ToStrict(nil, text)
		if err != nil {
			return err
		}
		var info coldInfo
		if err := json.Unmarshal(strict, &info); err != nil {
			return err
		}
		pretty, err := json.MarshalIndent(info, "", "\t")
		if err != nil {
			return err
		}
		c.Out.Printf("%s\n", fastjsonSpaces(pretty))
		c.Out.Add("brokers", map[string]any{"addr": addr, "coldData": info})
		return nil
	})
}

func updateColdData(ctx context.Context, c *cli.Call) error {
	limit := c.Int("v", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.SetColdDataLimit(ctx, addr, c.Value("g"), limit); err != nil {
			return err
		}
		c.Out.Say("updateColdDataFlowCtrGroupConfig success, %s", addr)
		return nil
	})
}

func removeColdData(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.RemoveColdDataLimit(ctx, addr, c.Value("g")); err != nil {
			return err
		}
		c.Out.Say("remove broker cold read threshold success, %s", addr)
		return nil
	})
}

// fastjsonSpaces makes the spaces of indented JSON those of fastjson, which puts none
// behind a colon.
func fastjsonSpaces(text []byte) []byte {
	var out []byte
	quoted := false
	for i, b := range text {
		switch {
		case b == '"' && (i == 0 || text[i-1] != '\\'):
			quoted = !quoted
		case b == ' ' && !quoted:
			continue
		}
		out = append(out, b)
	}
	return out
}
