package pop

import (
	"strings"
	"sync"
)

// inFlight counts what groups have in hand: messages that were given out and are
// neither acknowledged nor given again. As upstream's PopInflightMessageCounter it
// begins with nothing, at the start of the process or when the limit is switched
// on, and believes every acknowledgement of a later pop.
type inFlight struct {
	since int64 // ms since 1970; what was given out before is not counted

	mu     sync.Mutex // guards the fields below
	most   int64      // a queue of which a group has more in hand gives nothing
	counts map[queueKey]*int64
}

// full reports whether a group has too much of a queue in hand.
func (f *inFlight) full(k queueKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(k) > f.most
}

// count is how much of a queue a group has in hand. f.mu is held.
func (f *inFlight) count(k queueKey) int64 {
	if n := f.counts[k]; n != nil {
		return *n
	}
	return 0
}

// add notes messages that were given out. The key may be of views.
func (f *inFlight) add(k queueKey, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.counts[k]; c != nil {
		*c += int64(n)
		return
	}
	c := int64(n)
	f.counts[queueKey{strings.Clone(k.topic), strings.Clone(k.group), k.queue}] = &c
}

// done notes that messages of a pop are in hand no longer, and reports whether that
// is why the queue gives messages again.
func (f *inFlight) done(k queueKey, popTime int64, n int) (freed bool) {
	if popTime < f.since {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counts[k]
	if c == nil {
		return false
	}
	before := *c
	if *c -= int64(n); *c <= 0 {
		delete(f.counts, k)
	}
	return before > f.most && *c <= f.most
}

// forget drops the counts of some keys, and returns those that were full.
func (f *inFlight) forget(which func(queueKey) bool) (freed []queueKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, c := range f.counts {
		if !which(k) {
			continue
		}
		if *c > f.most {
			freed = append(freed, k)
		}
		delete(f.counts, k)
	}
	return freed
}

// limit sets another limit, and returns what is no longer full.
func (f *inFlight) limit(most int64) (freed []queueKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, c := range f.counts {
		if *c > f.most && *c <= most {
			freed = append(freed, k)
		}
	}
	f.most = most
	return freed
}

// LimitInFlight says how much of one queue a group may have in hand before it gets
// no more [enablePopMessageThreshold, popInflightMessageThreshold]. Without a limit
// nothing is counted, and there is none before the first call. Calls must not overlap.
func (p *Popper) LimitInFlight(on bool, most int64) {
	f := p.inFlight.Load()
	switch {
	case on && f == nil:
		p.inFlight.Store(&inFlight{since: p.opts.Now(), most: most, counts: map[queueKey]*int64{}})
	case on:
		p.tellFreed(f.limit(most)...)
	case f != nil:
		p.inFlight.Store(nil)
		p.tellFreed(f.forget(func(queueKey) bool { return true })...)
	}
}

// ForgetGroup forgets what a group that was deleted had in hand.
func (p *Popper) ForgetGroup(group string) {
	p.forget(func(k queueKey) bool { return k.group == group })
}

// ForgetTopic forgets what groups had in hand of a topic that was deleted.
func (p *Popper) ForgetTopic(topic string) {
	p.forget(func(k queueKey) bool { return k.topic == topic })
}

// ForgetQueue forgets what a group has in hand of one queue: it goes on elsewhere.
func (p *Popper) ForgetQueue(topic, group string, queue int32) {
	p.forget(func(k queueKey) bool { return k == queueKey{topic, group, queue} })
}

func (p *Popper) forget(which func(queueKey) bool) {
	if f := p.inFlight.Load(); f != nil {
		p.tellFreed(f.forget(which)...)
	}
}

// Revived notes that a message of a check point is given again.
func (p *Popper) Revived(c *CheckPoint) {
	p.done(queueKey{c.Topic, c.Group, c.Queue}, c.PopTime, 1)
}

// Freed counts how often a limit ended. Who has found a queue full, and waits, looks
// again when it is no longer what it was before he looked.
func (p *Popper) Freed() uint64 { return p.freed.Load() }

// full reports whether a group gets nothing from a queue because of what it has in
// hand.
func (p *Popper) full(k queueKey) bool {
	f := p.inFlight.Load()
	return f != nil && f.full(k)
}

// done notes that messages of a pop are in hand no longer.
func (p *Popper) done(k queueKey, popTime int64, n int) {
	if f := p.inFlight.Load(); f != nil && f.done(k, popTime, n) {
		p.tellFreed(k)
	}
}

// tellFreed tells of queues that give messages again.
func (p *Popper) tellFreed(freed ...queueKey) {
	for _, k := range freed {
		p.freed.Add(1)
		if p.opts.Freed != nil {
			p.opts.Freed(NormalTopic(k.topic, k.group), k.group, k.queue)
		}
	}
}
