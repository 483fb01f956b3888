package lite

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// windowKey names a group in a lite topic.
type windowKey struct{ lmq, group string }

// window is what was popped from a lite topic last. Nothing more is popped before
// all of it is acknowledged or its time is over.
type window struct {
	attempt   string
	popTime   int64
	invisible int64
	offsets   []int64 // rising
	acked     []bool
	visibleAt map[int64]int64 // by offset, where it is not popTime+invisible
	times     map[int64]int32 // by offset, how often it was popped before
}

// at is when a message may be given again.
func (w *window) at(i int) int64 {
	if t, ok := w.visibleAt[w.offsets[i]]; ok {
		return t
	}
	return w.popTime + w.invisible
}

// blockedUntil is the time before which the window is awaited, 0 when it is not.
func (w *window) blockedUntil(now int64) int64 {
	for i := range w.offsets {
		if !w.acked[i] && now < w.at(i) {
			return w.at(i)
		}
	}
	return 0
}

// blocked reports whether a lite topic gives nothing for now. The attempt that
// popped last may pop the same again.
func (m *Manager) blocked(k windowKey, attempt string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[k]
	return w != nil && (attempt == "" || w.attempt != attempt) && w.blockedUntil(m.opts.Now()) != 0
}

// popped notes what was popped and returns how often each was before.
func (m *Manager) popped(k windowKey, attempt string, popTime, invisible int64, offsets []int64) map[int64]int32 {
	w := &window{
		attempt: strings.Clone(attempt), popTime: popTime, invisible: invisible,
		offsets: slices.Clone(offsets), acked: make([]bool, len(offsets)), times: map[int64]int32{},
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.windows[k]; old != nil {
		w.inherit(old)
	}
	m.windows[k] = w
	m.watch(k, w)
	return maps.Clone(w.times)
}

// inherit counts what was in the window before, too. The same attempt counts once.
func (w *window) inherit(old *window) {
	if old.attempt != "" && old.attempt == w.attempt {
		w.times = old.times
		return
	}
	for _, off := range w.offsets {
		if slices.Contains(old.offsets, off) {
			w.times[off] = old.times[off] + 1
		}
	}
}

// watch keeps in mind when a window gives messages again, which may be at once:
// the time that a client asked for may be over before it is written down here. A
// window without a message to give again is not watched. mu is held.
func (m *Manager) watch(k windowKey, w *window) {
	if !slices.Contains(w.acked, false) {
		delete(m.freeAt, k)
		return
	}
	now := m.opts.Now()
	m.freeAt[k] = cmp.Or(w.blockedUntil(now), now)
	select {
	case m.armed <- struct{}{}:
	default:
	}
}

// freeWindows makes lite topics ready whose messages may be given again, and
// reports whether there are more to wait for.
func (m *Manager) freeWindows() (more bool) {
	now := m.opts.Now()
	var free []windowKey
	m.mu.Lock()
	for k, at := range m.freeAt {
		if at > now {
			continue
		}
		if w := m.windows[k]; w != nil { // another message may be awaited for longer
			if until := w.blockedUntil(now); until != 0 {
				m.freeAt[k] = until
				continue
			}
		}
		delete(m.freeAt, k)
		free = append(free, k)
	}
	more = len(m.freeAt) > 0
	m.mu.Unlock()
	for _, k := range free {
		m.signal(k.group, k.lmq, "")
	}
	return more
}

// forget drops a window. mu is held.
func (m *Manager) forget(k windowKey) {
	delete(m.windows, k)
	delete(m.freeAt, k)
}

// What an acknowledgement came to.
type AckResult int

// The results of Ack.
const (
	Acked   AckResult = iota // or without effect: acknowledged before, or popped again since
	NotHeld                  // the window does not have the message
)

// Ack acknowledges a message by the time of its pop.
func (m *Manager) Ack(group, lmq string, offset, popTime int64) AckResult {
	if at, ok := m.opts.Offsets.Query(group, lmq, 0); ok && offset < at {
		return Acked
	}
	k := windowKey{lmq, group}
	next, free := m.commit(k, offset, popTime)
	if next == notHeld {
		return NotHeld
	}
	if next == otherPop {
		return Acked
	}
	if !m.opts.Offsets.HasReset(group, lmq, 0) {
		m.opts.Offsets.Commit(group, lmq, 0, next)
	}
	if free {
		m.signal(group, lmq, "")
	}
	return Acked
}

// What commit says when there is no offset to go on from.
const (
	notHeld  = -1
	otherPop = -2
)

// commit marks a message and returns the offset from which the group goes on, and
// whether more may be popped.
func (m *Manager) commit(k windowKey, offset, popTime int64) (next int64, free bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[k]
	switch {
	case w == nil:
		return offset + 1, true
	case popTime != w.popTime:
		return otherPop, false
	}
	i := slices.Index(w.offsets, offset)
	if i < 0 {
		return notHeld, false
	}
	w.acked[i] = true
	m.watch(k, w)
	next = w.offsets[len(w.offsets)-1] + 1
	if i = slices.Index(w.acked, false); i >= 0 {
		next = w.offsets[i]
	}
	return next, w.blockedUntil(m.opts.Now()) == 0
}

// Delay sets when a message, or with suspend the whole window, may be given again;
// a suspension does not count as a delivery. It is without effect when the message
// was acknowledged or popped again; done says whether the message is still ahead of
// the group.
func (m *Manager) Delay(group, lmq string, offset, popTime, visibleAt int64, suspend bool) (done bool) {
	if at, ok := m.opts.Offsets.Query(group, lmq, 0); ok && offset < at {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := windowKey{lmq, group}
	w := m.windows[k]
	if w == nil || w.popTime != popTime {
		return true
	}
	if suspend {
		for off, n := range w.times {
			w.times[off] = max(n-1, 0)
		}
		w.visibleAt, w.invisible = nil, visibleAt-popTime
	} else {
		if w.visibleAt == nil {
			w.visibleAt = map[int64]int64{}
		}
		w.visibleAt[offset] = visibleAt
	}
	m.watch(k, w)
	return true
}
