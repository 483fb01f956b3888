package topics

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// How topics.json ends behind its last topic, and how a topic that was added at
// its end begins. The official form never begins a line with a quotation mark, so
// the second one is found nowhere else.
const (
	closing    = "\n\t}\n}"
	entryStart = ",\n\""
)

func (m *Manager) encode() ([]byte, error) {
	m.mu.Lock()
	table, version := m.snapshot(), m.version
	m.changed, m.removed = nil, false
	m.mu.Unlock()
	return compat.AppendFastjson(nil, protocol.TopicConfigSerializeWrapper{DataVersion: version, TopicConfigTable: table}, compat.Pretty)
}

// changes is what topics.json lacks: entries for its end, and the new version,
// which stands twice then; readers take the later one.
func (m *Manager) changes(dst []byte) (text []byte, closingLen int, ok bool) {
	m.mu.Lock()
	changed, version, removed := m.changed, m.version, m.removed
	m.changed = nil
	m.mu.Unlock()
	if removed {
		return dst, 0, false
	}
	var err error
	for _, c := range changed {
		dst = append(dst, ",\n"...)
		if dst, err = compat.AppendFastjson(dst, c.TopicName, compat.Compact); err != nil {
			return dst, 0, false
		}
		dst = append(dst, ':')
		if dst, err = compat.AppendFastjson(dst, c, compat.Compact); err != nil {
			return dst, 0, false
		}
	}
	before := len(dst)
	dst = append(dst, "\n\t},\n\t\"dataVersion\":"...)
	if dst, err = compat.AppendFastjson(dst, version, compat.Compact); err != nil {
		return dst, 0, false
	}
	dst = append(dst, "\n}"...)
	return dst, len(dst) - before, true
}

// decode lays the file over the table. The key of the table counts, as it does
// upstream, not the name inside the configuration.
func (m *Manager) decode(b []byte) error {
	wrapper := protocol.TopicConfigSerializeWrapper{DataVersion: m.version}
	if err := compat.UnmarshalFastjson(b, &wrapper); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, c := range wrapper.TopicConfigTable {
		if c != nil {
			m.table.Store(name, c)
		}
	}
	m.version = wrapper.DataVersion
	return nil
}
