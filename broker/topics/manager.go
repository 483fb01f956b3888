// Package topics keeps the configuration of every topic that the broker has:
// creation by an administrator and by the first message, permissions, queue
// numbers and attributes, the system topics, and topics.json.
//
// The rules are those of upstream's TopicConfigManager in 5.5.0. The package
// knows neither requests nor the store: what follows from a change, such as
// registration with the name servers, is the business of whoever made it or of
// Options.OnCreate.
package topics

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/broker/table"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// Options say where the table is kept and which system topics it has. The names
// in brackets are the official configuration keys.
type Options struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of topics.json
	Now  func() int64  // ms since 1970

	ClusterName     string
	BrokerName      string
	AutoCreate      bool   // [autoCreateTopicEnable]; SetAutoCreate changes it
	DefaultQueues   int32  // [defaultTopicQueueNums] queues of TBW102, the most an automatically created topic gets
	ClusterTopic    bool   // [clusterTopicEnable] the topic named like the cluster may be used
	BrokerTopic     bool   // [brokerTopicEnable] the topic named like the broker may be used
	TraceTopic      string // [msgTraceTopicName] when [traceTopicEnable], otherwise ""
	ReviveQueues    int32  // [reviveQueueNum]
	TimerWheelTopic bool   // [timerWheelEnable]
	LightQueues     bool   // [enableLmq] every name of a light message queue is a topic, none is kept

	// OnCreate is told of a topic that a message or a consumer brought into being,
	// for registration with the name servers.
	// No lock is held. May be nil.
	OnCreate func(*protocol.TopicConfig)
	// OnError is told that a table changed by a message or consumer could not be
	// written. The change stands in memory and goes out with the next write. May
	// be nil.
	OnError func(error)
}

// Manager is the table of topics. It is safe for concurrent use.
//
// A configuration in the table is never changed, only replaced: whoever gets
// one may keep it, and must not write to it.
type Manager struct {
	opts       Options
	autoCreate atomic.Bool
	file       *configfile.File
	system     map[string]bool // topics this broker added to the fixed system topics

	table table.Table[protocol.TopicConfig] // its lock also guards unregistered
	// unregistered are those that no call of Unregistered has given out.
	unregistered map[string]*protocol.TopicConfig
}

// Open creates the system topics and loads the file over them, so that a system
// topic keeps what an administrator has made of it. The file is first written
// at the first change.
func Open(o Options) (*Manager, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	m := &Manager{opts: o, system: map[string]bool{}, unregistered: map[string]*protocol.TopicConfig{}}
	m.table.Version.Timestamp = o.Now()
	m.autoCreate.Store(o.AutoCreate)
	m.file = configfile.New(o.FS, o.Path, m.encode)
	m.file.Grow(m.table.Growth())
	m.addSystemTopics()
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load topics: %w", err)
	}
	return m, loaded, nil
}

// SetAutoCreate says whether producers may create topics in the image of TBW102.
func (m *Manager) SetAutoCreate(on bool) { m.autoCreate.Store(on) }

// Get returns the configuration of a topic, or nil when there is no such topic.
// It takes no lock and does not keep the name. It allocates nothing but the
// configuration of a light message queue, which is not the table's.
func (m *Manager) Get(topic string) *protocol.TopicConfig {
	if m.isLight(topic) {
		return lightConfig(topic)
	}
	return m.table.Get(topic)
}

// Contains reports whether there is such a topic.
func (m *Manager) Contains(topic string) bool { return m.Get(topic) != nil }

// IsOrder reports whether a topic is marked as ordered.
func (m *Manager) IsOrder(topic string) bool {
	c := m.Get(topic)
	return c != nil && c.Order
}

// IsSystem reports whether a topic belongs to the broker: one of the fixed
// names, the prefix rmq_sys_, or a topic that this broker created at start.
func (m *Manager) IsSystem(topic string) bool { return m.system[topic] || compat.IsSystemTopic(topic) }

// SystemTopics lists the topics that belong to the broker, sorted.
func (m *Manager) SystemTopics() []string {
	return slices.Sorted(maps.Keys(m.system))
}

// DataVersion is the version of the table.
func (m *Manager) DataVersion() protocol.DataVersion {
	m.table.Lock()
	defer m.table.Unlock()
	return m.table.Version
}

// Snapshot is the whole table and its version. The map is the caller's, the
// configurations are shared.
func (m *Manager) Snapshot() (map[string]*protocol.TopicConfig, protocol.DataVersion) {
	m.table.Lock()
	defer m.table.Unlock()
	return m.table.Snapshot(), m.table.Version
}

// Unregistered takes out what was created or changed since the last call, for
// the name servers. Together with the version before, it makes the version that
// is returned; a topic that was removed is left to the next full registration, as
// upstream leaves it.
func (m *Manager) Unregistered() (map[string]*protocol.TopicConfig, protocol.DataVersion) {
	m.table.Lock()
	defer m.table.Unlock()
	fresh := m.unregistered
	m.unregistered = map[string]*protocol.TopicConfig{}
	return fresh, m.table.Version
}

// Page is a part of the table in the order of the names, see table.Page, with its
// version and the number of topics in all.
func (m *Manager) Page(known *protocol.DataVersion, from, limit int) (map[string]*protocol.TopicConfig, protocol.DataVersion, int) {
	all, version := m.Snapshot()
	page := map[string]*protocol.TopicConfig{}
	for _, name := range table.Page(all, version, known, from, limit) {
		page[name] = all[name]
	}
	return page, version, len(all)
}

// Update creates a topic or replaces its configuration. The attributes of c are
// changes to those the topic has, in the form of package attribute. The error
// is either a refusal, whose text is upstream's, or says that the table could
// not be written; in the second case the change stands in memory.
//
// The Manager owns c from now on.
func (m *Manager) Update(c *protocol.TopicConfig) error {
	if err := m.put(c); err != nil {
		return err
	}
	return m.file.PersistChanges()
}

// UpdateAll does what Update does for several topics with one write. It stops
// at the first that is refused; those before it stay, written.
func (m *Manager) UpdateAll(configs []*protocol.TopicConfig) error {
	for i, c := range configs {
		if err := m.put(c); err != nil {
			if i > 0 {
				m.report(m.file.PersistChanges())
			}
			return err
		}
	}
	return m.file.PersistChanges()
}

func (m *Manager) put(c *protocol.TopicConfig) error {
	if m.isLight(c.TopicName) {
		return nil // as upstream: agreed to, and of no effect
	}
	m.table.Lock()
	defer m.table.Unlock()
	var current map[string]string
	old := m.Get(c.TopicName)
	if old != nil {
		current = old.Attributes
	}
	attributes, err := attribute.Topic.Alter(old == nil, current, c.Attributes)
	if err != nil {
		return err
	}
	c.Attributes = attributes
	m.store(c)
	return nil
}

// store puts c into the table as a change of its version. The lock is held.
func (m *Manager) store(c *protocol.TopicConfig) {
	m.replace(c)
	m.table.Step(m.opts.Now())
}

// replace puts c into the table and notes who has to learn of it. The lock is held.
func (m *Manager) replace(c *protocol.TopicConfig) {
	m.table.Put(c.TopicName, c)
	m.unregistered[c.TopicName] = c
}

// NewVersion makes a new version of a table that has not changed, because what is
// registered of it has.
func (m *Manager) NewVersion() {
	m.table.Lock()
	defer m.table.Unlock()
	m.table.Step(m.opts.Now())
}

// Generation counts how often the table has changed: while it stays what it was, so
// does the table. It takes no lock.
func (m *Manager) Generation() uint64 { return m.table.Generation() }

// Delete removes a topic and reports whether there was one.
func (m *Manager) Delete(topic string) (bool, error) {
	m.table.Lock()
	existed := m.table.Delete(topic)
	if existed {
		delete(m.unregistered, topic)
		m.table.Step(m.opts.Now())
	}
	m.table.Unlock()
	if !existed {
		return false, nil
	}
	return true, m.file.Persist()
}

// MarkOrdered marks topics as ordered that the name servers' order
// configuration lists, and reports whether that changed any.
func (m *Manager) MarkOrdered(topics []string) (changed bool) {
	m.table.Lock()
	for _, topic := range topics {
		if c := m.Get(topic); c != nil && !c.Order && !m.isLight(topic) {
			c = c.Clone()
			c.Order = true
			m.replace(c)
			changed = true
		}
	}
	if changed {
		m.table.Step(m.opts.Now())
	}
	m.table.Unlock()
	if changed {
		m.report(m.file.PersistChanges())
	}
	return changed
}

// Persist writes the whole file.
func (m *Manager) Persist() error { return m.file.Persist() }

// Settle makes durable what is in the file and not synced yet. The broker calls
// it from time to time: a change is in the file when it is answered, and on the
// disk soon after.
func (m *Manager) Settle() error { return m.file.Settle() }

// created writes the table after a change that no administrator asked for, and
// tells of it. No lock is held.
func (m *Manager) created(c *protocol.TopicConfig) {
	m.report(m.file.PersistChanges())
	if m.opts.OnCreate != nil {
		m.opts.OnCreate(c)
	}
}

func (m *Manager) report(err error) {
	if err != nil && m.opts.OnError != nil {
		m.opts.OnError(err)
	}
}
