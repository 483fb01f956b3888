package lite

import (
	"context"
	"sync"
	"time"

	"github.com/gantrymq/gantry/store"
)

// Settings are what a configuration says. The names in brackets are the official
// keys; times are in ms.
type Settings struct {
	Subscriptions       int64 // [maxLiteSubscriptionCount] most pairs of client and lite topic
	Events              int32 // [maxClientEventCount] length of a client's ready queue
	ScanEvery           int64 // [liteEventCheckInterval]
	FullDelay           int64 // [liteEventFullDispatchDelayTime]
	FullDelayOfWildcard int64 // [liteEventFullDispatchDelayTimeForWildcardGroup]
	CheckEvery          int64 // [liteSubscriptionCheckInterval]
	SilentFor           int64 // [liteSubscriptionCheckTimeoutMills] a client that says nothing for so long is dropped
	CheckInMemory       bool  // [initPopOffsetByCheckMsgInMem]
	NoEvents            bool  // [enableLiteEventMode=false] pops look into every lite topic of the client; nothing is made ready, nobody is woken
}

// Group is what the attributes of a group say.
type Group struct {
	Bound             string // lite.bind.topic: the parent topic
	Exclusive         bool   // lite.sub.model
	ResetWhenExcluded bool   // lite.sub.reset.offset.exclusive
	ResetWhenRemoved  bool   // lite.sub.reset.offset.unsubscribe
	Wildcard          bool   // lite.sub.wildcard
	Events            int32  // lite.sub.client.max.event.cnt, 0 when it is not set
}

// Messages is the store.
type Messages interface {
	// Get reads messages that a group is given.
	Get(group string, q *store.Query, r *store.GetResult)
	// Bounds is the first offset of a queue and the one behind its last message; 0
	// and 0 for one that does not exist.
	Bounds(topic string, queue int32) (first, end int64)
	// StartsInMemory reports whether the first message of a queue is young enough to
	// be in memory.
	StartsInMemory(topic string, queue int32) bool
	// LiteTopics lists the light queues of a parent topic.
	LiteTopics(parent string) []string
}

// Offsets is how far groups are, by queue.
type Offsets interface {
	Query(group, topic string, queue int32) (int64, bool)
	Commit(group, topic string, queue int32, offset int64) (previous int64)
	AssignReset(group, topic string, queue int32, offset int64) error
	HasReset(group, topic string, queue int32) bool
	TakeReset(group, topic string, queue int32) (int64, bool)
}

// Options are what a Manager works with. All functions must be safe for concurrent
// use.
type Options struct {
	Now      func() int64    // ms since 1970
	Random   func(n int) int // below n
	Settings func() Settings
	Messages Messages
	Offsets  Offsets
	Group    func(name string) Group
	// Mine reports whether a lite topic that does not exist yet would be this
	// broker's. It may ask a name server.
	Mine func(parent, lmq string) bool
	// Wake is told that a client has something to pop.
	Wake func(client string)
	// Gone is told that a client was forgotten.
	Gone func(client string)
	// Excluded is told that a client lost a lite topic to another of its group.
	Excluded func(client, group, lmq string)
}

// Manager serves the lite topics of a broker. It is safe for concurrent use.
type Manager struct {
	opts  Options
	armed chan struct{} // holds a token when there are windows to watch

	mu      sync.Mutex // guards the fields below
	clients map[string]*client
	members map[string]map[string]struct{} // clients by lite topic, or by wildcard key
	wild    map[string]map[string]struct{} // wildcard groups with clients, by parent topic
	pairs   int                            // of client and lite topic
	queues  map[string]*readyQueue         // by client
	slow    map[string]int64               // clients whose ready queue was taken away, until when they are passed over
	later   map[string]fullLook            // by client or wildcard group
	windows map[windowKey]*window
	freeAt  map[windowKey]int64 // when a window gives messages again
	busy    map[windowKey]bool  // being popped; true: signalled meanwhile
}

// New makes a Manager.
func New(o Options) *Manager {
	return &Manager{
		opts: o, armed: make(chan struct{}, 1), clients: map[string]*client{}, members: map[string]map[string]struct{}{},
		wild: map[string]map[string]struct{}{}, queues: map[string]*readyQueue{}, slow: map[string]int64{}, later: map[string]fullLook{},
		windows: map[windowKey]*window{}, freeAt: map[windowKey]int64{}, busy: map[windowKey]bool{},
	}
}

// freeTick is how exactly messages come again when their time is over.
const freeTick = 100 * time.Millisecond

// Run gives messages again whose time is over, looks after ready queues that
// nobody empties and drops silent clients, until ctx is done.
func (m *Manager) Run(ctx context.Context) error {
	tick := time.NewTimer(freeTick)
	defer tick.Stop()
	scanned, checked := m.opts.Now(), m.opts.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.armed:
		case <-tick.C:
		}
		now, s := m.opts.Now(), m.opts.Settings()
		waiting := m.freeWindows()
		if now-scanned >= s.ScanEvery {
			scanned = now
			m.Scan()
		}
		if now-checked >= s.CheckEvery {
			checked = now
			m.dropSilent()
		}
		next := freeTick
		if !waiting {
			next = max(freeTick, time.Duration(min(scanned+s.ScanEvery, checked+s.CheckEvery)-now)*time.Millisecond)
		}
		tick.Reset(next)
	}
}

// Counts is how many pairs of client and lite topic, windows and ready queues
// there are.
func (m *Manager) Counts() (subscriptions, windows, queues int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pairs, len(m.windows), len(m.queues)
}
