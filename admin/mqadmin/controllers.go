package mqadmin

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func controllerCommands() cli.Set {
	addr := cli.Need("a", "controllerAddress", "controller's address; several with semicolons between")
	return in(areaReplication,
		&cli.Command{Name: "getSyncStateSet", Help: "which replicas of brokers are in step", Options: []cli.Option{
			addr, cli.Value("c", "clusterName", "all brokers of this cluster"), cli.Value("b", "brokerName", "this broker"), optInterval,
		}, OneOf: oneBroker, Run: syncStateSet},
		&cli.Command{Name: "getControllerMetaData", Help: "the controllers and their leader", Local: true, Options: []cli.Option{addr}, Run: controllerMeta},
		&cli.Command{Name: "getControllerConfig", Help: "configuration of controllers", Local: true, Options: []cli.Option{addr}, Run: controllerConfig},
		&cli.Command{Name: "updateControllerConfig", Help: "change the configuration of controllers", Local: true, Options: []cli.Option{
			addr, cli.Need("k", "key", "key"), cli.Need("v", "value", "value"),
		}, Run: updateController},
		&cli.Command{Name: "electMaster", Help: "make one replica of a broker its master", Local: true, Options: []cli.Option{
			addr, cli.Need("b", "brokerId", "replica's id"), cli.Need("bn", "brokerName", "broker's name"), cli.Need("c", "clusterName", "its cluster"),
		}, Run: electMaster},
		&cli.Command{Name: "cleanBrokerMetadata", Help: "have controllers forget replicas of a broker", Local: true, Options: []cli.Option{
			addr, cli.Value("b", "brokerControllerIdsToClean", "ids, with semicolons between; otherwise all"), cli.Need("bn", "brokerName", "broker's name"),
			cli.Value("c", "clusterName", "its cluster"), cli.Flag("l", "cleanLivingBroker", "living replicas too"),
		}, Run: cleanBrokerMetadata},
	)
}

func controllers(c *cli.Call) []string { return admin.ParseNameServers(c.Value("a")) }

func firstController(c *cli.Call) (string, error) {
	if all := controllers(c); len(all) > 0 {
		return all[0], nil
	}
	return "", cli.Usagef("option -a (--controllerAddress) names no controller")
}

func opt[T any](o protocol.Opt[T]) string {
	if !o.Set {
		return "null"
	}
	return fmt.Sprint(o.V)
}

func syncStateSet(ctx context.Context, c *cli.Call) error {
	controller, err := firstController(c)
	if err != nil {
		return err
	}
	return c.Every(ctx, "i", func() error {
		names := []string{c.Value("b")}
		if c.Has("c") {
			brokers, err := clusterBrokers(ctx, c)
			if err != nil {
				return err
			}
			names = nil
			for _, b := range brokers {
				names = append(names, b.BrokerName)
			}
		}
		all, err := c.Client.SyncStateSets(ctx, controller, names)
		if err != nil {
			return err
		}
		c.Out.Set("brokers", all)
		for _, name := range sortedKeys(all) {
			r := all[name]
			c.Out.Printf("\n#brokerName\t%s\n#MasterBrokerId\t%s\n#MasterAddr\t%s\n#MasterEpoch\t%s\n#SyncStateSetEpoch\t%s\n#SyncStateSetNums\t%d\n",
				name, opt(r.MasterBrokerID), opt(r.MasterAddress), opt(r.MasterEpoch), opt(r.SyncStateSetEpoch), len(r.InSyncReplicas))
			for _, m := range r.InSyncReplicas {
				c.Out.Printf("\nInSyncReplica:\t%s\n", replicaText(m))
			}
			for _, m := range r.NotInSyncReplicas {
				c.Out.Printf("\nNotInSyncReplica:\t%s\n", replicaText(m))
			}
		}
		return nil
	})
}

func replicaText(r admin.Replica) string {
	return fmt.Sprintf("ReplicaIdentity{brokerName='%s', brokerId=%s, brokerAddress='%s', alive=%s}", r.BrokerName, opt(r.BrokerID), r.BrokerAddress, opt(r.Alive))
}

func controllerMeta(ctx context.Context, c *cli.Call) error {
	controller, err := firstController(c)
	if err != nil {
		return err
	}
	meta, err := c.Client.ControllerMeta(ctx, controller)
	if err != nil {
		return err
	}
	c.Out.Printf("\n#ControllerGroup\t%s\n#ControllerLeaderId\t%s\n#ControllerLeaderAddress\t%s", meta.Group, meta.ControllerLeaderID, meta.ControllerLeaderAddress)
	peers := admin.ParseNameServers(meta.Peers)
	for _, peer := range peers {
		c.Out.Printf("\n#Peer:\t%s", peer)
	}
	c.Out.Printf("\n")
	c.Out.Set("group", meta.Group)
	c.Out.Set("leaderId", meta.ControllerLeaderID)
	c.Out.Set("leaderAddress", meta.ControllerLeaderAddress)
	c.Out.Set("peers", peers)
	return nil
}

func controllerConfig(ctx context.Context, c *cli.Call) error {
	return showConfigs(ctx, c, "controllers", controllers(c), c.Client.ControllerConfig)
}

func updateController(ctx context.Context, c *cli.Call) error {
	key, value, all := c.Value("k"), c.Value("v"), controllers(c)
	for _, addr := range all {
		if err := c.Client.UpdateControllerConfig(ctx, addr, map[string]string{key: value}); err != nil {
			return err
		}
		if err := taken(ctx, addr, key, value, c.Client.ControllerConfig); err != nil {
			return err
		}
	}
	c.Out.Say("update controller config success!%s\n%s : %s", listText(all), key, value)
	return nil
}

func electMaster(ctx context.Context, c *cli.Call) error {
	controller, err := firstController(c)
	if err != nil {
		return err
	}
	id := c.Int("b", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	answer, group, err := c.Client.ElectMaster(ctx, controller, c.Value("c"), c.Value("bn"), id)
	if err != nil {
		return err
	}
	c.Out.Printf("\n#ClusterName\t%s\n#BrokerName\t%s\n#BrokerMasterAddr\t%s\n#MasterEpoch\t%s\n#SyncStateSetEpoch\t%s\n",
		c.Value("c"), c.Value("bn"), answer.MasterAddress, opt(answer.MasterEpoch), opt(answer.SyncStateSetEpoch))
	for id, addr := range group.BrokerAddrs {
		c.Out.Printf("\t#Broker\t%d\t%s\n", id, addr)
	}
	c.Out.Set("masterAddress", answer.MasterAddress)
	c.Out.Set("masterEpoch", answer.MasterEpoch.V)
	c.Out.Set("syncStateSetEpoch", answer.SyncStateSetEpoch.V)
	c.Out.Set("brokers", group.BrokerAddrs)
	return nil
}

func cleanBrokerMetadata(ctx context.Context, c *cli.Call) error {
	controller, err := firstController(c)
	if err != nil {
		return err
	}
	var ids []int64
	for text := range strings.SplitSeq(c.Value("b"), ";") {
		if text == "" {
			continue
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return cli.Usagef("please set the option <brokerControllerIdsToClean> according to the format: ids with semicolons between, not %q", c.Value("b"))
		}
		ids = append(ids, id)
	}
	if !c.Has("l") && c.Value("c") == "" {
		return cli.Usagef("cleanLivingBroker option is false, clusterName option can not be empty.")
	}
	if err := c.Client.CleanBrokerMetadata(ctx, controller, c.Value("c"), c.Value("bn"), ids, c.Has("l")); err != nil {
		return err
	}
	c.Out.Say("clear broker %s metadata from controller success! ", c.Value("bn"))
	return nil
}
