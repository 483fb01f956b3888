package lite

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/compat"
)

// client is what one client subscribes to. It stays in the group and with the
// parent topic that it came with.
type client struct {
	group, topic string
	lites        map[string]struct{}
	updated      int64
}

// Who is a client that changes its subscription.
type Who struct{ Client, Group, Topic string }

// Reset says where a new subscription begins.
type Reset struct {
	Kind  string // POLICY, OFFSET, TAIL_N or TIMESTAMP, which means nothing
	Value int64
}

// Values of a Reset of the kind POLICY; 0 goes on where the group is.
const (
	policyMin = 1
	policyMax = 2
)

// Errors of Add.
var (
	ErrQuota    = errors.New("lite subscription quota exceeded")
	ErrWildcard = errors.New("subscribe lite operation is not supported for this group")
)

// wildcardKey stands for all lite topics of a parent, for a wildcard group.
func wildcardKey(topic, group string) string { return topic + "@" + group }

// changes are what follows from a change of subscriptions, to be told when the
// lock is released.
type changes struct {
	signals  []windowKey // new subscriptions
	excluded []exclusion
	resets   []windowKey // start again at 0
}

type exclusion struct{ client, group, lmq string }

// active is those lite topics that exist here or would be made here.
func (m *Manager) active(topic string, lmqs []string) []string {
	return slices.DeleteFunc(slices.Clone(lmqs), func(lmq string) bool {
		return lmq == "" || !m.exists(lmq) && !m.opts.Mine(topic, lmq)
	})
}

func (m *Manager) exists(lmq string) bool {
	_, end := m.opts.Messages.Bounds(lmq, 0)
	return end > 0
}

// Add subscribes a client to more lite topics. Those that belong to another broker
// are passed over.
func (m *Manager) Add(who Who, lmqs []string, reset *Reset) error {
	group := m.opts.Group(who.Group)
	most := m.opts.Settings().Subscriptions
	lmqs = m.active(who.Topic, lmqs)
	m.mu.Lock()
	if int64(m.pairs) >= most {
		m.mu.Unlock()
		return fmt.Errorf("%w %d", ErrQuota, most)
	}
	if group.Wildcard {
		m.mu.Unlock()
		return ErrWildcard
	}
	var follow changes
	c := m.client(who)
	for _, lmq := range lmqs {
		c.lites[lmq] = struct{}{}
		if group.Exclusive {
			m.exclude(who, lmq, group.ResetWhenExcluded, &follow)
		}
	}
	m.mu.Unlock()
	m.restart(follow.resets)
	for _, lmq := range lmqs {
		m.reset(who.Group, lmq, reset)
	}
	follow.resets = nil
	m.mu.Lock()
	c = m.client(who) // it may have been dropped meanwhile
	for _, lmq := range lmqs {
		c.lites[lmq] = struct{}{}
		m.join(who.Client, c, lmq, &follow)
	}
	m.mu.Unlock()
	m.follow(&follow)
	return nil
}

// Remove ends a client's subscription to some lite topics.
func (m *Manager) Remove(who Who, lmqs []string) {
	group := m.opts.Group(who.Group)
	var follow changes
	m.mu.Lock()
	c := m.client(who)
	for _, lmq := range lmqs {
		delete(c.lites, lmq)
		if m.leave(who.Client, lmq) && group.ResetWhenRemoved {
			follow.resets = append(follow.resets, windowKey{lmq, c.group})
		}
	}
	m.mu.Unlock()
	m.follow(&follow)
}

// Replace gives a client exactly these lite topics. A wildcard group has all.
func (m *Manager) Replace(who Who, lmqs []string) {
	if m.opts.Group(who.Group).Wildcard {
		lmqs = []string{wildcardKey(who.Topic, who.Group)}
	} else {
		lmqs = m.active(who.Topic, lmqs)
	}
	var follow changes
	m.mu.Lock()
	c := m.client(who)
	for lmq := range c.lites {
		if !slices.Contains(lmqs, lmq) {
			delete(c.lites, lmq)
			m.leave(who.Client, lmq)
		}
	}
	for _, lmq := range lmqs {
		c.lites[lmq] = struct{}{}
		m.join(who.Client, c, lmq, &follow)
	}
	m.mu.Unlock()
	m.follow(&follow)
}

// Drop forgets a client. What was ready for it goes to others of its group.
func (m *Manager) Drop(id string) {
	m.mu.Lock()
	c := m.clients[id]
	if c == nil {
		m.mu.Unlock()
		return
	}
	delete(m.clients, id)
	for lmq := range c.lites {
		m.leave(id, lmq)
	}
	q := m.queues[id]
	delete(m.queues, id)
	m.mu.Unlock()
	m.opts.Gone(id)
	if q != nil {
		for _, lmq := range q.list {
			m.signal(q.group, lmq, id)
		}
	}
}

// client finds or makes a client, which has shown itself. mu is held.
func (m *Manager) client(who Who) *client {
	c := m.clients[who.Client]
	if c == nil {
		c = &client{group: who.Group, topic: who.Topic, lites: map[string]struct{}{}}
		m.clients[who.Client] = c
	}
	c.updated = m.opts.Now()
	return c
}

// join enters a client under a lite topic. mu is held.
func (m *Manager) join(id string, c *client, lmq string, follow *changes) {
	set := m.members[lmq]
	if set == nil {
		set = map[string]struct{}{}
		m.members[lmq] = set
	}
	if _, there := set[id]; there {
		return
	}
	set[id] = struct{}{}
	m.pairs++
	if lmq == wildcardKey(c.topic, c.group) {
		if m.wild[c.topic] == nil {
			m.wild[c.topic] = map[string]struct{}{}
		}
		m.wild[c.topic][c.group] = struct{}{}
	}
	follow.signals = append(follow.signals, windowKey{lmq, c.group})
}

// leave takes a client out from under a lite topic. mu is held.
func (m *Manager) leave(id, lmq string) bool {
	set := m.members[lmq]
	if _, there := set[id]; !there {
		return false
	}
	delete(set, id)
	m.pairs--
	if len(set) == 0 {
		delete(m.members, lmq)
	}
	return true
}

// exclude takes a lite topic from all other clients of the group. mu is held.
func (m *Manager) exclude(who Who, lmq string, reset bool, follow *changes) {
	for id := range maps.Clone(m.members[lmq]) {
		c := m.clients[id]
		if c == nil || c.group != who.Group || id == who.Client {
			continue
		}
		delete(c.lites, lmq)
		m.leave(id, lmq)
		follow.excluded = append(follow.excluded, exclusion{id, c.group, lmq})
		if reset {
			follow.resets = append(follow.resets, windowKey{lmq, c.group})
		}
	}
}

// follow does what a change asks for. mu is not held.
func (m *Manager) follow(f *changes) {
	for _, e := range f.excluded {
		m.opts.Excluded(e.client, e.group, e.lmq)
	}
	m.restart(f.resets)
	for _, k := range f.signals {
		switch {
		case m.opts.Group(k.group).Wildcard:
			m.lookLater(k.group, k.group, true, wildcardDelay)
		case m.exists(k.lmq):
			m.signal(k.group, k.lmq, "")
		}
	}
}

func (m *Manager) restart(keys []windowKey) {
	for _, k := range keys {
		m.reset(k.group, k.lmq, &Reset{Kind: "POLICY", Value: policyMin})
	}
}

// reset moves a group in a lite topic.
func (m *Manager) reset(group, lmq string, r *Reset) {
	if r == nil {
		return
	}
	current, ok := m.opts.Offsets.Query(group, lmq, 0)
	if !ok {
		current = -1
	}
	var target int64
	switch {
	case r.Kind == "POLICY" && r.Value == policyMin:
	case r.Kind == "POLICY" && r.Value == policyMax:
		_, target = m.opts.Messages.Bounds(lmq, 0)
	case r.Kind == "OFFSET":
		target = r.Value
	case r.Kind == "TAIL_N" && ok:
		target = max(0, current-r.Value)
	default:
		return
	}
	if target == current || m.opts.Offsets.AssignReset(group, lmq, 0, target) != nil {
		return // a negative offset is no place
	}
	m.mu.Lock()
	m.forget(windowKey{lmq, group})
	m.mu.Unlock()
}

// dropSilent drops clients that have said nothing for too long.
func (m *Manager) dropSilent() {
	limit := m.opts.Now() - m.opts.Settings().SilentFor
	var silent []string
	m.mu.Lock()
	for id, c := range m.clients {
		if c.updated < limit {
			silent = append(silent, id)
		}
	}
	m.mu.Unlock()
	slices.Sort(silent)
	for _, id := range silent {
		m.Drop(id)
	}
}

// Forget ends every subscription to a lite topic that is deleted, and the windows
// of these groups in it.
func (m *Manager) Forget(lmq string, groups []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range maps.Clone(m.members[lmq]) {
		if c := m.clients[id]; c != nil {
			delete(c.lites, lmq)
		}
		m.leave(id, lmq)
	}
	for _, group := range groups {
		m.forget(windowKey{lmq, group})
	}
}

// subscribers are the clients of each group that receive a lite topic; of one
// group, when it is named. mu is held.
func (m *Manager) subscribers(group, lmq string) map[string][]string {
	found := map[string][]string{}
	for id := range m.members[lmq] {
		if c := m.clients[id]; c != nil && (group == "" || c.group == group) {
			found[c.group] = append(found[c.group], id)
		}
	}
	parent, _, _ := compat.SplitLiteTopicName(lmq)
	for name := range m.wild[parent] {
		ids := m.members[wildcardKey(parent, name)]
		if len(ids) == 0 {
			delete(m.wild[parent], name)
			continue
		}
		if group == "" || group == name {
			found[name] = slices.Collect(maps.Keys(ids))
		}
	}
	for _, ids := range found {
		slices.Sort(ids)
	}
	return found
}

// Subscribers are the clients of each group that receive a lite topic.
func (m *Manager) Subscribers(lmq string) map[string][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.subscribers("", lmq)
}

// Subscription is what a client subscribes to, sorted, and when it popped last; ok
// is false when it is not known.
func (m *Manager) Subscription(id string) (lmqs []string, accessed int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	accessed = -1
	if q := m.queues[id]; q != nil {
		accessed = q.accessed
	}
	c := m.clients[id]
	if c == nil {
		return nil, accessed, false
	}
	return slices.Sorted(maps.Keys(c.lites)), accessed, true
}
