package broadcast

import (
	"maps"
	"slices"
	"time"
)

// SweepInterval is how often upstream forgets clients, and commits.
const SweepInterval = 5 * time.Second

// Sweep forgets clients that have not pulled for long, and calls commit with the
// least offset of those that are left, and of those that had a connection up to now,
// for each queue of a group and topic. members tells the ids of the clients of a
// group that have a connection. Both are called without a lock.
func (m *Manager) Sweep(members func(group string) []string, commit func(topic, group string, queue int32, offset int64)) {
	for _, at := range m.list() {
		present := map[string]bool{}
		for _, id := range members(at.group) {
			present[id] = true
		}
		least := m.sweepPart(at, present)
		for _, queue := range slices.Sorted(maps.Keys(least)) {
			commit(at.topic, at.group, queue, least[queue])
		}
	}
}

func (m *Manager) list() []part {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.parts))
}

// sweepPart returns the least offset of each queue.
func (m *Manager) sweepPart(at part, present map[string]bool) map[int32]int64 {
	absentExpiry, presentExpiry := m.opts.Expiry()
	least := map[int32]int64{}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.opts.Now()
	clients := m.parts[at]
	for id, p := range clients {
		silent, expiry := now.Sub(p.seen), absentExpiry
		if present[id] {
			expiry = presentExpiry
		}
		if present[id] || silent < absentExpiry {
			p.lower(least)
		}
		if silent >= expiry {
			delete(clients, id)
			m.kept -= 1 + len(p.at)
		}
	}
	if len(clients) == 0 {
		delete(m.parts, at)
	}
	return least
}

// lower takes a client's offsets into the least of all.
func (p *progress) lower(least map[int32]int64) {
	for _, at := range p.at {
		if offset, ok := least[at.queue]; !ok || at.offset < offset {
			least[at.queue] = at.offset
		}
	}
}
