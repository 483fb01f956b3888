package mqadmin

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/admin/cli"
)

func nameServerCommands() cli.Set {
	namespace, key := cli.Need("s", "namespace", "namespace"), cli.Need("k", "key", "key")
	broker := cli.Need("b", "brokerName", "broker's name")
	return in(areaNameServers,
		&cli.Command{Name: "getNamesrvConfig", Help: "configuration of the name servers", Run: getNamesrvConfig},
		&cli.Command{Name: "updateNamesrvConfig", Help: "change the configuration of the name servers", Options: []cli.Option{key, cli.Need("v", "value", "value")}, Run: updateNamesrvConfig},
		&cli.Command{Name: "updateKvConfig", Help: "put a value into the name servers' table", Options: []cli.Option{namespace, key, cli.Need("v", "value", "value")}, Run: updateKV},
		&cli.Command{Name: "deleteKvConfig", Help: "remove a value from the name servers' table", Options: []cli.Option{namespace, key}, Run: deleteKV},
		&cli.Command{Name: "wipeWritePerm", Help: "take the write permission from a broker, before it is stopped", Options: []cli.Option{broker}, Run: wipeWritePerm},
		&cli.Command{Name: "addWritePerm", Help: "give the write permission back to a broker", Options: []cli.Option{broker}, Run: addWritePerm},
	)
}

func getNamesrvConfig(ctx context.Context, c *cli.Call) error {
	return showConfigs(ctx, c, "nameServers", c.Client.NameServers(), c.Client.NameServerConfig)
}

// showConfigs shows the configuration of several servers, which ask reads; name is what they are
// called in a report for machines.
func showConfigs(ctx context.Context, c *cli.Call, name string, addrs []string, ask func(context.Context, string) (map[string]string, error)) error {
	all := map[string]map[string]string{}
	err := eachBroker(c, addrs, func(addr string) error {
		values, err := ask(ctx, addr)
		if err != nil {
			return err
		}
		all[addr] = values
		c.Out.Printf("============%s============\n", addr)
		showProperties(c, values)
		return nil
	})
	c.Out.Set(name, all)
	return err
}

func updateNamesrvConfig(ctx context.Context, c *cli.Call) error {
	key, value, servers := c.Value("k"), c.Value("v"), c.Client.NameServers()
	for _, addr := range servers {
		if err := c.Client.UpdateNameServerConfig(ctx, addr, map[string]string{key: value}); err != nil {
			return err
		}
		if err := taken(ctx, addr, key, value, c.Client.NameServerConfig); err != nil {
			return err
		}
	}
	shown := ""
	if c.Has("n") {
		shown = listText(servers)
	}
	c.Out.Say("update name server config success!%s\n%s : %s", shown, key, value)
	return nil
}

func updateKV(ctx context.Context, c *cli.Call) error {
	if err := c.Client.PutKV(ctx, c.Value("s"), c.Value("k"), c.Value("v")); err != nil {
		return err
	}
	c.Out.Say("create or update kv config to namespace success.")
	return nil
}

func deleteKV(ctx context.Context, c *cli.Call) error {
	if err := c.Client.DeleteKV(ctx, c.Value("s"), c.Value("k")); err != nil {
		return err
	}
	c.Out.Say("delete kv config from namespace success.")
	return nil
}

func wipeWritePerm(ctx context.Context, c *cli.Call) error {
	return writePerm(ctx, c, "wipe", c.Client.WipeWritePerm)
}

func addWritePerm(ctx context.Context, c *cli.Call) error {
	return writePerm(ctx, c, "add", c.Client.AddWritePerm)
}

// writePerm changes a permission at every name server. A broker that none of them knows
// is an error, where the official tool reports no topics.
func writePerm(ctx context.Context, c *cli.Call, verb string, change func(context.Context, string, string) (int, error)) error {
	name := c.Value("b")
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return err
	}
	if _, err := cluster.Broker(name); err != nil {
		return err
	}
	for _, addr := range c.Client.NameServers() {
		n, err := change(ctx, addr, name)
		if err != nil {
			c.Failed(fmt.Errorf("%s write perm of broker[%s] in name server[%s] Failed: %w", verb, name, addr, err))
			continue
		}
		c.Out.Say("%s write perm of broker[%s] in name server[%s] OK, %d", verb, name, addr, n)
		c.Out.Add("nameServers", map[string]any{"nameServer": addr, "topics": n})
	}
	return nil
}
