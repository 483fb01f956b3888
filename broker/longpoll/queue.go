package longpoll

import "sync"

// queue is the pulls that wait for one queue.
type queue[T any] struct {
	mu      sync.Mutex // guards the fields below, and the links of its Waiters
	classes []*class[T]
	byKind  map[any]*class[T]
	free    *class[T] // was emptied last, for the next
	dead    bool      // removed from Holder.queues: nobody may be parked here

	// What Notify has told of, one message after the other, is known to be nothing for
	// those who still wait, and is not read again for them.
	told int64 // behind the last message
	gaps int64 // how often a message was not the one that was due
}

// class is the pulls of a queue that want the same. There is none without pulls.
type class[T any] struct {
	kind       any
	at         int        // in queue.classes
	head, tail *Waiter[T] // parked last and first
}

// everything is the kind of those without a filter.
type everything struct{}

// link parks w. q.mu is held.
func (q *queue[T]) link(w *Waiter[T]) {
	w.Seen = max(w.Seen, w.From)
	if len(q.classes) == 0 {
		q.told = w.Seen
	}
	w.gaps = q.gaps
	if w.Seen < q.told {
		w.gaps = -1 // a message between was offered to others only
	}
	c := q.classOf(w)
	w.class, w.prev, w.next = c, nil, c.head
	if c.head != nil {
		c.head.prev = w
	} else {
		c.tail = w
	}
	c.head = w
}

func (q *queue[T]) classOf(w *Waiter[T]) *class[T] {
	kind := w.Kind
	switch {
	case w.Filter == nil:
		kind = everything{}
	case kind == nil:
		kind = w
	}
	c := q.byKind[kind]
	if c != nil {
		return c
	}
	if c, q.free = q.free, nil; c == nil {
		c = new(class[T])
	}
	c.kind, c.at = kind, len(q.classes)
	q.classes = append(q.classes, c)
	if q.byKind == nil {
		q.byKind = map[any]*class[T]{}
	}
	q.byKind[kind] = c
	return c
}

// unlink takes w out, and its class when it was the last. Another class may then be
// in its place, one from behind it. q.mu is held.
func (q *queue[T]) unlink(w *Waiter[T], h *Holder[T]) {
	c := w.class
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		c.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		c.tail = w.prev
	}
	w.class, w.prev, w.next = nil, nil, nil
	h.waiting.Add(-1)
	if w.gaps == q.gaps {
		w.Seen = max(w.Seen, q.told)
	}
	if c.head == nil {
		last := len(q.classes) - 1
		q.classes[c.at] = q.classes[last]
		q.classes[c.at].at = c.at
		q.classes[last] = nil
		q.classes = q.classes[:last]
		delete(q.byKind, c.kind)
		*c = class[T]{}
		q.free = c
	}
}

// remove takes w out, and reports whether it was still in.
func (q *queue[T]) remove(w *Waiter[T], h *Holder[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.class == nil {
		return false
	}
	q.unlink(w, h)
	return true
}

// offer wakes the pulls that want a message. Its cost grows with the different wishes,
// not with the pulls.
func (q *queue[T]) offer(h *Holder[T], offset, tagsCode int64, record []byte) {
	q.mu.Lock()
	defer q.mu.Unlock() // also when the record's mapping fails under a filter
	for i := len(q.classes) - 1; i >= 0; i-- {
		w := q.classes[i].head
		if f := w.Filter; f != nil && !(f.MatchUnit(tagsCode) && f.MatchRecord(record)) {
			continue
		}
		for w != nil {
			next := w.next
			if offset >= w.From {
				q.unlink(w, h)
				w.Seen = min(w.Seen, offset) // in a topic that was deleted and made again, what was seen is of the old one
				w.Why = Arrived
				h.wake(w)
			}
			w = next
		}
	}
	if offset != q.told {
		q.gaps++
	}
	q.told = offset + 1
}

// hand takes w out and leaves it to Run. q.mu is held.
func (q *queue[T]) hand(h *Holder[T], w *Waiter[T], why Reason) {
	q.unlink(w, h)
	w.Why = why
	h.wake(w)
}

// takeIf wakes the pulls that due chooses.
func (q *queue[T]) takeIf(h *Holder[T], why Reason, due func(*Waiter[T]) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.visit(func(w *Waiter[T]) bool {
		if due(w) {
			q.hand(h, w, why)
		}
		return true
	})
}

// visit shows every pull to f, those of a class from the one that waits longest, until
// f has had enough. f may take the pull out. q.mu is held.
func (q *queue[T]) visit(f func(*Waiter[T]) bool) {
	for i := len(q.classes) - 1; i >= 0; i-- {
		for w := q.classes[i].tail; w != nil; {
			prev := w.prev
			if !f(w) {
				return
			}
			w = prev
		}
	}
}
