package lite

import (
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// Times of upstream's LiteEventDispatcher, in ms.
const (
	wildcardDelay  = 5_000  // before a wildcard group that grew is looked through
	stuckAfter     = 10_000 // a client with something ready that does not pop
	goneAfter      = 35_000 // and one with nothing ready
	passedOver     = 10_000 // such a client gets nothing new for so long, unless there is no other
	passedOverMore = 15_000 // and is looked after later by up to this
	busyWithin     = 5_000  // a client that popped so lately is busy
	busyMore       = 10_000
	leastDelay     = 50
)

// lowWater is how full a ready queue may be for the client to be looked through.
const lowWater = 0.2

// readyQueue is the lite topics that have something for a client, oldest first.
type readyQueue struct {
	group    string
	list     []string
	in       map[string]struct{}
	most     int
	accessed int64 // when the client popped last, or since when there is the queue
}

// fullLook is a look through all lite topics of a client or a wildcard group that
// is to come.
type fullLook struct {
	group    string
	wildcard bool
	at       int64
}

// offer puts a lite topic in, once. It fails when the queue is full.
func (q *readyQueue) offer(lmq string) bool {
	if _, there := q.in[lmq]; there && len(q.list) < q.most {
		return true
	}
	if len(q.list) >= q.most {
		return false
	}
	lmq = strings.Clone(lmq)
	q.list = append(q.list, lmq)
	q.in[lmq] = struct{}{}
	return true
}

func (q *readyQueue) poll(now int64) (string, bool) {
	q.accessed = now
	if len(q.list) == 0 {
		return "", false
	}
	lmq := q.list[0]
	q.list = slices.Delete(q.list, 0, 1)
	delete(q.in, lmq)
	return lmq, true
}

// stuck reports whether the client does not pop any more.
func (q *readyQueue) stuck(now int64) bool {
	idle := now - q.accessed
	return idle > goneAfter || len(q.list) > 0 && idle > stuckAfter
}

// queue finds or makes a client's ready queue. mu is held.
func (m *Manager) queue(id, group string, most int) *readyQueue {
	q := m.queues[id]
	if q == nil {
		q = &readyQueue{group: group, in: map[string]struct{}{}, most: most, accessed: m.opts.Now()}
		m.queues[id] = q
	}
	return q
}

// capacity is the length of a group's ready queues.
func (m *Manager) capacity(group string) int {
	if n := m.opts.Group(group).Events; n > 0 {
		return int(n)
	}
	return int(m.opts.Settings().Events)
}

// Arrived is told that a light queue was given a message.
func (m *Manager) Arrived(lmq string) {
	if compat.IsLiteTopicName(lmq) {
		m.signal("", lmq, "")
	}
}

// signal makes a lite topic ready for one client of each group that subscribes to
// it, or of one group, and wakes the client. The client except is the last choice.
func (m *Manager) signal(group, lmq, except string) {
	m.mu.Lock()
	groups := m.subscribers(group, lmq)
	m.mu.Unlock()
	for name, ids := range groups {
		m.choose(name, lmq, ids, except)
	}
}

// choose makes a lite topic ready for one of some clients of a group.
func (m *Manager) choose(group, lmq string, ids []string, except string) bool {
	s := m.opts.Settings()
	if len(ids) == 0 || s.NoEvents {
		return true
	}
	wildcard, most, now := m.opts.Group(group).Wildcard, m.capacity(group), m.opts.Now()
	start := m.opts.Random(len(ids))
	var last []string
	chosen := ""
	m.mu.Lock()
	for i := range ids {
		id := ids[(start+i)%len(ids)]
		if until, slow := m.slow[id]; id == except || slow && until > now {
			if id == except || !wildcard {
				last = append(last, id)
			}
			continue
		}
		if m.queue(id, group, most).offer(lmq) {
			chosen = id
			break
		}
		m.overflow(id, group, wildcard, now, &s)
	}
	for i := 0; chosen == "" && i < len(last); i++ {
		if m.queue(last[i], group, most).offer(lmq) {
			chosen = last[i]
			break
		}
		m.overflow(last[i], group, wildcard, now, &s)
	}
	m.mu.Unlock()
	switch {
	case chosen != "":
		m.opts.Wake(chosen)
	case wildcard:
		m.lookLater(group, group, true, s.FullDelayOfWildcard)
	}
	return chosen != ""
}

// overflow has a client looked through later whose queue is full. mu is held.
func (m *Manager) overflow(id, group string, wildcard bool, now int64, s *Settings) {
	if wildcard {
		return
	}
	delay := s.FullDelay
	if m.slow[id] > now {
		delay += int64(m.opts.Random(passedOverMore))
	}
	m.schedule(id, group, false, delay)
}

// lookLater has a client, or a wildcard group, looked through after a time.
func (m *Manager) lookLater(name, group string, wildcard bool, delay int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.schedule(name, group, wildcard, delay)
}

func (m *Manager) schedule(name, group string, wildcard bool, delay int64) {
	if wildcard {
		name = "$" + name + "$"
	}
	if _, there := m.later[name]; !there {
		m.later[name] = fullLook{group: group, wildcard: wildcard, at: m.opts.Now() + max(delay, leastDelay)}
	}
}

// LookThrough makes every lite topic ready for a client in which its group lags.
func (m *Manager) LookThrough(id, group string) {
	s, now, most := m.opts.Settings(), m.opts.Now(), m.capacity(group)
	m.mu.Lock()
	c := m.clients[id]
	if c == nil || len(c.lites) == 0 || s.NoEvents {
		m.mu.Unlock()
		return
	}
	q := m.queue(id, group, most)
	jitter := 0
	switch {
	case q.stuck(now):
		jitter = passedOverMore
	case float64(len(q.list)) < lowWater*float64(q.most):
		lmqs := slices.Sorted(maps.Keys(c.lites))
		m.mu.Unlock()
		m.lookAt(id, group, lmqs)
		return
	case now-q.accessed >= busyWithin:
		jitter = busyMore
	}
	delay := s.FullDelay
	if jitter > 0 {
		delay += int64(m.opts.Random(jitter))
	}
	m.schedule(id, group, false, delay)
	m.mu.Unlock()
}

// lookAt offers a client those lite topics in which its group lags.
func (m *Manager) lookAt(id, group string, lmqs []string) {
	for _, lmq := range lmqs {
		if !m.lags(group, lmq) || m.blocked(windowKey{lmq, group}, "") { // what is awaited is made ready when it is free
			continue
		}
		m.mu.Lock()
		q := m.queues[id]
		full := q != nil && !q.offer(lmq)
		if full {
			m.schedule(id, group, false, m.opts.Settings().FullDelay)
		}
		m.mu.Unlock()
		if q == nil || full {
			break
		}
	}
	m.opts.Wake(id)
}

func (m *Manager) lags(group, lmq string) bool {
	_, end := m.opts.Messages.Bounds(lmq, 0)
	at, ok := m.opts.Offsets.Query(group, lmq, 0)
	return end > 0 && (!ok || at < end)
}

// LookThroughGroup does so for every client of a group.
func (m *Manager) LookThroughGroup(group string) {
	g := m.opts.Group(group)
	if g.Wildcard {
		m.lookThroughWildcard(group, g.Bound)
		return
	}
	var ids []string
	m.mu.Lock()
	for id, c := range m.clients {
		if c.group == group {
			ids = append(ids, id)
		}
	}
	m.mu.Unlock()
	slices.Sort(ids)
	for _, id := range ids {
		m.LookThrough(id, group)
	}
}

// lookThroughWildcard shares all lite topics of a parent in which a group lags out
// among its clients.
func (m *Manager) lookThroughWildcard(group, parent string) {
	m.mu.Lock()
	ids := slices.Sorted(maps.Keys(m.members[wildcardKey(parent, group)]))
	m.mu.Unlock()
	if parent == "" || len(ids) == 0 || m.opts.Settings().NoEvents {
		return
	}
	for _, lmq := range m.opts.Messages.LiteTopics(parent) {
		if m.lags(group, lmq) && !m.blocked(windowKey{lmq, group}, "") && !m.choose(group, lmq, ids, "") {
			return // choose has it looked through again
		}
	}
}

// Scan takes ready queues away from clients that do not pop, and makes the looks
// that are due.
func (m *Manager) Scan() {
	now := m.opts.Now()
	var orphans []struct{ id, group, lmq string }
	var due []string
	looks := map[string]fullLook{}
	m.mu.Lock()
	for id, q := range m.queues {
		if q.stuck(now) {
			delete(m.queues, id)
			m.slow[id] = now + passedOver
			for _, lmq := range q.list {
				orphans = append(orphans, struct{ id, group, lmq string }{id, q.group, lmq})
			}
		}
	}
	maps.DeleteFunc(m.slow, func(_ string, until int64) bool { return until <= now })
	for name, look := range m.later {
		if look.at <= now {
			delete(m.later, name)
			due, looks[name] = append(due, name), look
		}
	}
	m.mu.Unlock()
	for _, o := range orphans {
		m.signal(o.group, o.lmq, o.id)
	}
	slices.Sort(due)
	for _, name := range due {
		if look := looks[name]; look.wildcard {
			m.LookThroughGroup(look.group)
		} else {
			m.LookThrough(name, look.group)
		}
	}
}

// Ready reports whether a client has something to pop.
func (m *Manager) Ready(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.queues[id]
	return q != nil && len(q.list) > 0
}
