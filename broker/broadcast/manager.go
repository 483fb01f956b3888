// Package broadcast keeps, by client, how far the consumers of groups that
// broadcast have pulled, so that a client that changes between a proxy and the
// broker itself goes on where it was.
//
// The rules are those of upstream's BroadcastOffsetManager in 5.5.0. What is kept
// is in memory only: the least offset of a group's clients is given away now and
// then, to be committed in the name of another group, see [CommitGroup]. Where a
// client begins of which nothing is known is a question about these commits and
// the store, and belongs to the handler.
package broadcast

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// CommitGroup is the group in whose name the least offset of a group's clients is
// committed. No group that a client can name has an @ in it.
func CommitGroup(group string) string { return group + "@broadcast" }

// DefaultLimit is how many clients and queues of clients are kept. A client with
// four queues counts as five, and takes some hundred bytes.
const DefaultLimit = 1 << 18

// Unknown stands for an offset that is not known.
const Unknown int64 = -1

// Options say how long things live. The names in brackets are the official
// configuration keys.
type Options struct {
	Now func() time.Time
	// Expiry tells how long the offsets of a client without a connection to this
	// broker are kept [broadcastOffsetExpireSecond], and those of one with a connection
	// [broadcastOffsetExpireMaxSecond], counted from its last pull.
	Expiry func() (absent, present time.Duration)
	// Limit is how many clients and queues of clients are kept; DefaultLimit when 0. A
	// client that is new beyond that is not kept, and goes where it asks.
	Limit int
}

// Client is one client of a group that broadcasts, in one topic. The strings may
// be views: they are copied when they are kept.
type Client struct {
	Topic, Group, ID string
	Proxied          bool // its pull came by a proxy
}

// Manager knows how far clients have pulled. It is safe for concurrent use. It
// allocates nothing for a client and a queue that it knows.
type Manager struct {
	opts Options

	mu    sync.Mutex // guards what follows
	parts map[part]map[string]*progress
	kept  int // clients and queues of clients in parts
}

// part is what the clients of a group have in common.
type part struct{ topic, group string }

// progress is how far one client has come.
type progress struct {
	seen    time.Time // its last pull
	proxied bool      // that came by a proxy
	at      []position
}

// position is the farthest offset that a client has pulled from in a queue.
type position struct {
	queue  int32
	offset int64
}

// New makes a Manager that knows nobody.
func New(o Options) *Manager {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	return &Manager{opts: o, parts: map[part]map[string]*progress{}}
}

// Begin tells whether a client that pulls from an offset has to begin elsewhere:
// when it comes by a proxy and names no offset, and when it came by another way the
// last time. known is the farthest that it has pulled from in the queue, or Unknown.
func (m *Manager) Begin(c Client, queue int32, offset int64) (known int64, elsewhere bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clients := m.parts[part{c.Topic, c.Group}]
	if clients == nil {
		return Unknown, c.Proxied && offset < 0
	}
	p := clients[c.ID]
	if p == nil {
		m.add(clients, c)
		return Unknown, c.Proxied && offset < 0
	}
	if p.proxied == c.Proxied && (!c.Proxied || offset >= 0) {
		return Unknown, false
	}
	if i, ok := p.search(queue); ok {
		return p.at[i].offset, true
	}
	return Unknown, true
}

// Pulled notes that a client was answered for a pull from an offset.
func (m *Manager) Pulled(c Client, queue int32, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clients := m.parts[part{c.Topic, c.Group}]
	p := clients[c.ID]
	if p == nil {
		if m.kept >= m.opts.Limit {
			return
		}
		if clients == nil {
			clients = map[string]*progress{}
			m.parts[part{strings.Clone(c.Topic), strings.Clone(c.Group)}] = clients
		}
		p = m.add(clients, c)
	}
	p.seen, p.proxied = m.opts.Now(), c.Proxied
	i, ok := p.search(queue)
	switch {
	case ok:
		p.at[i].offset = max(p.at[i].offset, offset)
	case m.kept < m.opts.Limit:
		p.at = slices.Insert(p.at, i, position{queue, offset})
		m.kept++
	}
}

// add makes the entry of a client, or returns nil when too many are kept. m.mu is held.
func (m *Manager) add(clients map[string]*progress, c Client) *progress {
	if m.kept >= m.opts.Limit {
		return nil
	}
	p := &progress{seen: m.opts.Now(), proxied: c.Proxied}
	clients[strings.Clone(c.ID)] = p
	m.kept++
	return p
}

// search is called with the manager's lock held.
func (p *progress) search(queue int32) (int, bool) {
	return slices.BinarySearchFunc(p.at, queue, func(at position, queue int32) int { return int(at.queue) - int(queue) })
}
