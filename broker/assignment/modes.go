// Package assignment shares the queues of a topic out among the members of a
// group when the clients leave that to the broker, and keeps how each group
// receives each topic, by pulls or by pops (config/messageRequestMode.json).
//
// The rules are those of upstream's QueryAssignmentProcessor and
// MessageRequestModeManager in 5.5.0. The package knows no clients, no routes and
// no requests.
package assignment

import (
	"fmt"
	"maps"
	"sync"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// Modes is the table of how groups receive topics. It is safe for concurrent use.
type Modes struct {
	file *configfile.File

	mu    sync.RWMutex                                                    // guards table
	table map[string]map[string]protocol.SetMessageRequestModeRequestBody // topic → group
}

// OpenModes loads the file.
func OpenModes(fs configfile.FS, path string) (*Modes, configfile.Loaded, error) {
	m := &Modes{table: map[string]map[string]protocol.SetMessageRequestModeRequestBody{}}
	m.file = configfile.New(fs, path, m.encode)
	loaded, err := m.file.Load(m.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load how groups receive: %w", err)
	}
	return m, loaded, nil
}

// Get returns how a group receives a topic, if that was set.
func (m *Modes) Get(topic, group string) (protocol.SetMessageRequestModeRequestBody, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	mode, ok := m.table[topic][group]
	return mode, ok
}

// Set notes how a group receives a topic, and writes the file.
func (m *Modes) Set(mode protocol.SetMessageRequestModeRequestBody) error {
	m.mu.Lock()
	if m.table[mode.Topic] == nil {
		m.table[mode.Topic] = map[string]protocol.SetMessageRequestModeRequestBody{}
	}
	m.table[mode.Topic][mode.ConsumerGroup] = mode
	m.mu.Unlock()
	return m.file.Persist()
}

// Snapshot is the whole table; the caller's.
func (m *Modes) Snapshot() protocol.MessageRequestModeSerializeWrapper {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make(map[string]map[string]protocol.SetMessageRequestModeRequestBody, len(m.table))
	for topic, groups := range m.table {
		all[topic] = maps.Clone(groups)
	}
	return protocol.MessageRequestModeSerializeWrapper{MessageRequestModeMap: all}
}

func (m *Modes) encode() ([]byte, error) {
	return compat.AppendFastjson(nil, m.Snapshot(), compat.Pretty)
}

func (m *Modes) decode(b []byte) error {
	var w protocol.MessageRequestModeSerializeWrapper
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	if w.MessageRequestModeMap != nil {
		m.table = w.MessageRequestModeMap
	}
	return nil
}
