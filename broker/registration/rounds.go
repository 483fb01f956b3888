package registration

import "sync"

// Rounds ties those who want a registration to the one who makes it: everybody
// who asks while one is under way shares the next. The zero value is ready. It is
// safe for concurrent use.
type Rounds struct {
	mu   sync.Mutex // guards the fields below
	next chan struct{}
	over bool
}

// Join returns a channel that is closed when a registration that begins after
// this call has been made, or none will be any more.
func (r *Rounds) Join() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = make(chan struct{})
		if r.over {
			close(r.next)
		}
	}
	return r.next
}

// Begin starts a registration that serves whoever has joined so far. The caller
// calls done when it is made, successful or not.
func (r *Rounds) Begin() (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	round := r.next
	r.next = nil
	if round == nil || r.over {
		return func() {}
	}
	return func() { close(round) }
}

// End lets everybody go who waits or will wait. Begin is not called afterwards.
func (r *Rounds) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.over = true
	if r.next != nil {
		close(r.next)
	}
}
