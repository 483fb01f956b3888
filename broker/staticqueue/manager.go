// Package staticqueue keeps which logical queues of static topics this broker has a
// part in: the table of mappings, topicQueueMapping.json, where an offset of a
// logical queue lies, and the removal of what a mapping no longer needs.
//
// The rules are those of upstream's TopicQueueMappingManager and
// TopicQueueMappingCleanService in 5.5.0; the arithmetic is package logicqueue's.
// The package knows neither requests nor queues' contents, and no other broker but
// through Peers.
package staticqueue

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// Mapping is a broker's part of one static topic.
type Mapping = protocol.TopicQueueMappingDetail

// Options say where the table is kept.
type Options struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of topicQueueMapping.json
	Now  func() int64  // ms since 1970
}

// Manager is the table of static topics. It is safe for concurrent use.
//
// A mapping in the table is never changed, only replaced: whoever gets one may keep
// it, and must not write to it.
type Manager struct {
	opts  Options
	file  *configfile.File
	table atomic.Pointer[map[string]*Mapping] // replaced as a whole, with mu held

	mu      sync.Mutex // guards changes of table, and version
	version protocol.DataVersion

	// leading is held shared from the look-up of a logical queue's leader until the
	// message that goes there has its offset, and alone while a mapping is replaced:
	// who asks for the end of a queue after it has lost the lead learns the last.
	leading sync.RWMutex
}

// Open loads the file, which is first written at the first change.
func Open(o Options) (*Manager, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	m := &Manager{opts: o, version: protocol.DataVersion{Timestamp: o.Now()}}
	m.table.Store(&map[string]*Mapping{})
	m.file = configfile.New(o.FS, o.Path, m.encode)
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load the mappings of static topics: %w", err)
	}
	return m, loaded, nil
}

// Get returns the mapping of a topic, nil when the topic is not static. It takes no
// lock, allocates nothing, and does not keep the name.
func (m *Manager) Get(topic string) *Mapping { return (*m.table.Load())[topic] }

// Snapshot is the whole table, which is shared, and its version.
func (m *Manager) Snapshot() (map[string]*Mapping, protocol.DataVersion) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.table.Load(), m.version
}

// Infos is what the name servers are told: of the topics in a table, or of all when
// it is nil.
func (m *Manager) Infos(topics map[string]*protocol.TopicConfig) map[string]*protocol.TopicQueueMappingInfo {
	infos := map[string]*protocol.TopicQueueMappingInfo{}
	for topic, mapping := range *m.table.Load() {
		if _, ok := topics[topic]; ok || topics == nil {
			infos[topic] = logicqueue.Info(mapping)
		}
	}
	return infos
}

// Lead keeps the leaders of logical queues as they are until the function that it
// returns is called, which must be soon: an administrator waits for it.
func (m *Manager) Lead() (release func()) {
	m.leading.RLock()
	return m.leading.RUnlock
}

// Update takes a new mapping, which is the Manager's from now on. Unless force is
// set, it must continue the one that is there: an epoch at least as high, the same
// scope, and what was decided of an item unchanged. Logical queues that it does not
// name stay as they are. The error is either a refusal, whose text is upstream's
// where upstream refuses, or says that the table could not be written; in the second
// case the change stands in memory.
func (m *Manager) Update(mapping *Mapping, force bool) error {
	mapping.HostedQueues = tidy(mapping.HostedQueues)
	m.leading.Lock()
	m.mu.Lock()
	err := m.accept(mapping, force)
	if err == nil {
		m.put(mapping.Topic, mapping)
	}
	m.mu.Unlock()
	m.leading.Unlock()
	if err != nil {
		return err
	}
	return m.file.Persist()
}

// accept judges a new mapping and completes it with what it leaves out. m.mu is held.
func (m *Manager) accept(mapping *Mapping, force bool) error {
	for _, id := range slices.Sorted(maps.Keys(mapping.HostedQueues)) {
		if err := logicqueue.Queue(mapping.HostedQueues[id]).Check(); err != nil {
			return err
		}
	}
	old := m.Get(mapping.Topic)
	switch {
	case old == nil:
		return nil
	case force:
	case mapping.Epoch < old.Epoch:
		return fmt.Errorf("Can't accept data with small epoch %d < %d", mapping.Epoch, old.Epoch)
	case mapping.Scope != old.Scope:
		return fmt.Errorf("Can't accept data with unmatched scope %s != %s", mapping.Scope, old.Scope)
	}
	sameEpoch := mapping.Epoch == old.Epoch
	for _, id := range slices.Sorted(maps.Keys(old.HostedQueues)) {
		items, named := mapping.HostedQueues[id]
		switch {
		case !named && sameEpoch && !force:
			return fmt.Errorf("Cannot accept equal epoch with null data")
		case !named:
			mapping.HostedQueues[id] = old.HostedQueues[id]
		case !force:
			kept := logicqueue.Queue(items).Keeping(old.HostedQueues[id])
			if err := kept.CheckFollows(old.HostedQueues[id], sameEpoch); err != nil {
				return err
			}
			mapping.HostedQueues[id] = kept
		}
	}
	return nil
}

// tidy copies logical queues and leaves out what is null in them.
func tidy(queues map[int32][]*logicqueue.Item) map[int32][]*logicqueue.Item {
	out := make(map[int32][]*logicqueue.Item, len(queues))
	for id, items := range queues {
		out[id] = slices.DeleteFunc(slices.Clone(items), func(i *logicqueue.Item) bool { return i == nil })
	}
	return out
}

// put replaces a mapping, or removes it when it is nil, as a change of the table's
// version. m.mu is held.
func (m *Manager) put(topic string, mapping *Mapping) {
	table := maps.Clone(*m.table.Load())
	if mapping == nil {
		delete(table, topic)
	} else {
		table[topic] = mapping
	}
	m.table.Store(&table)
	m.version = m.version.Next(m.opts.Now())
}

// Delete forgets a topic and reports whether it was static.
func (m *Manager) Delete(topic string) (bool, error) {
	m.leading.Lock()
	m.mu.Lock()
	existed := m.Get(topic) != nil
	if existed {
		m.put(topic, nil)
	}
	m.mu.Unlock()
	m.leading.Unlock()
	if !existed {
		return false, nil
	}
	return true, m.file.Persist()
}

// change replaces a mapping by what edit makes of a copy of it, unless it is gone or
// was replaced since it was read. Lists of items must be replaced, not written to.
func (m *Manager) change(was *Mapping, edit func(*Mapping)) bool {
	m.leading.Lock()
	defer m.leading.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Get(was.Topic) != was {
		return false
	}
	next := *was
	next.HostedQueues = maps.Clone(was.HostedQueues)
	edit(&next)
	m.put(was.Topic, &next)
	return true
}

func (m *Manager) encode() ([]byte, error) {
	m.mu.Lock()
	wrapper := protocol.TopicQueueMappingSerializeWrapper{DataVersion: m.version, TopicQueueMappingInfoMap: *m.table.Load()}
	m.mu.Unlock()
	return compat.AppendFastjson(nil, &wrapper, compat.Pretty)
}

func (m *Manager) decode(b []byte) error {
	wrapper := protocol.TopicQueueMappingSerializeWrapper{DataVersion: m.version}
	if err := compat.UnmarshalFastjson(b, &wrapper); err != nil {
		return err
	}
	table := make(map[string]*Mapping, len(wrapper.TopicQueueMappingInfoMap))
	for topic, mapping := range wrapper.TopicQueueMappingInfoMap {
		if mapping != nil {
			mapping.HostedQueues = tidy(mapping.HostedQueues)
			table[topic] = mapping
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.table.Store(&table)
	m.version = wrapper.DataVersion
	return nil
}
