package mqadmin

import (
	"context"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func replicationCommands() cli.Set {
	return in(areaReplication,
		&cli.Command{Name: "haStatus", Help: "how replication stands at a broker", Options: []cli.Option{optCluster, optBroker, optInterval}, OneOf: oneBroker, Run: haStatus},
		&cli.Command{Name: "getBrokerEpoch", Help: "terms of masters that brokers' logs consist of", Options: []cli.Option{
			cli.Value("c", "clusterName", "all brokers of this cluster"), cli.Value("b", "brokerName", "all replicas of this broker"), optInterval,
		}, OneOf: oneBroker, Run: brokerEpoch},
	)
}

func haStatus(ctx context.Context, c *cli.Call) error {
	return c.Every(ctx, "i", func() error {
		addrs, err := c.Brokers(ctx, false)
		if err != nil {
			return err
		}
		return eachBroker(c, addrs, func(addr string) error {
			info, err := c.Client.HAStatus(ctx, addr)
			if err != nil {
				return err
			}
			c.Out.Add("brokers", map[string]any{"addr": addr, "status": info})
			showHA(c, addr, info)
			return nil
		})
	})
}

func showHA(c *cli.Call, addr string, info *protocol.HARuntimeInfo) {
	if !info.Master {
		h := info.HAClientRuntimeInfo
		c.Out.Printf("\n#MasterAddr\t%s\n#CommitLogMaxOffset\t%d\n#TransferSpeed(KB/s)\t%.2f\n#LastReadTime\t%s\n#LastWriteTime\t%s\n#MasterFlushOffset\t%d\n",
			orNull(h.MasterAddr, h.MasterAddr != ""), h.MaxOffset, float64(h.TransferredByteInSecond)/1024, timeText(h.LastReadTimestamp),
			timeText(h.LastWriteTimestamp), h.MasterFlushOffset)
		return
	}
	c.Out.Printf("\n#MasterAddr\t%s\n#MasterCommitLogMaxOffset\t%d\n#SlaveNum\t%d\n#InSyncSlaveNum\t%d\n",
		addr, info.MasterCommitLogMaxOffset, len(info.HAConnectionInfo), info.InSyncSlaveNums)
	c.Out.Printf("%-32s  %-16s %16s %16s %16s %16s\n", "#SlaveAddr", "#SlaveAckOffset", "#Diff", "#TransferSpeed(KB/s)", "#Status", "#TransferFromWhere")
	for _, s := range info.HAConnectionInfo {
		status := "Fall Behind"
		if s.InSync {
			status = "OK"
		}
		c.Out.Printf("%-32s  %-16d %16d %16.2f %16s %16d\n", s.Addr, s.SlaveAckOffset, s.Diff, float64(s.TransferredByteInSecond)/1024, status, s.TransferFromWhere)
	}
}

func brokerEpoch(ctx context.Context, c *cli.Call) error {
	return c.Every(ctx, "i", func() error {
		cluster, err := c.Client.Cluster(ctx)
		if err != nil {
			return err
		}
		addrs, err := cluster.Addrs(c.Value("c"))
		if c.Has("b") {
			var b *protocol.BrokerData
			if b, err = cluster.Broker(c.Value("b")); err == nil {
				addrs = admin.Addrs(b)
			}
		}
		if err != nil {
			return err
		}
		return eachBroker(c, addrs, func(addr string) error {
			e, err := c.Client.Epochs(ctx, addr)
			if err != nil {
				return err
			}
			c.Out.Printf("\n#clusterName\t%s\n#brokerName\t%s\n#brokerAddr\t%s\n#brokerId\t%d", e.ClusterName, e.BrokerName, addr, e.BrokerID)
			for i, epoch := range e.EpochList {
				if i == len(e.EpochList)-1 {
					epoch.EndOffset = e.MaxOffset
				}
				c.Out.Printf("\n#Epoch: EpochEntry{epoch=%d, startOffset=%d, endOffset=%d}", epoch.Epoch, epoch.StartOffset, epoch.EndOffset)
			}
			c.Out.Printf("\n")
			c.Out.Add("brokers", map[string]any{"addr": addr, "epochs": e})
			return nil
		})
	})
}

// sortedKeys lists a map's keys.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
