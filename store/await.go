package store

import (
	"context"
	"math"
	"sync"
	"time"
)

// ticket is one caller of Await.
type ticket struct {
	end      int64
	deadline int64 // ms
	done     func(Status)
}

// waitList holds the tickets of one stage.
type waitList struct {
	mu      sync.Mutex // guards the fields below; tickets are called without it
	tickets []ticket
	reached int64 // the stage's position: tickets up to here are done
	failed  bool  // no ticket will ever be done
	armed   chan struct{}
}

func newWaitList() *waitList { return &waitList{armed: make(chan struct{}, 1)} }

// Await calls done once: with PutOK when everything before the physical offset end has come to the stage, with
// FlushDiskTimeout at the deadline, with FlushFailed when the disk failed. It does so at once when that is known, else from
// the goroutine that learns it: done must be quick and must not call the store. How many tickets can wait is bounded by the
// requests that the caller admits.
func (s *Store) Await(end int64, stage Stage, deadline time.Time, done func(Status)) {
	if stage == Replicated { // replication is not part of this store: what is appended is all there is
		done(PutOK)
		return
	}
	s.flushWaits.add(ticket{end: end, deadline: deadline.UnixMilli(), done: done})
	s.flushWake()
}

func (w *waitList) add(t ticket) {
	w.mu.Lock()
	if w.reached >= t.end {
		w.mu.Unlock()
		t.done(PutOK)
		return
	}
	if w.failed {
		w.mu.Unlock()
		t.done(FlushFailed)
		return
	}
	w.tickets = append(w.tickets, t)
	first := len(w.tickets) == 1
	w.mu.Unlock()
	if first {
		select {
		case w.armed <- struct{}{}:
		default:
		}
	}
}

// waiting reports whether anybody waits.
func (w *waitList) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tickets) > 0
}

// settle completes the tickets that ready says something about. scratch is reused between calls of one caller.
func (w *waitList) settle(scratch []ticket, ready func(t ticket) bool, status Status) []ticket {
	scratch = scratch[:0]
	w.mu.Lock()
	left := w.tickets[:0]
	for _, t := range w.tickets {
		if ready(t) {
			scratch = append(scratch, t)
		} else {
			left = append(left, t)
		}
	}
	clear(w.tickets[len(left):])
	w.tickets = left
	w.mu.Unlock()
	for i := range scratch {
		scratch[i].done(status)
		scratch[i] = ticket{}
	}
	return scratch
}

// reach moves the stage's position and completes the tickets it has passed.
func (w *waitList) reach(pos int64, scratch []ticket) []ticket {
	w.mu.Lock()
	w.reached = max(w.reached, pos)
	w.mu.Unlock()
	return w.settle(scratch, func(t ticket) bool { return t.end <= pos }, PutOK)
}

// fail completes every ticket, now and ever after, with FlushFailed, except those that are reached.
func (w *waitList) fail() {
	w.mu.Lock()
	w.failed = true
	w.mu.Unlock()
	w.settle(nil, func(ticket) bool { return true }, FlushFailed)
}

// expire completes the tickets whose deadline has passed, until ctx ends.
func (w *waitList) expire(ctx context.Context, now func() time.Time) {
	var scratch []ticket
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.armed:
		case <-timer.C:
		}
		ms := now().UnixMilli()
		scratch = w.settle(scratch, func(t ticket) bool { return t.deadline <= ms }, FlushDiskTimeout)
		if next, ok := w.nextDeadline(); ok {
			timer.Reset(time.Duration(max(next-ms, 1)) * time.Millisecond)
		}
	}
}

func (w *waitList) nextDeadline() (ms int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ms = math.MaxInt64
	for _, t := range w.tickets {
		ms = min(ms, t.deadline)
	}
	return ms, len(w.tickets) > 0
}
