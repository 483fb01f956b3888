package broker

import (
	"slices"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/protocol"
)

// unservedStorage is attributes of topics that another kind of storage stands behind.
var unservedStorage = []struct{ name, value string }{{attribute.QueueType, "BatchCQ"}}

// checkStorage refuses topics whose messages this store would not keep as their
// attributes promise, rather than keep them otherwise in silence: an official
// broker that takes the directory over goes by the attributes.
func checkStorage(topic *protocol.TopicConfig) error {
	for _, a := range unservedStorage {
		if topic.Attributes["+"+a.name] == a.value {
			return refuse(protocol.ResponseInvalidParameter, "topic %s asks for %s=%s, which this broker does not store: leave the attribute out",
				topic.TopicName, a.name, a.value)
		}
	}
	return nil
}

// warnOfStorage says which topics of a directory that was taken over are kept
// otherwise than their attributes say. Directories of batch consume queues never
// come so far: the store refuses them.
func (b *Broker) warnOfStorage() {
	table, _ := b.topics.Snapshot()
	for _, a := range unservedStorage {
		var names []string
		for name, c := range table {
			if c.Attributes[a.name] == a.value {
				names = append(names, name)
			}
		}
		if slices.Sort(names); len(names) > 0 {
			b.log.Warnf("topics with %s=%s are kept as ordinary ones here, their messages leave with the commit log's files: %q", a.name, a.value, names)
		}
	}
}
