package pop

import "sync"

// queueKey names a group's view of one queue.
type queueKey struct {
	topic, group string
	queue        int32
}

// claims lets one pop at a time at a group's queue: who comes second passes on
// instead of waiting. It also serialises acknowledgements of ordered groups.
type claims struct {
	mu   sync.Mutex // guards held
	free sync.Cond  // a key was released
	held map[queueKey]bool
}

func newClaims() *claims {
	c := &claims{held: map[queueKey]bool{}}
	c.free.L = &c.mu
	return c
}

// try takes a key if it is free. What is kept of it is a copy.
func (c *claims) try(k queueKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[k] {
		return false
	}
	c.held[k] = true
	return true
}

// take waits for a key. Holders keep one for the time of a read and an append.
func (c *claims) take(k queueKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.held[k] {
		c.free.Wait()
	}
	c.held[k] = true
}

func (c *claims) release(k queueKey) {
	c.mu.Lock()
	delete(c.held, k)
	c.mu.Unlock()
	c.free.Broadcast()
}
