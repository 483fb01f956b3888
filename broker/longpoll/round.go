package longpoll

import "time"

// A round compares the waiting pulls with the ends of their queues. Where thousands
// wait while others get messages, all of them are to be answered, and ask again at
// once: they are woken a few at a time, so that nobody else waits behind them.

const (
	roundStep  = 10 * time.Millisecond // between two portions
	roundSmall = 64                    // a portion is not smaller
)

// round is what is left of one. It belongs to Run's goroutine.
type round[T any] struct {
	stale   []stale[T]
	portion int // pulls that a step wakes
}

// stale is a queue that was longer, when the round began, than some that wait for it know.
type stale[T any] struct {
	q   *queue[T]
	end int64
}

// begin looks through all queues. What an earlier round has left is part of this one,
// which lasts half of the time until the next.
func (h *Holder[T]) begin(r *round[T], recheck time.Duration) {
	clear(r.stale)
	r.stale = r.stale[:0]
	moved := 0
	h.sweep(func(key queueKey, q *queue[T]) {
		end := h.opts.MaxOffset(key.topic, key.queue)
		if n := q.look(h, end); n > 0 {
			r.stale = append(r.stale, stale[T]{q, end})
			moved += n
		}
	})
	r.portion = max(roundSmall, moved/max(1, int(recheck/2/roundStep)))
}

// step wakes one portion, and reports whether more is left.
func (h *Holder[T]) step(r *round[T]) bool {
	left := r.portion
	for len(r.stale) > 0 {
		last := len(r.stale) - 1
		s := r.stale[last]
		if left -= s.q.takeMoved(h, s.end, left); left == 0 {
			return true
		}
		r.stale[last] = stale[T]{}
		r.stale = r.stale[:last]
	}
	return false
}

// look counts the pulls that do not know of the end of their queue, and drops those
// that nobody waits for any more.
func (q *queue[T]) look(h *Holder[T], end int64) (moved int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.visit(func(w *Waiter[T]) bool {
		switch {
		case h.opts.Gone != nil && h.opts.Gone(w.Request):
			q.unlink(w, h)
		case end > w.From:
			moved++
		}
		return true
	})
	return moved
}

// takeMoved wakes up to limit of the pulls that look counted. One that was woken, and
// is parked again since, knows of the end.
func (q *queue[T]) takeMoved(h *Holder[T], end int64, limit int) (taken int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.visit(func(w *Waiter[T]) bool {
		if end > w.From {
			q.hand(h, w, Moved)
			taken++
		}
		return taken < limit
	})
	return taken
}
