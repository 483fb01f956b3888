package clients

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// ProducerOptions say how long a silent producer is kept.
type ProducerOptions struct {
	Now    func() int64 // ms since 1970
	Expiry int64        // ms; upstream's constant is 120 s

	// GroupGone is told, without any lock held, that a group's last member has
	// left. May be nil.
	GroupGone func(group string)
}

// Producers knows the producer groups that have members. It is safe for
// concurrent use.
type Producers struct {
	opts ProducerOptions

	mu        sync.Mutex                    // guards the fields below
	groups    map[string]map[uint64]*Client // by group and session
	bySession map[uint64]map[string]bool    // the groups a session is a member of
	byID      map[string]*Client            // the latest member of that client id
	turn      int                           // moves on with each choice of Pick
}

// NewProducers makes an empty Producers.
func NewProducers(o ProducerOptions) *Producers {
	return &Producers{
		opts:      o,
		groups:    map[string]map[uint64]*Client{},
		bySession: map[uint64]map[string]bool{},
		byID:      map[string]*Client{},
	}
}

// Register notes that a client produces for a group, or still does. The strings
// are kept. It returns where a client stands that was known, otherwise the zero
// Standing.
func (m *Producers) Register(group string, who Identity) Standing {
	now := m.opts.Now()
	id := who.Session.ID()
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.groups[group][id]; known != nil {
		known.seen.Store(now)
		return Standing{client: known}
	}
	member := newClient(who, now)
	if m.groups[group] == nil {
		m.groups[group] = map[uint64]*Client{}
	}
	m.groups[group][id] = member
	if m.bySession[id] == nil {
		m.bySession[id] = map[string]bool{}
	}
	m.bySession[id][group] = true
	m.byID[member.ID] = member
	return Standing{}
}

// Unregister removes a session from a group.
func (m *Producers) Unregister(group string, session Session) {
	m.mu.Lock()
	gone := m.drop(group, session.ID())
	m.mu.Unlock()
	m.tell(gone)
}

// CloseSession removes a session from all its groups. It costs nothing for
// sessions that are members of none.
func (m *Producers) CloseSession(session Session) {
	m.mu.Lock()
	var gone []string
	for group := range maps.Clone(m.bySession[session.ID()]) {
		gone = append(gone, m.drop(group, session.ID())...)
	}
	m.mu.Unlock()
	m.tell(gone)
}

// Expire removes the members that were silent for longer than Expiry and closes
// their sessions.
func (m *Producers) Expire() {
	now := m.opts.Now()
	m.mu.Lock()
	var silent []Session
	var gone []string
	for group, members := range m.groups {
		for id, c := range members {
			if now-c.LastSeen() > m.opts.Expiry {
				silent = append(silent, c.Session)
				gone = append(gone, m.drop(group, id)...)
			}
		}
	}
	m.mu.Unlock()
	for _, session := range silent {
		session.Close(ErrSilent)
	}
	m.tell(gone)
}

// drop takes a session out of a group and returns the group's name when it was
// the last, otherwise nothing. m.mu is held.
func (m *Producers) drop(group string, session uint64) (gone []string) {
	c := m.groups[group][session]
	if c == nil {
		return nil
	}
	c.left.Store(true)
	delete(m.groups[group], session)
	delete(m.bySession[session], group)
	if len(m.bySession[session]) == 0 {
		delete(m.bySession, session)
	}
	if m.byID[c.ID] == c {
		delete(m.byID, c.ID)
	}
	if len(m.groups[group]) > 0 {
		return nil
	}
	delete(m.groups, group)
	// The caller's name may be a view into a request; whoever is told may keep it.
	return []string{strings.Clone(group)}
}

func (m *Producers) tell(gone []string) {
	if m.opts.GroupGone == nil {
		return
	}
	for _, group := range gone {
		m.opts.GroupGone(group)
	}
}

// Online reports whether a group has members.
func (m *Producers) Online(group string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.groups[group]) > 0
}

// Members lists a group's members, oldest session first.
func (m *Producers) Members(group string) []*Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(group)
}

func (m *Producers) list(group string) []*Client {
	members := make([]*Client, 0, len(m.groups[group]))
	for _, id := range slices.Sorted(maps.Keys(m.groups[group])) {
		members = append(members, m.groups[group][id])
	}
	return members
}

// Groups lists the members of every group.
func (m *Producers) Groups() map[string][]*Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[string][]*Client, len(m.groups))
	for group := range m.groups {
		all[group] = m.list(group)
	}
	return all
}

// FindID returns the member of any group with a client id, or nil.
func (m *Producers) FindID(clientID string) *Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byID[clientID]
}

// pickTries is how many members Pick looks at before it gives up.
const pickTries = 3

// Pick chooses a member of a group, another one each time, for a question that
// any member can answer (the state of a transaction). usable says whether a
// member can be written to; nil is returned when it refuses those asked. It is
// called without a lock.
func (m *Producers) Pick(group string, usable func(*Client) bool) *Client {
	m.mu.Lock()
	members := m.list(group)
	m.turn++
	turn := m.turn
	m.mu.Unlock()
	for i := range min(pickTries, len(members)) {
		if c := members[(turn+i)%len(members)]; usable(c) {
			return c
		}
	}
	return nil
}
