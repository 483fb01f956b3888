package mqadmin

import (
	"slices"

	"github.com/gantrymq/gantry/admin/cli"
)

// Commands lists all commands, by area.
func Commands() cli.Set {
	all := slices.Concat(
		clusterCommands(), topicCommands(), staticTopicCommands(), orderCommands(), groupCommands(), consumerCommands(), offsetCommands(),
		messageCommands(), printCommands(), sendCommands(), traceCommands(), queueCommands(), brokerCommands(), coldDataCommands(),
		nameServerCommands(), statsCommands(), exportCommands(), rocksDBCommands(), replicationCommands(), controllerCommands(),
		userCommands(), aclCommands(), liteCommands(), monitorCommands(),
	)
	return all
}

// The headings of the list of commands.
const (
	areaCluster     = "Clusters"
	areaTopics      = "Topics"
	areaGroups      = "Groups and consumers"
	areaOffsets     = "Offsets"
	areaMessages    = "Messages"
	areaBrokers     = "Brokers"
	areaNameServers = "Name servers"
	areaExport      = "Exports"
	areaReplication = "Replication and controllers"
	areaUsers       = "Users and access lists"
	areaLite        = "Lite topics"
)

// Options that many commands have.
var (
	optBroker   = cli.Value("b", "brokerAddr", "the broker at this address")
	optCluster  = cli.Value("c", "clusterName", "all masters of this cluster")
	needTopic   = cli.Need("t", "topic", "topic")
	oneBroker   = []string{"b", "c"}
	optInterval = cli.Value("i", "interval", "repeat, with this many seconds between")
)

func in(area string, all ...*cli.Command) cli.Set {
	for _, c := range all {
		c.Area = area
	}
	return all
}
