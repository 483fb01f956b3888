package routes

import (
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// ErrPartialRegistration refuses a registration of one topic, which is an
// addition, from a broker that has not registered all of its topics before.
var ErrPartialRegistration = errors.New("a single topic was registered by a broker that is not registered itself: register all topics first")

// Registration is what a broker says of itself. The table keeps no slice, map or
// string of it that it has not copied, except the mappings, which it owns from
// then on.
type Registration struct {
	Address
	BrokerName string
	BrokerID   int64
	HAAddr     string
	ZoneName   string
	// EnableActingMaster is not set by brokers that do not know acting masters;
	// their slaves never stand in for the master.
	EnableActingMaster protocol.Opt[bool]
	HeartbeatTimeout   time.Duration
	Version            protocol.DataVersion
	Topics             []protocol.TopicConfig
	Mappings           []*protocol.TopicQueueMappingInfo
	FilterServers      []string // nil leaves those registered before
	Session            uint64   // the session that the broker lives and dies with
}

// Registered is what the broker is answered.
type Registered struct {
	// The master of the group, when the broker is a slave of it.
	MasterAddr, HAAddr string
	// Changed is set when brokers have to be told of a new lowest id.
	Changed *MinBrokerChange
}

// Register takes in a broker, or its repeated registration. A broker that claims
// the id of another one with a newer state version (a master that was replaced
// while it slept) is ignored: it is answered nothing and is not alive.
//
// A refused registration changes nothing; upstream leaves a broker group without
// addresses behind.
func (t *Table) Register(r *Registration) (Registered, error) {
	t.writers.Lock()
	defer t.writers.Unlock()

	before := t.brokers[r.BrokerName]
	if before == nil {
		before = &protocol.BrokerData{Cluster: r.Cluster, BrokerName: r.BrokerName}
	}
	holder, taken := before.BrokerAddrs[r.BrokerID]
	if taken && holder != r.Addr {
		l := t.live[Address{r.Cluster, holder}]
		if l != nil && l.version.StateVersion > r.Version.StateVersion {
			t.ignoreStale(r, before)
			return Registered{}, nil
		}
	}
	if !taken && len(r.Topics) == 1 {
		return Registered{}, ErrPartialRegistration
	}

	group := t.joinGroup(r, before)
	t.joinCluster(r)
	first := !taken || holder == ""
	if r.BrokerID == protocol.MasterID || isPrimeSlave(r, group) {
		t.takeTopics(r, group, first)
	}
	t.takeLife(r)

	var out Registered
	if r.BrokerID != protocol.MasterID {
		out.MasterAddr, out.HAAddr = t.masterOf(r.Cluster, group)
	}
	if r.BrokerID < minBrokerID(before.BrokerAddrs) && t.rules.Load().NotifyMinBrokerID {
		out.Changed = minBrokerChange(group, "", r.HAAddr)
	}
	return out, nil
}

// ignoreStale forgets a broker whose id belongs to a newer one by now.
func (t *Table) ignoreStale(r *Registration, group *protocol.BrokerData) {
	next := cloneGroup(group)
	maps.DeleteFunc(next.BrokerAddrs, func(id int64, addr string) bool { return addr == r.Addr && id != r.BrokerID })
	if len(next.BrokerAddrs) != len(group.BrokerAddrs) {
		t.setBroker(next)
	}
	t.mu.Lock()
	delete(t.live, r.Address)
	t.mu.Unlock()
}

// joinGroup enters the broker into its group and returns the group as it is then.
// An address has one id: a slave that became master leaves its old one.
func (t *Table) joinGroup(r *Registration, before *protocol.BrokerData) *protocol.BrokerData {
	next := cloneGroup(before)
	next.EnableActingMaster = r.EnableActingMaster.Or(false)
	next.ZoneName = strings.Clone(r.ZoneName)
	maps.DeleteFunc(next.BrokerAddrs, func(id int64, addr string) bool { return addr == r.Addr && id != r.BrokerID })
	next.BrokerAddrs[r.BrokerID] = strings.Clone(r.Addr)
	if t.brokers[r.BrokerName] != nil && sameGroup(before, next) {
		return before
	}
	if t.brokers[r.BrokerName] == nil {
		next.BrokerName, next.Cluster = strings.Clone(next.BrokerName), strings.Clone(next.Cluster)
	}
	t.setBroker(next)
	return next
}

func cloneGroup(b *protocol.BrokerData) *protocol.BrokerData {
	c := *b
	c.BrokerAddrs = maps.Clone(b.BrokerAddrs)
	if c.BrokerAddrs == nil {
		c.BrokerAddrs = map[int64]string{}
	}
	return &c
}

func sameGroup(a, b *protocol.BrokerData) bool {
	return a.EnableActingMaster == b.EnableActingMaster && a.ZoneName == b.ZoneName && maps.Equal(a.BrokerAddrs, b.BrokerAddrs)
}

func (t *Table) joinCluster(r *Registration) {
	if _, ok := t.clusters[r.Cluster][r.BrokerName]; ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	names := t.clusters[r.Cluster]
	if names == nil {
		names = map[string]struct{}{}
		t.clusters[strings.Clone(r.Cluster)] = names
	}
	names[t.brokers[r.BrokerName].BrokerName] = struct{}{}
}

// isPrimeSlave reports whether the broker is the slave that stands in while its
// group has no master.
func isPrimeSlave(r *Registration, group *protocol.BrokerData) bool {
	return r.EnableActingMaster.Set && r.BrokerID != protocol.MasterID && r.BrokerID == minBrokerID(group.BrokerAddrs)
}

// takeTopics enters the topics of a master, or of the slave that stands in for it.
func (t *Table) takeTopics(r *Registration, group *protocol.BrokerData, first bool) {
	l := t.live[r.Address]
	changed := first || l == nil || l.version != r.Version
	// The acting master must not be written to.
	readOnly := r.BrokerID != protocol.MasterID && group.EnableActingMaster

	var changes []topicChange
	if t.rules.Load().DropMissingTopics && len(r.Mappings) == 0 {
		changes = t.dropMissing(r, group)
	}
	for i := range r.Topics {
		c := &r.Topics[i]
		tp := t.topics[c.TopicName]
		old, known := tp.queueOf(group.BrokerName)
		if c.TopicName == "" || known && !changed {
			continue
		}
		q := protocol.QueueData{
			BrokerName:     group.BrokerName,
			Perm:           c.Perm,
			ReadQueueNums:  c.ReadQueueNums,
			TopicSysFlag:   c.TopicSysFlag,
			WriteQueueNums: c.WriteQueueNums,
		}
		if readOnly {
			q.Perm &^= protocol.PermWrite
		}
		if known && old == q {
			continue
		}
		name := c.TopicName
		if tp == nil {
			name = strings.Clone(name)
		}
		changes = append(changes, topicChange{name, tp.withQueue(name, q)})
	}
	t.applyTopics(changes)
	t.takeMappings(r.Mappings, changed)
}

// dropMissing lists the changes that take the broker out of the topics that it
// no longer reports.
func (t *Table) dropMissing(r *Registration, group *protocol.BrokerData) []topicChange {
	reported := make(map[string]struct{}, len(r.Topics))
	for i := range r.Topics {
		reported[r.Topics[i].TopicName] = struct{}{}
	}
	var changes []topicChange
	for name, tp := range t.topics {
		if _, ok := reported[name]; ok {
			continue
		}
		if _, ok := tp.queueOf(group.BrokerName); ok {
			changes = append(changes, topicChange{name, tp.withoutQueues(func(b string) bool { return b == group.BrokerName })})
		}
	}
	return changes
}

// takeMappings enters static topics, those that have a queue. The broker name is
// the mapping's own, which need not be the registering broker's.
func (t *Table) takeMappings(mappings []*protocol.TopicQueueMappingInfo, changed bool) {
	if len(mappings) == 0 {
		return
	}
	for _, m := range mappings {
		old := t.mappings[m.Topic]
		if t.topics[m.Topic] == nil || old[m.BrokerName] != nil && !changed {
			continue
		}
		next := maps.Clone(old)
		if next == nil {
			next = map[string]*protocol.TopicQueueMappingInfo{}
		}
		next[m.BrokerName] = m
		t.mu.Lock()
		t.mappings[m.Topic] = next
		t.mu.Unlock()
	}
	t.Invalidate()
}

// takeLife notes that the broker is alive, with the session it lives on.
func (t *Table) takeLife(r *Registration) {
	l := &liveBroker{
		brokerName: t.brokers[r.BrokerName].BrokerName,
		brokerID:   r.BrokerID,
		timeout:    r.HeartbeatTimeout,
		version:    r.Version,
		haAddr:     strings.Clone(r.HAAddr),
		session:    r.Session,
	}
	l.lastSeen.Store(t.now().UnixNano())
	key := Address{strings.Clone(r.Cluster), strings.Clone(r.Addr)}

	t.mu.Lock()
	t.live[key] = l
	hadFilters := len(t.filters[key]) > 0
	switch {
	case r.FilterServers == nil:
	case len(r.FilterServers) == 0:
		delete(t.filters, key)
	default:
		servers := make([]string, len(r.FilterServers))
		for i, s := range r.FilterServers {
			servers[i] = strings.Clone(s)
		}
		t.filters[key] = servers
	}
	hasFilters := len(t.filters[key]) > 0
	t.mu.Unlock()
	if hadFilters || hasFilters {
		t.Invalidate()
	}
}

// masterOf is the address of a group's master and of its replication port, empty
// when it has none that is alive.
func (t *Table) masterOf(cluster string, group *protocol.BrokerData) (addr, haAddr string) {
	addr, ok := group.BrokerAddrs[protocol.MasterID]
	if !ok {
		return "", ""
	}
	l := t.live[Address{cluster, addr}]
	if l == nil {
		return "", ""
	}
	return addr, l.haAddr
}
