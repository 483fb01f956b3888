package routes

import (
	"maps"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Topics is every topic, sorted. Upstream's lists have no order.
func (t *Table) Topics() []string {
	return t.topicsWhere(func(*topic) bool { return true })
}

// TopicsOfCluster is every topic with queues on a broker of the cluster, sorted.
// It is empty for an unknown cluster.
func (t *Table) TopicsOfCluster(cluster string) []string {
	t.mu.RLock()
	names := maps.Clone(t.clusters[cluster])
	t.mu.RUnlock()
	return t.topicsWhere(func(tp *topic) bool {
		return slices.ContainsFunc(tp.queues, func(q protocol.QueueData) bool { _, ok := names[q.BrokerName]; return ok })
	})
}

// UnitTopics is every topic with the unit flag. The flags of a topic are those
// of the broker group whose name sorts first.
func (t *Table) UnitTopics() []string {
	return t.topicsWhere(func(tp *topic) bool { return tp.queues[0].TopicSysFlag&protocol.TopicFlagUnit != 0 })
}

// UnitSubTopics is every topic with the unit subscription flag.
func (t *Table) UnitSubTopics() []string {
	return t.topicsWhere(func(tp *topic) bool { return tp.queues[0].TopicSysFlag&protocol.TopicFlagUnitSub != 0 })
}

// UnitSubUnUnitTopics is every topic with the unit subscription flag alone.
func (t *Table) UnitSubUnUnitTopics() []string {
	const both = protocol.TopicFlagUnit | protocol.TopicFlagUnitSub
	return t.topicsWhere(func(tp *topic) bool { return tp.queues[0].TopicSysFlag&both == protocol.TopicFlagUnitSub })
}

func (t *Table) topicsWhere(match func(*topic) bool) []string {
	t.mu.RLock()
	names := make([]string, 0, len(t.topics))
	for name, tp := range t.topics {
		if match(tp) {
			names = append(names, name)
		}
	}
	t.mu.RUnlock()
	slices.Sort(names)
	return names
}

// SystemTopics is every cluster and broker name, for each of which brokers keep a
// topic, and the address of some broker to ask for the others.
func (t *Table) SystemTopics() (names []string, brokerAddr string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	set := map[string]struct{}{}
	for cluster, brokers := range t.clusters {
		set[cluster] = struct{}{}
		maps.Copy(set, brokers)
	}
	for _, name := range slices.Sorted(maps.Keys(t.brokers)) {
		if group := t.brokers[name]; len(group.BrokerAddrs) > 0 {
			brokerAddr = group.BrokerAddrs[minBrokerID(group.BrokerAddrs)]
			break
		}
	}
	return slices.Sorted(maps.Keys(set)), brokerAddr
}

// ClusterInfo is every broker group, and which cluster has which. The groups are
// the table's own: do not change them.
func (t *Table) ClusterInfo() *protocol.ClusterInfo {
	t.mu.RLock()
	defer t.mu.RUnlock()
	info := &protocol.ClusterInfo{
		BrokerAddrTable:  maps.Clone(t.brokers),
		ClusterAddrTable: make(map[string][]string, len(t.clusters)),
	}
	for cluster, names := range t.clusters {
		info.ClusterAddrTable[cluster] = slices.Sorted(maps.Keys(names))
	}
	return info
}

// Members is the addresses of a broker group by id, empty when it is unknown. The
// map is the table's own: do not change it.
func (t *Table) Members(broker string) map[int64]string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if group := t.brokers[broker]; group != nil {
		return group.BrokerAddrs
	}
	return map[int64]string{}
}
