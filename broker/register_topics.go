package broker

import (
	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/protocol"
)

// registeredTopics is the table as the name servers are told it: a broker that
// may not be written or read takes that permission from all its topics.
func (b *Broker) registeredTopics() registration.Topics {
	table, version := b.topics.Snapshot()
	allowed := b.config.Load().BrokerPermission
	if allowed&(protocol.PermRead|protocol.PermWrite) != protocol.PermRead|protocol.PermWrite {
		for name, topic := range table {
			narrowed := topic.Clone()
			narrowed.Perm &= allowed
			table[name] = narrowed
		}
	}
	return registration.Topics{Table: table, Version: version}
}
