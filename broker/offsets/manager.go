// Package offsets keeps how far each consumer group has come in each queue, and
// consumerOffset.json, or lmqConsumerOffset.json where there are light message
// queues.
//
// The rules are those of upstream's ConsumerOffsetManager in 5.5.0. What to
// answer when a group has no offset is a question about the store and belongs
// to the handler; this package only says that there is none. It knows neither
// requests nor queues' contents.
package offsets

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// Options say where the table is kept. The names in brackets are the official
// configuration keys.
type Options struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of consumerOffset.json, or of lmqConsumerOffset.json with LightQueues
	Now  func() int64  // ms since 1970

	VersionStep     int64 // [consumerOffsetUpdateVersionStep] commits for one step of the data version; 500 when 0; SetVersionStep changes it
	LightQueues     bool  // [enableLmq] a group that is named like a light message queue has one offset in a topic
	ServerSideReset bool  // [useServerSideResetOffset] queries answer a reset that the client has not seen yet; SetServerSideReset changes it

}

// Manager is the table of consumer offsets. It is safe for concurrent use.
// Committing to a queue that has an offset takes no lock but that of one group
// and topic, and allocates nothing. Names may be views into a request: they are
// copied when they are kept.
type Manager struct {
	opts        Options
	serverSide  atomic.Bool  // ServerSideReset
	versionStep atomic.Int64 // VersionStep, at least 1
	file        *configfile.File

	committed table // what consumers have committed; the only one that is loaded from the file
	pulled    table // where consumers pulled last
	resets    table // offsets set by an administrator that the client has not fetched yet

	commits atomic.Int64 // counts commits, for the data version
	changes atomic.Int64 // counts what the file does not yet show

	mu      sync.Mutex // guards version and written
	version protocol.DataVersion
	written int64 // value of changes that the file shows
}

// Open loads the file.
func Open(o Options) (*Manager, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	m := &Manager{opts: o, version: protocol.DataVersion{Timestamp: o.Now()}}
	m.SetVersionStep(o.VersionStep)
	m.serverSide.Store(o.ServerSideReset)
	m.file = configfile.New(o.FS, o.Path, m.encode)
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load consumer offsets: %w", err)
	}
	return m, loaded, nil
}

// Commit stores the offset that a group consumes next in a queue. It returns the
// offset that it replaced, or -1: an offset may go back, and callers may want
// to say so.
func (m *Manager) Commit(group, topic string, queue int32, offset int64) (previous int64) {
	queue = m.queueOf(group, queue)
	previous = m.committed.set(group, topic, queue, offset)
	m.changes.Add(1)
	if m.commits.Add(1)%m.versionStep.Load() == 0 {
		m.bump()
	}
	return previous
}

func (m *Manager) bump() {
	m.mu.Lock()
	m.version = m.version.Next(m.opts.Now())
	m.mu.Unlock()
}

// SetVersionStep changes after how many commits the data version steps on.
func (m *Manager) SetVersionStep(n int64) {
	if n <= 0 {
		n = 500
	}
	m.versionStep.Store(n)
}

// SetServerSideReset says whether queries answer resets.
func (m *Manager) SetServerSideReset(on bool) { m.serverSide.Store(on) }

// Query returns the offset that a group consumes next in a queue, and whether
// there is one. A reset that the client has not fetched yet comes first.
func (m *Manager) Query(group, topic string, queue int32) (int64, bool) {
	queue = m.queueOf(group, queue)
	if m.serverSide.Load() {
		if offset, ok := m.resets.get(group, topic, queue); ok {
			return offset, true
		}
	}
	return m.committed.get(group, topic, queue)
}

// QueryAll returns what a group has committed in each queue of a topic, or nil.
// The map is the caller's.
func (m *Manager) QueryAll(group, topic string) map[int32]int64 {
	return m.committed.find(group, topic).copy()
}

// CommitPull remembers from which offset a group pulled last.
func (m *Manager) CommitPull(group, topic string, queue int32, offset int64) {
	m.pulled.set(group, topic, queue, offset)
}

// QueryPull returns from which offset a group pulled last, or, when it has not
// since the start, what Query returns.
func (m *Manager) QueryPull(group, topic string, queue int32) (int64, bool) {
	if offset, ok := m.pulled.get(group, topic, queue); ok {
		return offset, true
	}
	return m.Query(group, topic, queue)
}

// LastPull returns where CommitPull last said that a group goes on.
func (m *Manager) LastPull(group, topic string, queue int32) (int64, bool) {
	return m.pulled.get(group, topic, queue)
}

// AssignReset moves a group to an offset and keeps the offset until the client
// has taken it with TakeReset: a client that is connected may overwrite the
// commit before it learns of the reset.
func (m *Manager) AssignReset(group, topic string, queue int32, offset int64) error {
	if topic == "" || group == "" || queue < 0 || offset < 0 {
		return fmt.Errorf("reset group %q in queue %d of topic %q to offset %d: names must not be empty nor numbers negative",
			group, queue, topic, offset)
	}
	queue = m.queueOf(group, queue)
	m.resets.set(group, topic, queue, offset)
	m.committed.set(group, topic, queue, offset)
	m.changes.Add(1)
	return nil
}

// HasReset reports whether a reset waits for the client.
func (m *Manager) HasReset(group, topic string, queue int32) bool {
	_, ok := m.resets.get(group, topic, queue)
	return ok
}

// TakeReset returns the reset that waits for the client, and forgets it.
func (m *Manager) TakeReset(group, topic string, queue int32) (int64, bool) {
	return m.resets.take(group, topic, queue)
}

// Clone gives a group the offsets that another group has in a topic, in place of
// its own. It does nothing when the other has none.
func (m *Manager) Clone(fromGroup, toGroup, topic string) {
	if from := m.committed.find(fromGroup, topic); from != nil {
		m.committed.replace(toGroup, topic, from.copy())
		m.changes.Add(1)
	}
}

// RemoveGroup forgets a group.
func (m *Manager) RemoveGroup(group string) {
	match := func(k key) bool { return k.group == group }
	m.committed.removeIf(match)
	m.pulled.removeIf(match)
	m.resets.removeIf(match)
	m.changes.Add(1)
}

// RemoveTopic forgets a topic, but not from where it was pulled last. Light groups keep their offsets. Both are as upstream. Those in
// whose name the broker commits for groups that broadcast keep theirs, too.
func (m *Manager) RemoveTopic(topic string) {
	match := func(k key) bool { return k.topic == topic && !m.isLight(k.group) && !k.internal() }
	m.committed.removeIf(match)
	m.resets.removeIf(match)
	m.changes.Add(1)
}

// Empty reports whether no group has committed an offset.
func (m *Manager) Empty() bool {
	for range m.committed.all {
		return false
	}
	return true
}

// Topics lists the topics that a group has offsets in; none for a light group, and for
// one in whose name the broker commits.
func (m *Manager) Topics(group string) []string {
	var topics []string
	for k := range m.committed.all {
		if k.group == group && !m.isLight(group) && !k.internal() {
			topics = append(topics, k.topic)
		}
	}
	return topics
}

// Groups lists the groups that have offsets in a topic, but no light ones, and none in
// whose name the broker commits.
func (m *Manager) Groups(topic string) []string {
	var groups []string
	for k := range m.committed.all {
		if k.topic == topic && k.group != "" && !m.isLight(k.group) && !k.internal() {
			groups = append(groups, k.group)
		}
	}
	return groups
}

// SlowestOffsets returns, by queue of a topic, the least offset that any group
// has committed, leaving aside the groups in except, with what the broker has
// committed for them, and offsets of messages that are no longer there. (Upstream deletes the offsets of the groups in
// except for good.)
func (m *Manager) SlowestOffsets(topic string, except []string, minOffset func(queue int32) int64) map[int32]int64 {
	skip := map[string]bool{}
	for _, group := range except {
		skip[group] = true
	}
	slowest := map[int32]int64{}
	for k, offsets := range m.committed.all {
		group, _, _ := strings.Cut(k.group, "@")
		if k.topic != topic || skip[group] {
			continue
		}
		for queue, offset := range offsets.copy() {
			if offset < minOffset(queue) {
				continue
			}
			least, ok := slowest[queue]
			if !ok {
				least = math.MaxInt64
			}
			slowest[queue] = min(least, offset)
		}
	}
	return slowest
}

// DataVersion is the version of the table. It lags behind: it moves once in
// VersionStep commits.
func (m *Manager) DataVersion() protocol.DataVersion {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// Snapshot is the table as GET_ALL_CONSUMER_OFFSET answers it.
func (m *Manager) Snapshot() protocol.ConsumerOffsetSerializeWrapper {
	w := protocol.ConsumerOffsetSerializeWrapper{
		DataVersion: m.DataVersion(), GroupTopicMap: map[string][]string{}, OffsetTable: map[string]map[int32]int64{}, PullOffsetTable: map[string]map[int32]int64{},
	}
	if m.opts.LightQueues {
		w.LightTable = map[string]int64{}
	}
	for k, offsets := range m.committed.all {
		if m.isLight(k.group) {
			m.snapshotLight(&w, k)
			continue
		}
		w.OffsetTable[k.String()] = offsets.copy()
		if k.group != "" && !k.internal() {
			w.GroupTopicMap[k.group] = append(w.GroupTopicMap[k.group], k.topic)
		}
	}
	for _, topics := range w.GroupTopicMap {
		slices.Sort(topics)
	}
	for k, offsets := range m.pulled.all {
		w.PullOffsetTable[k.String()] = offsets.copy()
	}
	return w
}

// Persist writes the file unless it shows the present table already.
func (m *Manager) Persist() error {
	// A change that comes after this line may or may not get into the file; it
	// will be written again with the next.
	changes := m.changes.Load()
	m.mu.Lock()
	current := m.written == changes
	m.mu.Unlock()
	if current {
		return nil
	}
	if err := m.file.Persist(); err != nil {
		return err
	}
	m.mu.Lock()
	m.written = max(m.written, changes)
	m.mu.Unlock()
	return nil
}

// key names a group in a topic, as "topic@group" does in the file.
type key struct{ topic, group string }

func (k key) String() string {
	if k.group == "" {
		return k.topic
	}
	return k.topic + "@" + k.group
}

// internal reports whether the group is none that a client can name, but one in
// whose name the broker commits where a group that broadcasts has got to:
// "group@broadcast". Upstream's tables have such a group with its offsets, and leave it out of
// every list of groups.
func (k key) internal() bool { return strings.Contains(k.group, "@") }

// parseKey takes "topic@group" apart. Names that clients can use contain no @;
// text without one is kept under an empty group, so that it is not lost.
func parseKey(s string) key {
	topic, group, _ := strings.Cut(s, "@")
	return key{topic, group}
}
