package routes

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// DefaultHeartbeatTimeout is how long a broker that names no time-out of its own
// counts as alive without a sign of life.
const DefaultHeartbeatTimeout = 2 * time.Minute

// syncMemberTopicPrefix begins the topics whose routes brokers ask for to learn
// the members of their group. Such a route never shows an acting master.
const syncMemberTopicPrefix = "rmq_sys_SYNC_BROKER_MEMBER_"

// applyStretch is how many topics change under one hold of Table.mu.
const applyStretch = 512

// Address identifies one broker process.
type Address struct{ Cluster, Addr string }

// Rules are the settings that a running name server may change.
type Rules struct {
	// ActingMaster shows the slave with the lowest id as master when the group
	// has none, allows it, and the topic cannot be written (supportActingMaster).
	ActingMaster bool
	// DropMissingTopics makes a registration remove the broker from topics that
	// it does not list (deleteTopicWithBrokerRegistration).
	DropMissingTopics bool
	// NotifyMinBrokerID reports changes of a group's lowest id (notifyMinBrokerIdChanged).
	NotifyMinBrokerID bool
	// OrderConf finds the order configuration that the route of a topic carries.
	// Nil when routes carry none (orderMessageEnable). Call Invalidate when its
	// answers change. It is called outside of the locks.
	OrderConf func(topic string) string
}

// Table is the state of a name server. All methods may be called concurrently.
type Table struct {
	now func() time.Time

	writers sync.Mutex   // serialises changes, see the package comment
	mu      sync.RWMutex // guards the maps below

	topics   map[string]*topic
	brokers  map[string]*protocol.BrokerData // by broker name; values immutable
	clusters map[string]map[string]struct{}  // cluster → broker names
	live     map[Address]*liveBroker
	filters  map[Address][]string                                  // filter servers, which only brokers before 4.0 have
	mappings map[string]map[string]*protocol.TopicQueueMappingInfo // topic → broker name; both immutable

	rules atomic.Pointer[Rules]
	// epoch grows with every change that can show in the routes of many topics:
	// brokers, filter servers, rules, order configuration. It changes under
	// writers and after the maps, so a reader that loads it before it reads the
	// maps never files an old route under a new epoch.
	epoch atomic.Uint64
}

// topic is immutable but for its cache; a change of the topic replaces it.
type topic struct {
	name   string
	queues []protocol.QueueData           // sorted by broker name
	cached [2]atomic.Pointer[cachedRoute] // by dialect, see cache
}

// New makes an empty table. now is the clock of heartbeats.
func New(now func() time.Time, r Rules) *Table {
	t := &Table{
		now:      now,
		topics:   map[string]*topic{},
		brokers:  map[string]*protocol.BrokerData{},
		clusters: map[string]map[string]struct{}{},
		live:     map[Address]*liveBroker{},
		filters:  map[Address][]string{},
		mappings: map[string]map[string]*protocol.TopicQueueMappingInfo{},
	}
	t.rules.Store(&r)
	return t
}

// SetRules replaces the rules for everything that follows.
func (t *Table) SetRules(r Rules) {
	t.rules.Store(&r)
	t.Invalidate()
}

// Invalidate drops every route that was encoded before.
func (t *Table) Invalidate() { t.epoch.Add(1) }

// queueOf finds the share of a broker in a topic that may be nil.
func (tp *topic) queueOf(broker string) (protocol.QueueData, bool) {
	if tp == nil {
		return protocol.QueueData{}, false
	}
	i, ok := findQueue(tp.queues, broker)
	if !ok {
		return protocol.QueueData{}, false
	}
	return tp.queues[i], true
}

func findQueue(queues []protocol.QueueData, broker string) (int, bool) {
	return slices.BinarySearchFunc(queues, broker, func(q protocol.QueueData, name string) int {
		return strings.Compare(q.BrokerName, name)
	})
}

// withQueue is the topic with the share q; tp may be nil.
func (tp *topic) withQueue(name string, q protocol.QueueData) *topic {
	next := &topic{name: name}
	if tp != nil {
		next.name = tp.name
		i, ok := findQueue(tp.queues, q.BrokerName)
		next.queues = make([]protocol.QueueData, 0, len(tp.queues)+1)
		next.queues = append(next.queues, tp.queues[:i]...)
		next.queues = append(next.queues, q)
		if ok {
			i++
		}
		next.queues = append(next.queues, tp.queues[i:]...)
		return next
	}
	next.queues = []protocol.QueueData{q}
	return next
}

// withoutQueues is the topic without the shares that drop picks; nil when none is left.
func (tp *topic) withoutQueues(drop func(broker string) bool) *topic {
	next := &topic{name: tp.name}
	for _, q := range tp.queues {
		if !drop(q.BrokerName) {
			next.queues = append(next.queues, q)
		}
	}
	if len(next.queues) == 0 {
		return nil
	}
	return next
}

// topicChange replaces one topic, or removes it when next is nil.
type topicChange struct {
	name string
	next *topic
}

// applyTopics carries out the changes. The caller holds writers.
func (t *Table) applyTopics(changes []topicChange) {
	for stretch := range slices.Chunk(changes, applyStretch) {
		t.mu.Lock()
		for _, c := range stretch {
			if c.next == nil {
				// The static queues of a topic that is gone would otherwise be
				// shown for a new topic of that name.
				delete(t.topics, c.name)
				delete(t.mappings, c.name)
			} else {
				t.topics[c.next.name] = c.next
			}
		}
		t.mu.Unlock()
	}
}

// setBroker puts data in the place of its group's. The caller holds writers.
func (t *Table) setBroker(data *protocol.BrokerData) {
	t.mu.Lock()
	t.brokers[data.BrokerName] = data
	t.mu.Unlock()
	t.Invalidate()
}

// minBrokerID is the lowest broker id of a group, 0 when it has no members.
func minBrokerID(addrs map[int64]string) int64 {
	if len(addrs) == 0 {
		return 0
	}
	return slices.Min(slices.Collect(maps.Keys(addrs)))
}
