package groups

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// encode is the whole of subscriptionGroup.json.
func (m *Manager) encode() ([]byte, error) {
	m.table.Lock()
	w := m.snapshot()
	m.table.Written()
	m.table.Unlock()
	return compat.AppendFastjson(nil, w, compat.Pretty)
}

// decode lays the file over the table.
func (m *Manager) decode(b []byte) error {
	m.table.Lock()
	defer m.table.Unlock()
	w := protocol.SubscriptionGroupWrapper{DataVersion: m.table.Version}
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	for name, c := range w.SubscriptionGroupTable {
		if c != nil {
			m.table.Lay(name, c)
		}
	}
	for group, topics := range w.ForbiddenTable {
		for topic, bits := range topics {
			if bits > 0 { // upstream reads anything else as 0
				m.forbidden.Store(groupTopic{group, topic}, bits)
			}
		}
	}
	m.table.Version = w.DataVersion
	return nil
}
