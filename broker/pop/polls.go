package pop

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// PollLimits bound what waits. The names in brackets are the official keys.
type PollLimits struct {
	PerQueue int   // [popPollingSize] for one group at one queue
	Total    int64 // [maxPopPollingSize]
	// Force is how often, counted by queue offset, a message wakes somebody whatever
	// his filter says [popLongPollingForceNotifyInterval].
	Force int64
}

// PollOptions say who takes back what waits.
type PollOptions[T any] struct {
	Now     func() int64 // ms since 1970
	Limits  func() PollLimits
	Workers int // goroutines that hand back; 1 when 0
	// Gone reports that nobody waits for the answer any more.
	Gone func(T) bool
	// Resume takes a request back, because a message may be there or its time is
	// over. It is called by Run's workers.
	Resume func(T)
}

// Poll is one request that waits.
type Poll[T any] struct {
	Topic, Group string // must not be views into a request
	Queue        int32  // -1: any
	Deadline     int64  // ms since 1970
	Filter       PollFilter
	Request      T
}

// PollFilter is what a request wants; nil wants everything.
type PollFilter interface {
	MatchUnit(tagsCode int64) bool
	MatchRecord(record []byte) bool
}

// Polls keeps pops and notifications that found nothing, by topic, group and
// queue. A message wakes one of each group: the one whose time ends first. It is
// upstream's PopLongPollingService, and safe for concurrent use.
type Polls[T any] struct {
	opts    PollOptions[T]
	waiting atomic.Int64
	told    atomic.Uint64 // calls of Arrived
	armed   chan struct{} // holds a token when Run, which has slept, has deadlines to keep

	mu     sync.Mutex // guards the fields below
	queues map[queueKey][]*Poll[T]
	groups map[string]map[string]int // topic → group → how many of its requests wait
	ready  []*Poll[T]
	closed bool
	wake   sync.Cond // ready or closed changed
}

// pollTick is how exactly deadlines are kept; early is how much sooner than its
// deadline a request is handed back, so that the answer is there in time.
const (
	pollTick  = 20 * time.Millisecond
	pollEarly = 50
)

// NewPolls makes an empty Polls. Nothing is handed back before Run.
func NewPolls[T any](o PollOptions[T]) *Polls[T] {
	p := &Polls[T]{opts: o, queues: map[queueKey][]*Poll[T]{}, groups: map[string]map[string]int{}, armed: make(chan struct{}, 1)}
	p.wake.L = &p.mu
	return p
}

// PollOutcome is what Wait did.
type PollOutcome uint8

// The outcomes.
const (
	Parked   PollOutcome = iota // the request waits
	PollFull                    // too many wait already
	PollLate                    // its time is over
)

// Wait keeps a request until it is handed to Resume.
func (p *Polls[T]) Wait(w *Poll[T]) PollOutcome {
	limits := p.opts.Limits()
	if p.waiting.Load() >= limits.Total {
		return PollFull
	}
	if p.opts.Now() > w.Deadline-pollEarly {
		return PollLate
	}
	k := queueKey{w.Topic, w.Group, max(w.Queue, -1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[k]
	if len(q) > limits.PerQueue {
		return PollFull
	}
	if p.closed {
		return PollLate
	}
	at, _ := slices.BinarySearchFunc(q, w, func(a, b *Poll[T]) int {
		return cmp.Or(cmp.Compare(a.Deadline, b.Deadline), -1) // behind its equals
	})
	p.queues[k] = slices.Insert(q, at, w)
	if p.groups[w.Topic] == nil {
		p.groups[w.Topic] = map[string]int{}
	}
	p.groups[w.Topic][w.Group]++
	if p.waiting.Add(1) == 1 {
		select {
		case p.armed <- struct{}{}:
		default:
		}
	}
	return Parked
}

// Waiting is how many requests of a group wait for a queue, or for any when it is
// negative.
func (p *Polls[T]) Waiting(topic, group string, queue int32) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queues[queueKey{topic, group, max(queue, -1)}])
}

// Told counts the messages that were told of. Who has looked for some in vain, and
// waits, looks again when it is no longer what it was before he looked: nobody is
// woken by a message that comes in between.
func (p *Polls[T]) Told() uint64 { return p.told.Load() }

// Arrived tells of a message that can be read now. It costs one look when nobody
// waits. The record is lent; a message in a retry topic wakes the group that its
// record names.
func (p *Polls[T]) Arrived(topic string, queue int32, offset, tagsCode int64, record []byte) {
	p.told.Add(1)
	if p.waiting.Load() == 0 {
		return
	}
	if strings.HasPrefix(topic, protocol.PrefixRetry) {
		p.arrivedAgain(topic, queue, record)
		return
	}
	force := p.opts.Limits().Force
	forced := force > 0 && offset%force == 0
	match := func(f PollFilter) bool {
		return forced || f == nil || f.MatchUnit(tagsCode) && f.MatchRecord(record)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for group := range p.groups[topic] {
		p.wakeOne(queueKey{topic, group, -1}, match)
		p.wakeOne(queueKey{topic, group, queue}, match)
	}
}

// arrivedAgain tells of a message in the retry topic of pops.
func (p *Polls[T]) arrivedAgain(topic string, queue int32, record []byte) {
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, false); err != nil {
		return
	}
	group, _ := codec.Property(m.Properties, protocol.PropertyOriginGroup)
	normal := NormalTopic(topic, group)
	if group == "" || normal == topic {
		return
	}
	p.Free(normal, group, queue)
}

// Free tells that a group may find something in a topic: one request that waits
// for any queue and one that waits for this one are woken, whatever they want.
func (p *Polls[T]) Free(topic, group string, queue int32) (woken bool) {
	if p.waiting.Load() == 0 {
		return false
	}
	any := func(PollFilter) bool { return true }
	p.mu.Lock()
	defer p.mu.Unlock()
	woken = p.wakeOne(queueKey{topic, group, -1}, any)
	if queue >= 0 {
		woken = p.wakeOne(queueKey{topic, group, queue}, any) || woken
	}
	return woken
}

// wakeOne wakes the request whose time ends first, if it wants to be. p.mu is
// held.
func (p *Polls[T]) wakeOne(k queueKey, match func(PollFilter) bool) bool {
	for q := p.queues[k]; len(q) > 0; q = p.queues[k] {
		w := q[0]
		gone := p.opts.Gone != nil && p.opts.Gone(w.Request)
		if !gone && !match(w.Filter) {
			return false
		}
		p.remove(k, q, 1)
		if gone {
			continue
		}
		p.ready = append(p.ready, w)
		p.wake.Signal()
		return true
	}
	return false
}

// remove takes the first n requests of a queue out. p.mu is held.
func (p *Polls[T]) remove(k queueKey, q []*Poll[T], n int) {
	p.waiting.Add(int64(-n))
	if groups := p.groups[k.topic]; groups != nil {
		if groups[k.group] -= n; groups[k.group] <= 0 {
			delete(groups, k.group)
		}
		if len(groups) == 0 {
			delete(p.groups, k.topic)
		}
	}
	if n == len(q) {
		delete(p.queues, k)
		return
	}
	p.queues[k] = slices.Delete(q, 0, n)
}

// Run hands requests back until ctx is done; then it hands back all that are left,
// for a last answer, and keeps no more.
func (p *Polls[T]) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range max(p.opts.Workers, 1) {
		workers.Go(p.work)
	}
	tick := time.NewTimer(pollTick)
	defer tick.Stop()
	for ticking := true; ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-p.armed:
			if !ticking {
				tick.Reset(pollTick)
			}
			ticking = true
		case <-tick.C:
			if ticking = p.waiting.Load() > 0; ticking { // otherwise whoever comes next arms it
				p.expire(p.opts.Now(), false)
				tick.Reset(pollTick)
			}
		}
	}
	p.expire(0, true)
	workers.Wait()
	return context.Cause(ctx)
}

// expire makes requests ready whose time is over, or all of them for the last
// time.
func (p *Polls[T]) expire(now int64, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, q := range p.queues {
		n := 0
		for n < len(q) && (last || now > q[n].Deadline-pollEarly) {
			p.ready = append(p.ready, q[n])
			n++
		}
		if n > 0 {
			p.remove(k, q, n)
		}
	}
	p.closed = p.closed || last
	if len(p.ready) > 0 || last {
		p.wake.Broadcast()
	}
}

// work hands back what is ready, until Run ends and nothing is.
func (p *Polls[T]) work() {
	for {
		p.mu.Lock()
		for len(p.ready) == 0 && !p.closed {
			p.wake.Wait()
		}
		if len(p.ready) == 0 {
			p.mu.Unlock()
			return
		}
		w := p.ready[0]
		p.ready = slices.Delete(p.ready, 0, 1)
		p.mu.Unlock()
		p.opts.Resume(w.Request)
	}
}
