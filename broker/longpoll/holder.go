// Package longpoll parks pulls that found nothing until a message arrives in
// their queue or their time is up, and hands them back to be run again.
//
// The rules are those of upstream's PullRequestHoldService, with two holes
// closed: a message that arrives between the pull's look at the queue and its
// parking wakes it at once and not at the next check five seconds later, and a
// pull's time is kept to the second (intended difference 32). A parked pull is
// one node in a list: no goroutine, no timer. The package knows neither requests
// nor the store; what is parked is the caller's.
//
// Thousands may wait for few messages among many. So the pulls of a queue that want
// the same are one class, and a message is judged once for it; a pull that comes back
// says how far it need not look again; and those that are only to learn that their
// queue is longer come back a few at a time.
package longpoll

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultRecheck is how often parked pulls are compared with the end of their
// queue, when long polling is on.
const DefaultRecheck = 5 * time.Second

// DefaultLimit bounds the pulls that are parked at once.
const DefaultLimit = 100_000

// tick is how exactly deadlines are kept.
const tick = time.Second

// fewWoken is how many pulls Deliver hands back at most: whoever calls it has other
// things to do.
const fewWoken = 16

// Reason is why a parked pull is handed back.
type Reason uint8

// The reasons.
const (
	Arrived  Reason = iota // a message that it may want has arrived
	Moved                  // its queue is longer than it was, though nothing that arrived matched
	TimedOut               // its deadline has passed
	Released               // by WakeAll, or because the Holder stops
)

// Filter is what a pull wants; store filters and package filter's have it. It is
// asked with a lock held.
type Filter interface {
	MatchUnit(tagsCode int64) bool
	// MatchRecord judges by the stored record, which is lent, after MatchUnit agreed.
	MatchRecord(record []byte) bool
}

// Waiter is one pull that waits. It may be embedded in what the caller keeps of
// it, with T a pointer to that.
type Waiter[T any] struct {
	Topic    string // must not be a view into a request
	Queue    int32
	From     int64  // the queue offset that is read next
	Seen     int64  // behind the last message that is known to be none for it, where that is beyond From
	Deadline int64  // ms since 1970
	Filter   Filter // nil wants everything
	Kind     any    // comparable: Filters of equal Kinds judge alike, and one is asked for all. nil is equal to no other
	Request  T

	// Why is set when the Waiter is handed back.
	Why Reason

	// Guarded by the queue's mutex.
	class      *class[T]  // nil when it is not parked
	prev, next *Waiter[T] // in its class
	gaps       int64      // queue.gaps if every message from Seen on is offered to it, else -1
}

// Options say how long parked pulls are left alone and who takes them back.
type Options[T any] struct {
	Now     func() int64  // ms since 1970
	Recheck time.Duration // DefaultRecheck when 0; the short polling time when long polling is off
	Limit   int           // DefaultLimit when 0

	// MaxOffset is the offset behind the last message of a queue. It is called
	// without a lock and must be quick.
	MaxOffset func(topic string, queue int32) int64
	// Gone reports that nobody waits for the answer any more. Such pulls are
	// dropped, not handed back. May be nil.
	Gone func(T) bool
	// Resume takes pulls back, several at once when messages come fast. It is
	// called by Run and by Deliver, at the same time too. The slice is lent until Resume returns, the
	// Waiters are the caller's again and may be parked anew.
	Resume func(woken []*Waiter[T])
}

// Holder keeps the pulls that wait. It is safe for concurrent use.
type Holder[T any] struct {
	opts Options[T]

	queues  sync.Map     // queueKey → *queue[T]
	recheck atomic.Int64 // Options.Recheck
	waiting atomic.Int64 // number of parked Waiters
	ticking atomic.Bool  // Run looks at deadlines; it stops when nothing has waited for a tick
	closed  atomic.Bool

	signal chan struct{} // holds a token when Run has something to look at

	mu       sync.Mutex   // guards the fields below
	ready    []*Waiter[T] // woken, to be handed back
	spare    []*Waiter[T] // what ready was before, empty
	expected int          // calls of Deliver that were announced
}

type queueKey struct {
	topic string
	queue int32
}

// New makes an empty Holder. Nothing is handed back before Run.
func New[T any](o Options[T]) *Holder[T] {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	h := &Holder[T]{opts: o, signal: make(chan struct{}, 1)}
	h.SetRecheck(o.Recheck)
	return h
}

// SetRecheck changes Options.Recheck; DefaultRecheck when it is not positive.
func (h *Holder[T]) SetRecheck(d time.Duration) {
	if d <= 0 {
		d = DefaultRecheck
	}
	h.recheck.Store(int64(d))
}

// Waiting is the number of pulls that are parked.
func (h *Holder[T]) Waiting() int { return int(h.waiting.Load()) }

// Park keeps w until it is handed to Resume, and reports whether it does: a
// Holder that is full or stopping does not, and then w must be answered at once.
// w belongs to the Holder until it is handed back.
func (h *Holder[T]) Park(w *Waiter[T]) bool {
	n := h.waiting.Add(1)
	if n > int64(h.opts.Limit) || h.closed.Load() {
		h.waiting.Add(-1)
		return false
	}
	key, seen := queueKey{w.Topic, w.Queue}, max(w.From, w.Seen)
	q := h.insert(key, w)
	switch {
	case h.closed.Load():
		// The Holder was closed meanwhile. Unless its last sweep has found w, it
		// never will.
		return !q.remove(w, h)
	case h.opts.MaxOffset(key.topic, key.queue) > seen:
		// The message came after the pull had looked and before w was in the list.
		// Those that come from now on find w.
		if q.remove(w, h) {
			w.Why = Arrived
			h.wake(w)
		}
	case !h.ticking.Load():
		h.poke() // Run sleeps without a timer when nothing waits
	}
	return true
}

// insert links w into its queue.
func (h *Holder[T]) insert(key queueKey, w *Waiter[T]) *queue[T] {
	for {
		v, ok := h.queues.Load(key)
		if !ok {
			v, _ = h.queues.LoadOrStore(key, &queue[T]{})
		}
		q := v.(*queue[T])
		q.mu.Lock()
		if q.dead {
			q.mu.Unlock()
			continue // a sweep has just removed it
		}
		q.link(w)
		q.mu.Unlock()
		return q
	}
}

// Notify tells of a message that has arrived: pulls can read it now. It never
// blocks and costs one look-up when nobody waits for the queue. Neither topic nor
// record are kept.
func (h *Holder[T]) Notify(topic string, queueID int32, offset, tagsCode int64, record []byte) {
	if h.waiting.Load() == 0 {
		return
	}
	v, ok := h.queues.Load(queueKey{topic, queueID})
	if !ok {
		return
	}
	v.(*queue[T]).offer(h, offset, tagsCode, record)
}

// wake leaves w to Run, or to Deliver. It may be called with a queue's mutex held.
func (h *Holder[T]) wake(w *Waiter[T]) {
	h.mu.Lock()
	h.ready = append(h.ready, w)
	n, expected := len(h.ready), h.expected > 0
	h.mu.Unlock()
	if n == 1 && !expected || n == fewWoken+1 {
		h.poke()
	}
}

// Expect announces a call of Deliver: what is woken until then is left to it, as long as
// that is little. It is for whoever is about to bring a message, and can
// hand back soon after, in a goroutine that runs anyway, what the message wakes.
// Where a message comes alone, starting Run's goroutine costs more than that.
func (h *Holder[T]) Expect() {
	h.mu.Lock()
	h.expected++
	h.mu.Unlock()
}

// Deliver hands back what is ready, unless that is much: then it is left to Run. It is
// called once for each Expect.
func (h *Holder[T]) Deliver() {
	h.mu.Lock()
	h.expected--
	if n := len(h.ready); n == 0 || n > fewWoken {
		h.mu.Unlock()
		return // Run was told of the many
	}
	woken := h.takeReady()
	h.mu.Unlock()
	h.handBack(woken)
}

// takeReady takes what is ready. h.mu is held.
func (h *Holder[T]) takeReady() (woken []*Waiter[T]) {
	woken, h.ready, h.spare = h.ready, h.spare, nil
	return woken
}

// handBack ends what takeReady has begun.
func (h *Holder[T]) handBack(woken []*Waiter[T]) {
	h.opts.Resume(woken)
	clear(woken) // what was handed back must not be kept alive from here
	h.mu.Lock()
	h.spare = woken[:0]
	h.mu.Unlock()
}

func (h *Holder[T]) poke() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

// WakeAll hands every parked pull back, as upstream does when a master comes
// online.
func (h *Holder[T]) WakeAll() {
	h.sweep(func(_ queueKey, q *queue[T]) {
		q.takeIf(h, Released, func(*Waiter[T]) bool { return true })
	})
}

// Run hands pulls back until ctx is done. Then it hands back all that are left,
// for a last answer, and the Holder takes no more.
func (h *Holder[T]) Run(ctx context.Context) error {
	timer, pacer := time.NewTimer(tick), time.NewTimer(time.Hour)
	defer timer.Stop()
	defer pacer.Stop()
	nextRecheck := h.opts.Now() + time.Duration(h.recheck.Load()).Milliseconds()
	var r round[T]
	h.ticking.Store(true)
	for {
		select {
		case <-ctx.Done():
			h.closed.Store(true)
			h.WakeAll()
			h.deliver()
			return context.Cause(ctx)
		case <-h.signal:
			h.deliver()
		case <-pacer.C:
			if h.step(&r) {
				pacer.Reset(roundStep)
			}
		case <-timer.C:
			h.ticking.Store(false)
			now := h.opts.Now()
			h.check(now)
			h.deliver() // what was left to somebody who is long in coming
			if now >= nextRecheck {
				recheck := time.Duration(h.recheck.Load())
				nextRecheck = now + recheck.Milliseconds()
				h.begin(&r, recheck)
				if h.step(&r) {
					pacer.Reset(roundStep)
				}
			}
		}
		if !h.ticking.Load() && h.waiting.Load() > 0 {
			timer.Reset(min(tick, time.Duration(h.recheck.Load())))
			h.ticking.Store(true)
		}
	}
}

// deliver hands back what is ready.
func (h *Holder[T]) deliver() {
	h.mu.Lock()
	woken := h.takeReady()
	h.mu.Unlock()
	if len(woken) > 0 {
		h.handBack(woken)
	}
}

// check wakes pulls whose time is up.
func (h *Holder[T]) check(now int64) {
	h.sweep(func(_ queueKey, q *queue[T]) {
		q.takeIf(h, TimedOut, func(w *Waiter[T]) bool { return now >= w.Deadline })
	})
}

// sweep visits every queue and removes those that nobody waits for.
func (h *Holder[T]) sweep(visit func(queueKey, *queue[T])) {
	h.queues.Range(func(k, v any) bool {
		q := v.(*queue[T])
		visit(k.(queueKey), q)
		q.mu.Lock()
		if len(q.classes) == 0 {
			q.dead = true
			h.queues.Delete(k)
		}
		q.mu.Unlock()
		return true
	})
}
