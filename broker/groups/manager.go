// Package groups keeps the configuration of every consumer group that the
// broker serves, which topics a group may not read, and subscriptionGroup.json.
//
// The rules are those of upstream's SubscriptionGroupManager in 5.5.0. Clients
// that are connected are in package clients, their progress is in package
// offsets; this package knows neither.
package groups

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/broker/table"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// Options say where the table is kept and when groups come into being by
// themselves. The names in brackets are the official configuration keys.
type Options struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of subscriptionGroup.json
	Now  func() int64  // ms since 1970

	AutoCreate      bool // [autoCreateSubscriptionGroup]; SetAutoCreate changes it
	LightQueues     bool // [enableLmq] every name of a light message queue is a group, none is kept
	CreateSysGroups bool // [enableCreateSysGroup] also without AutoCreate, groups named CID_RMQ_SYS_…

	// OnError is told that a table changed by a client could not be written. The
	// change stands in memory and goes out with the next write. May be nil.
	OnError func(error)
}

// builtIn are the groups that every broker has.
var builtIn = []string{
	protocol.GroupTools, protocol.GroupFilterServer, protocol.GroupSelfTestConsumer, protocol.GroupONSHTTPProxy,
	protocol.GroupONSAPIPull, protocol.GroupONSAPIPermission, protocol.GroupONSAPIOwner, protocol.GroupSysTrans,
}

// Manager is the table of consumer groups. It is safe for concurrent use.
//
// A configuration in the table is never changed, only replaced: whoever gets
// one may keep it, and must not write to it.
type Manager struct {
	opts       Options
	autoCreate atomic.Bool
	changes    atomic.Uint64 // of autoCreate; counted after each
	file       *configfile.File

	table     table.Table[protocol.SubscriptionGroupConfig]
	forbidden sync.Map // groupTopic → int32, the bits of what is forbidden, never 0; written with the table's lock held
}

type groupTopic struct{ group, topic string }

// Open creates the built-in groups and loads the file over them. The file is
// first written at the first change.
func Open(o Options) (*Manager, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	m := &Manager{opts: o}
	m.table.Version.Timestamp = o.Now()
	m.autoCreate.Store(o.AutoCreate)
	m.file = configfile.New(o.FS, o.Path, m.encode)
	m.file.Grow(m.table.Growth())
	for _, name := range builtIn {
		c := protocol.DefaultSubscriptionGroupConfig(name)
		m.table.Lay(name, &c)
	}
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load consumer groups: %w", err)
	}
	return m, loaded, nil
}

// Get returns the configuration of a group, or nil when there is none. It takes
// no lock and does not keep the name. It allocates nothing but the configuration
// of a light group, which is upstream's default and not the table's.
func (m *Manager) Get(group string) *protocol.SubscriptionGroupConfig {
	if m.isLight(group) {
		c := protocol.DefaultSubscriptionGroupConfig(strings.Clone(group))
		return &c
	}
	return m.table.Get(group)
}

// isLight reports whether a group is named like a light message queue. There may
// be thousands of those, so none is in the table (LmqSubscriptionGroupManager).
func (m *Manager) isLight(group string) bool { return m.opts.LightQueues && compat.IsLMQ(group) }

// Contains reports whether there is such a group.
func (m *Manager) Contains(group string) bool { return m.Get(group) != nil }

// SetAutoCreate says whether clients may create groups by naming them.
func (m *Manager) SetAutoCreate(on bool) {
	if m.autoCreate.Swap(on) != on {
		m.changes.Add(1)
	}
}

// Find returns the configuration of a group that a client names, creating it
// with upstream's defaults where that is allowed and the name is legal. It
// returns nil otherwise. The name may be a view into a request: it is copied
// when it is kept.
func (m *Manager) Find(group string) *protocol.SubscriptionGroupConfig {
	if c := m.Get(group); c != nil {
		return c
	}
	if !m.autoCreate.Load() && !(m.opts.CreateSysGroups && protocol.IsSystemGroup(group)) {
		return nil
	}
	if _, ok := compat.CheckGroup(group); !ok {
		return nil
	}
	m.table.Lock()
	// Several clients may be the group's first at once.
	if c := m.Get(group); c != nil {
		m.table.Unlock()
		return c
	}
	c := protocol.DefaultSubscriptionGroupConfig(strings.Clone(group))
	m.store(&c)
	m.table.Unlock()
	m.report(m.file.PersistChanges())
	return &c
}

// DataVersion is the version of the table.
func (m *Manager) DataVersion() protocol.DataVersion {
	m.table.Lock()
	defer m.table.Unlock()
	return m.table.Version
}

// Snapshot is the whole table with its version. The maps are the caller's, the
// configurations are shared.
func (m *Manager) Snapshot() protocol.SubscriptionGroupWrapper {
	m.table.Lock()
	defer m.table.Unlock()
	return m.snapshot()
}

// snapshot copies the table. The table's lock is held.
func (m *Manager) snapshot() protocol.SubscriptionGroupWrapper {
	w := protocol.SubscriptionGroupWrapper{
		DataVersion:            m.table.Version,
		ForbiddenTable:         map[string]map[string]int32{},
		SubscriptionGroupTable: m.table.Snapshot(),
	}
	m.forbidden.Range(func(k, v any) bool {
		at := k.(groupTopic)
		topics := w.ForbiddenTable[at.group]
		if topics == nil {
			topics = map[string]int32{}
			w.ForbiddenTable[at.group] = topics
		}
		topics[at.topic] = v.(int32)
		return true
	})
	return w
}

// Page is a part of the table in the order of the names, see table.Page, with the
// number of groups in all.
func (m *Manager) Page(known *protocol.DataVersion, from, limit int) (protocol.SubscriptionGroupWrapper, int) {
	w := m.Snapshot()
	total := len(w.SubscriptionGroupTable)
	inPage := table.Page(w.SubscriptionGroupTable, w.DataVersion, known, from, limit)
	outside := func(group string) bool { _, found := slices.BinarySearch(inPage, group); return !found }
	maps.DeleteFunc(w.SubscriptionGroupTable, func(group string, _ *protocol.SubscriptionGroupConfig) bool { return outside(group) })
	maps.DeleteFunc(w.ForbiddenTable, func(group string, _ map[string]int32) bool { return outside(group) })
	return w, total
}

// Update creates a group or replaces its configuration. The attributes of c are
// changes to those the group has, in the form of package attribute. The error
// is either a refusal, whose text is upstream's, or says that the table could
// not be written; in the second case the change stands in memory.
//
// The Manager owns c from now on.
func (m *Manager) Update(c *protocol.SubscriptionGroupConfig) error {
	return m.UpdateAll([]*protocol.SubscriptionGroupConfig{c})
}

// UpdateAll does what Update does for several groups with one write. It stops at
// the first that is refused; those before it stay, written.
func (m *Manager) UpdateAll(configs []*protocol.SubscriptionGroupConfig) error {
	for i, c := range configs {
		if err := m.put(c); err != nil {
			if i > 0 {
				m.report(m.file.PersistChanges())
			}
			return err
		}
	}
	if len(configs) == 0 {
		return nil
	}
	return m.file.PersistChanges()
}

func (m *Manager) put(c *protocol.SubscriptionGroupConfig) error {
	if m.isLight(c.GroupName) {
		return nil // as upstream: agreed to, and of no effect
	}
	m.table.Lock()
	defer m.table.Unlock()
	var current map[string]string
	old := m.Get(c.GroupName)
	if old != nil {
		current = old.Attributes
	}
	attributes, err := attribute.Group.Alter(old == nil, current, c.Attributes)
	if err != nil {
		return err
	}
	c.Attributes = attributes
	m.store(c)
	return nil
}

// store puts c into the table as a change of its version. The table's lock is held.
func (m *Manager) store(c *protocol.SubscriptionGroupConfig) {
	m.table.Put(c.GroupName, c)
	m.table.Step(m.opts.Now())
}

// Generation counts how often the table, or how Find adds to it, has changed: while
// it stays what it was, Find answers the same. It takes no lock.
func (m *Manager) Generation() uint64 { return m.table.Generation() + m.changes.Load() }

// DisableConsume forbids a group to consume, and reports whether it was allowed to.
func (m *Manager) DisableConsume(group string) (bool, error) {
	m.table.Lock()
	old := m.table.Get(group)
	if old == nil || !old.ConsumeEnable {
		m.table.Unlock()
		return false, nil
	}
	c := *old
	c.ConsumeEnable = false
	m.store(&c)
	m.table.Unlock()
	return true, m.file.PersistChanges()
}

// Delete removes a group with everything that is forbidden to it, and reports
// whether there was one.
func (m *Manager) Delete(group string) (bool, error) {
	m.table.Lock()
	existed := m.table.Delete(group)
	m.forbidden.Range(func(k, _ any) bool {
		if k.(groupTopic).group == group {
			m.forbidden.Delete(k)
		}
		return true
	})
	if existed {
		m.table.Step(m.opts.Now())
	}
	m.table.Unlock()
	if !existed {
		return false, nil
	}
	return true, m.file.Persist()
}

// SetForbidden forbids a group to do with a topic what the bit with the given
// index stands for, or allows it again. Upstream allows everything in every
// topic of the group once the last bit of one is cleared, and forgets to write
// that; here only the topic named changes.
func (m *Manager) SetForbidden(group, topic string, index int, forbid bool) error {
	key := groupTopic{strings.Clone(group), strings.Clone(topic)}
	m.table.Lock()
	bits := m.forbiddenBits(key)
	changed := bits &^ (1 << index)
	if forbid {
		changed |= 1 << index
	}
	if changed == bits {
		m.table.Unlock()
		return nil
	}
	if changed == 0 {
		m.forbidden.Delete(key)
	} else {
		m.forbidden.Store(key, changed)
	}
	m.table.Rewrite()
	m.table.Step(m.opts.Now())
	m.table.Unlock()
	return m.file.Persist()
}

// Forbidden reports whether a group may not do with a topic what the bit with
// the given index stands for. It takes no lock and does not keep the names.
func (m *Manager) Forbidden(group, topic string, index int) bool {
	return m.forbiddenBits(groupTopic{group, topic})&(1<<index) != 0
}

// HasForbidden reports whether anything is forbidden to a group.
func (m *Manager) HasForbidden(group string) (found bool) {
	m.forbidden.Range(func(k, _ any) bool {
		found = k.(groupTopic).group == group
		return !found
	})
	return found
}

func (m *Manager) forbiddenBits(key groupTopic) int32 {
	v, ok := m.forbidden.Load(key)
	if !ok {
		return 0
	}
	return v.(int32)
}

// Persist writes the whole file.
func (m *Manager) Persist() error { return m.file.Persist() }

// Settle makes durable what is in the file and not synced yet. The broker calls
// it from time to time: a change is in the file when it is answered, and on the
// disk soon after.
func (m *Manager) Settle() error { return m.file.Settle() }

func (m *Manager) report(err error) {
	if err != nil && m.opts.OnError != nil {
		m.opts.OnError(err)
	}
}
