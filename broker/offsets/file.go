package offsets

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// The file has the keys of upstream's class, groupTopicMap and pullOffsetTable
// among them, which nobody reads. It is written every few seconds while
// consumers are busy and may hold tens of thousands of queues, so it is encoded
// here by hand, in fastjson's layout with bare numbers for keys.

type fileText struct {
	DataVersion protocol.DataVersion       `json:"dataVersion"`
	OffsetTable map[string]map[int32]int64 `json:"offsetTable"`
	Light       map[string]int64           `json:"lmqOffsetTable"`
}

func (m *Manager) decode(b []byte) error {
	text := fileText{DataVersion: m.version}
	if err := compat.UnmarshalFastjson(b, &text); err != nil {
		return err
	}
	for at, offsets := range text.OffsetTable {
		k := parseKey(at)
		m.committed.replace(k.group, k.topic, offsets)
	}
	m.loadLight(text.Light)
	m.version = text.DataVersion
	return nil
}

func (m *Manager) encode() ([]byte, error) {
	version := m.DataVersion()
	keys, light := m.splitLight(m.committed.sortedKeys())
	b := make([]byte, 0, 256+64*len(keys))
	b = append(b, "{\n\t\"dataVersion\":{\n\t\t\"counter\":"...)
	b = strconv.AppendInt(b, version.Counter, 10)
	b = append(b, ",\n\t\t\"stateVersion\":"...)
	b = strconv.AppendInt(b, version.StateVersion, 10)
	b = append(b, ",\n\t\t\"timestamp\":"...)
	b = strconv.AppendInt(b, version.Timestamp, 10)
	b = append(b, "\n\t},\n\t\"groupTopicMap\":"...)
	b = appendGroupTopics(b, keys)
	if m.opts.LightQueues {
		b = append(b, ",\n\t\"lmqOffsetTable\":"...)
		b = m.appendLight(b, light)
	}
	b = append(b, ",\n\t\"offsetTable\":"...)
	b = m.committed.appendJSON(b, keys)
	b = append(b, ",\n\t\"pullOffsetTable\":"...)
	b = m.pulled.appendJSON(b, m.pulled.sortedKeys())
	return append(b, "\n}"...), nil
}

func (t *table) sortedKeys() []key {
	var keys []key
	for k := range t.all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.group, b.group)) })
	return keys
}

func (t *table) appendJSON(b []byte, keys []key) []byte {
	var at []position
	b = append(b, '{')
	first := true
	for _, k := range keys {
		q := t.find(k.group, k.topic)
		if q == nil {
			continue // removed since the keys were listed
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, "\n\t\t"...)
		b = appendString(b, k.String())
		b = append(b, ":{"...)
		at = q.appendTo(at[:0])
		for i, p := range at {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, "\n\t\t\t"...)
			b = strconv.AppendInt(b, int64(p.queue), 10)
			b = append(b, ':')
			b = strconv.AppendInt(b, p.offset, 10)
		}
		if len(at) > 0 {
			b = append(b, "\n\t\t"...)
		}
		b = append(b, '}')
	}
	if !first {
		b = append(b, "\n\t"...)
	}
	return append(b, '}')
}

// appendGroupTopics lists the topics of each group. Groups and their topics come
// in order.
func appendGroupTopics(b []byte, keys []key) []byte {
	byGroup := slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return k.group == "" || k.internal() })
	slices.SortStableFunc(byGroup, func(a, b key) int { return cmp.Compare(a.group, b.group) })
	b = append(b, '{')
	for i, k := range byGroup {
		switch {
		case i > 0 && byGroup[i-1].group == k.group:
			b = append(b, ',')
		default:
			if i > 0 {
				b = append(b, "\n\t\t],"...)
			}
			b = append(b, "\n\t\t"...)
			b = appendString(b, k.group)
			b = append(b, ":["...)
		}
		b = append(b, "\n\t\t\t"...)
		b = appendString(b, k.topic)
	}
	if len(byGroup) > 0 {
		b = append(b, "\n\t\t]\n\t"...)
	}
	return append(b, '}')
}

// appendString quotes a name. All that upstream lets in are plain.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			b, _ = compat.AppendFastjson(b, s, compat.Compact) // never fails for a string
			return b
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
