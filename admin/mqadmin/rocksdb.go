package mqadmin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func rocksDBCommands() cli.Set {
	server := cli.Value("n", "nameserverAddr", "name servers, host:port, with semicolons between; otherwise NAMESRV_ADDR")
	return in(areaExport,
		&cli.Command{Name: "rocksDBConfigToJson", Help: "have brokers write what they keep in RocksDB as JSON", Local: true, Options: []cli.Option{
			cli.Value("t", "configType", "topics, subscriptionGroups or consumerOffsets, with semicolons between; otherwise all"),
			cli.Value("p", "configPath", "a folder to read here; not supported"), cli.Value("e", "exportFile", "with -p"), cli.Value("j", "jsonEnable", "with -p"),
			server, cli.Value("c", "cluster", "all masters of this cluster"), optBroker,
		}, Run: rocksDBToJSON},
		&cli.Command{Name: "exportMetadataInRocksDB", Help: "topics or groups out of a folder of RocksDB; only says how to get at them", Local: true, Options: []cli.Option{
			cli.Need("p", "path", "the folder that holds those of topics and subscriptionGroups"), cli.Need("t", "configType", "topics or subscriptionGroups"),
			cli.Value("j", "jsonEnable", "true: as JSON"),
		}, Run: exportMetadataInRocksDB},
		&cli.Command{Name: "checkRocksdbCqWriteProgress", Help: "have brokers compare their consume queues in files and in RocksDB", Options: []cli.Option{
			cli.Need("c", "cluster", "cluster"), server, cli.Value("t", "topic", "only this topic"), cli.Value("cf", "checkFrom", "from here on, ms"),
		}, Run: checkRocksDB},
		&cli.Command{Name: "dumpCompactionLog", Help: "messages of a file of a compacted topic", Local: true, Options: []cli.Option{
			cli.Need("f", "file", "the file"),
		}, Run: dumpCompactionLog},
	)
}

// exportMetadataInRocksDB tells apart what the official command does, and for what is a
// RocksDB says what can read it: a reader would be a second store, for files that Gantry
// neither writes nor opens, and the owner of the files is an official broker that has one.
func exportMetadataInRocksDB(_ context.Context, c *cli.Call) error {
	path, kind := c.Value("p"), c.Value("t")
	c.Bool("j", false)
	if err := c.Bad(); err != nil {
		return err
	}
	if indexFold([]admin.RocksDBTable{admin.RocksDBTopics, admin.RocksDBGroups}, kind) < 0 {
		return cli.Usagef("Invalid config type=%s, Options: topics,subscriptionGroups", kind)
	}
	if _, err := os.Stat(path); path == "" || err != nil {
		return fmt.Errorf("the RocksDB path is invalid: there is nothing at %q", path)
	}
	return unreadable(filepath.Join(path, kind))
}

// unreadable says why a folder cannot be read here.
func unreadable(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "CURRENT")); err != nil {
		return fmt.Errorf("the RocksDB load error, path=%s: it holds no RocksDB", dir)
	}
	return fmt.Errorf("%s is a RocksDB, which cannot be read here: ask its broker by rocksDBConfigToJson -b, use the official mqadmin, "+
		"or start the official broker once with configManagerVersion=v1, which writes JSON files", dir)
}

func rocksDBToJSON(ctx context.Context, c *cli.Call) error {
	local := c.Has("p") && !c.Has("b") && !c.Has("c")
	kinds := []admin.RocksDBTable{admin.RocksDBTopics, admin.RocksDBGroups, admin.RocksDBOffsets}
	if c.Has("t") {
		var wanted []admin.RocksDBTable
		for kind := range strings.SplitSeq(c.Value("t"), ";") {
			kind = strings.TrimSpace(kind)
			i := indexFold(kinds, kind)
			if i < 0 {
				return cli.Usagef("Invalid configType: %s please input topics/subscriptionGroups/consumerOffsets", kind)
			}
			wanted = append(wanted, kinds[i])
		}
		kinds = wanted
	}
	if local {
		if _, err := os.Stat(c.Value("p")); err != nil {
			return fmt.Errorf("rocksdb path is invalid: there is nothing at %q", c.Value("p"))
		}
		return unreadable(filepath.Join(c.Value("p"), string(kinds[0])))
	}
	if !c.Has("b") && !c.Has("c") {
		return cli.Usagef("say by -b (--brokerAddr) or -c (--cluster) which brokers to ask")
	}
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	c.Out.Printf("Use [rpc mode] call all brokers in cluster to export to json file\n")
	return eachBroker(c, addrs, func(addr string) error {
		if err := c.Client.ExportRocksDB(ctx, addr, kinds); err != nil {
			return err
		}
		c.Out.Say("broker export done.")
		return nil
	})
}

func indexFold(list []admin.RocksDBTable, word string) int {
	return slices.IndexFunc(list, func(t admin.RocksDBTable) bool { return strings.EqualFold(string(t), word) })
}

func checkRocksDB(ctx context.Context, c *cli.Call) error {
	from := c.Int("cf", time.Now().AddDate(0, 0, -30).UnixMilli())
	if err := c.Bad(); err != nil {
		return err
	}
	brokers, err := clusterBrokers(ctx, c)
	if err != nil {
		return err
	}
	for _, b := range brokers {
		r, err := c.Client.CheckRocksDB(ctx, b.BrokerAddrs[protocol.MasterID], c.Value("t"), from)
		switch {
		case err != nil:
			c.Failed(err)
		case r.CheckStatus == admin.RocksDBCheckFailed:
			c.Failed(fmt.Errorf("%s check error, please check log... errInfo: %s", b.BrokerName, r.CheckResult))
		default:
			c.Out.Say("%s check doing, please wait and get the result from log... ", b.BrokerName)
		}
	}
	return nil
}

// dumpCompactionLog shows the records that a file begins with, up to the first place
// that holds none.
func dumpCompactionLog(_ context.Context, c *cli.Call) error {
	text, err := os.ReadFile(c.Value("f"))
	if err != nil {
		return err
	}
	for {
		size, _, ok := codec.RecordHead(text)
		if !ok || size <= 0 || int(size) > len(text) {
			return nil
		}
		list, err := admin.DecodeMessages(text[:size], "")
		if err != nil {
			return fmt.Errorf("%s: %w", c.Value("f"), err)
		}
		for _, m := range list {
			if err := c.Out.Item(MessageValue(m), func() { c.Out.Printf("%s\n", messageText(m)) }); err != nil {
				return err
			}
		}
		text = text[size:]
	}
}
