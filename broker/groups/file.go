package groups

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// How subscriptionGroup.json ends behind its last group, and how a group that was
// added at its end begins. The official form never begins a line with a quotation
// mark, so the second one is found nowhere else.
const (
	closing    = "\n\t}\n}"
	entryStart = ",\n\""
)

func (m *Manager) encode() ([]byte, error) {
	m.mu.Lock()
	w := m.snapshot()
	m.changed, m.rewrite = nil, false
	m.mu.Unlock()
	return compat.AppendFastjson(nil, w, compat.Pretty)
}

// changes is what subscriptionGroup.json lacks: entries for its end, and the new
// version, which stands twice then; readers take the later one.
func (m *Manager) changes(dst []byte) (text []byte, closingLen int, ok bool) {
	m.mu.Lock()
	changed, version, rewrite := m.changed, m.version, m.rewrite
	m.changed = nil
	m.mu.Unlock()
	if rewrite {
		return dst, 0, false
	}
	var err error
	for _, c := range changed {
		dst = append(dst, ",\n"...)
		if dst, err = compat.AppendFastjson(dst, c.GroupName, compat.Compact); err != nil {
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

// decode lays the file over the table.
func (m *Manager) decode(b []byte) error {
	w := protocol.SubscriptionGroupWrapper{DataVersion: m.version}
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lay(w)
	return nil
}
