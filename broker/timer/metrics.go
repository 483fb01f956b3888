package timer

import (
	"fmt"
	"maps"
	"sync"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// metrics count the messages that wait, by the topic that they are for
// (config/timermetrics, upstream's TimerMetrics). They are counted as messages come and
// go, so a crash leaves them as wrong as upstream's.
type metrics struct {
	file *configfile.File
	now  func() int64

	mu      sync.Mutex // guards the fields below
	table   map[string]protocol.TimerWaitings
	version protocol.DataVersion
	changed bool // since the file was written
}

func openMetrics(fsys configfile.FS, path string, now func() int64) (*metrics, configfile.Loaded, error) {
	m := &metrics{now: now, table: map[string]protocol.TimerWaitings{}, version: protocol.DataVersion{Timestamp: now()}}
	if fsys == nil {
		fsys = configfile.OS
	}
	m.file = configfile.New(fsys, path, m.encode)
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		err = fmt.Errorf("load the counts of waiting messages: %w", err)
	}
	return m, loaded, err
}

// add counts n messages more, or fewer, for a topic.
func (m *metrics) add(topic string, n int64) {
	if topic == "" {
		return
	}
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.table[topic]
	w.Count, w.Timestamp = w.Count+n, now
	m.table[topic] = w
	m.version = m.version.Next(now)
	m.changed = true
}

// remove forgets a topic that was deleted.
func (m *metrics) remove(topic string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.table[topic]; ok {
		delete(m.table, topic)
		m.changed = true
	}
}

func (m *metrics) snapshot() protocol.TimerMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	return protocol.TimerMetrics{DataVersion: m.version, TimingCount: maps.Clone(m.table)}
}

// persist writes the file unless it is as the table.
func (m *metrics) persist() error {
	m.mu.Lock()
	changed := m.changed
	m.changed = false
	m.mu.Unlock()
	if !changed {
		return nil
	}
	err := m.file.Persist()
	if err != nil {
		m.mu.Lock()
		m.changed = true
		m.mu.Unlock()
	}
	return err
}

func (m *metrics) encode() ([]byte, error) { return compat.MarshalFastjson(m.snapshot()) }

func (m *metrics) decode(b []byte) error {
	w := protocol.TimerMetrics{DataVersion: m.version}
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version = w.DataVersion
	maps.Copy(m.table, w.TimingCount)
	return nil
}
