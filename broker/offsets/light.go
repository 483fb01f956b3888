package offsets

import (
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// A group that is named like a light message queue has one offset in a topic,
// whatever queue it says (upstream's LmqConsumerOffsetManager). Such groups are
// kept apart in the file and left out of the lists that administrators ask for.

func (m *Manager) isLight(group string) bool { return m.opts.LightQueues && compat.IsLMQ(group) }

// queueOf is the queue under which a group's offset is kept.
func (m *Manager) queueOf(group string, queue int32) int32 {
	if m.isLight(group) {
		return 0
	}
	return queue
}

// splitLight takes the light groups out of keys.
func (m *Manager) splitLight(keys []key) (ordinary, light []key) {
	if !m.opts.LightQueues {
		return keys, nil
	}
	light = slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return !m.isLight(k.group) })
	return slices.DeleteFunc(keys, func(k key) bool { return m.isLight(k.group) }), light
}

// appendLight writes the offsets of light groups, by "topic@group".
func (m *Manager) appendLight(b []byte, keys []key) []byte {
	b = append(b, '{')
	first := true
	for _, k := range keys {
		offset, ok := m.committed.get(k.group, k.topic, 0)
		if !ok {
			continue // removed since the keys were listed
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, "\n\t\t"...)
		b = appendString(b, k.String())
		b = append(b, ':')
		b = strconv.AppendInt(b, offset, 10)
	}
	if !first {
		b = append(b, "\n\t"...)
	}
	return append(b, '}')
}

// snapshotLight gives w the offset of a light group.
func (m *Manager) snapshotLight(w *protocol.ConsumerOffsetSerializeWrapper, k key) {
	if offset, ok := m.committed.get(k.group, k.topic, 0); ok {
		w.LightTable[k.String()] = offset
	}
}

// loadLight takes the offsets of light groups from the file.
func (m *Manager) loadLight(offsets map[string]int64) {
	if !m.opts.LightQueues {
		return
	}
	for at, offset := range offsets {
		k := parseKey(at)
		m.committed.replace(k.group, k.topic, map[int32]int64{0: offset})
	}
}
