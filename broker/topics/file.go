package topics

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// encode is the whole of topics.json.
func (m *Manager) encode() ([]byte, error) {
	m.table.Lock()
	w := protocol.TopicConfigSerializeWrapper{DataVersion: m.table.Version, TopicConfigTable: m.table.Snapshot()}
	m.table.Written()
	m.table.Unlock()
	return compat.AppendFastjson(nil, w, compat.Pretty)
}

// decode lays the file over the table. The key of the table counts, as it does
// upstream, not the name inside the configuration.
func (m *Manager) decode(b []byte) error {
	m.table.Lock()
	defer m.table.Unlock()
	w := protocol.TopicConfigSerializeWrapper{DataVersion: m.table.Version}
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	for name, c := range w.TopicConfigTable {
		if c != nil {
			m.table.Lay(name, c)
		}
	}
	m.table.Version = w.DataVersion
	return nil
}
