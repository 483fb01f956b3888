package lite

import (
	"maps"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store"
)

// Request is one pop. Its strings may be views: what is kept of them is copied.
type Request struct {
	Client, Group string
	Max           int
	Invisible     int64  // ms
	Attempt       string // the same attempt may pop the same again
}

// Result is what a pop found, in order. The caller releases it.
type Result struct {
	PopTime int64
	Count   int
	Bytes   int
	Counts  string // how often messages were given before, with semicolons between
	Parts   []*store.GetResult
}

// Release gives back what the parts refer to.
func (r *Result) Release() {
	for _, part := range r.Parts {
		part.Release()
	}
	r.Parts = nil
}

// Pop takes messages from the lite topics that are ready for a client, until it
// has enough.
func (m *Manager) Pop(q *Request, r *Result) {
	*r = Result{PopTime: m.opts.Now()}
	next := m.ready(q.Client)
	if m.opts.Settings().NoEvents {
		next = m.subscribed(q.Client)
	}
	seen := map[string]struct{}{}
	var counts []byte
	for r.Count < q.Max {
		lmq, ok := next()
		if !ok {
			break
		}
		if _, again := seen[lmq]; again {
			continue
		}
		seen[lmq] = struct{}{}
		got, times := m.popOne(q, lmq, q.Max-r.Count, r.PopTime)
		if got == nil {
			continue
		}
		r.Parts = append(r.Parts, got)
		r.Count += got.Count
		r.Bytes += got.Bytes
		counts = appendCounts(counts, got.QueueOffsets, times)
	}
	r.Counts = string(counts)
}

// appendCounts writes how often messages of a lite topic were given before: 0 for
// each when none was, otherwise those that were, with their offsets.
func appendCounts(dst []byte, offsets []int64, times map[int64]int32) []byte {
	for _, off := range offsets {
		n, again := times[off]
		if !again && len(times) > 0 {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ';')
		}
		if !again {
			dst = append(dst, '0')
			continue
		}
		dst = append(dst, "0 qo0%"...)
		dst = strconv.AppendInt(dst, off, 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return dst
}

// ready takes the lite topics out of a client's ready queue, one by one.
func (m *Manager) ready(id string) (next func() (string, bool)) {
	return func() (string, bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if q := m.queues[id]; q != nil {
			return q.poll(m.opts.Now())
		}
		return "", false
	}
}

// subscribed walks the lite topics that a client has subscribed to, by name. A client
// of a wildcard group has none.
func (m *Manager) subscribed(id string) (next func() (string, bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lmqs []string
	if c := m.clients[id]; c != nil {
		lmqs = slices.DeleteFunc(slices.Sorted(maps.Keys(c.lites)), func(lmq string) bool { return !compat.IsLiteTopicName(lmq) })
	}
	return func() (string, bool) {
		if len(lmqs) == 0 {
			return "", false
		}
		lmq := lmqs[0]
		lmqs = lmqs[1:]
		return lmq, true
	}
}

// popOne pops from one lite topic; nil when there is nothing or it is awaited. One
// pop of a group is in a lite topic at a time: another that comes leaves word.
func (m *Manager) popOne(q *Request, lmq string, most int, popTime int64) (*store.GetResult, map[int64]int32) {
	k := windowKey{lmq, q.Group}
	m.mu.Lock()
	if _, busy := m.busy[k]; busy {
		m.busy[k] = true
		m.mu.Unlock()
		return nil, nil
	}
	k = windowKey{lmq, string([]byte(q.Group))}
	m.busy[k] = false
	m.mu.Unlock()
	defer m.release(k)
	if m.blocked(k, q.Attempt) {
		return nil, nil
	}
	got := m.read(k, most)
	if got == nil {
		return nil, nil
	}
	return got, m.popped(k, q.Attempt, popTime, q.Invisible, got.QueueOffsets)
}

func (m *Manager) release(k windowKey) {
	m.mu.Lock()
	again := m.busy[k]
	delete(m.busy, k)
	m.mu.Unlock()
	if again && !m.blocked(k, "") && m.lags(k.group, k.lmq) {
		m.signal(k.group, k.lmq, "")
	}
}

// read reads from where the group is. An offset that is none of the queue's is
// corrected.
func (m *Manager) read(k windowKey, most int) *store.GetResult {
	offset := m.offset(k)
	got := new(store.GetResult)
	for range 2 {
		m.opts.Messages.Get(k.group, &store.Query{Topic: k.lmq, Offset: offset, MaxCount: most}, got)
		switch got.Status {
		case store.Found:
			return got
		case store.OffsetTooSmall, store.OffsetOverflowBadly, store.OffsetFoundNull, store.NoMatchedMessage, store.MessageWasRemoving, store.NoMatchedLogicQueue:
			offset = got.NextOffset
			got.Release()
			m.opts.Offsets.Commit(k.group, k.lmq, 0, offset)
		default:
			got.Release()
			return nil
		}
	}
	return nil
}

// offset is where a group reads next. One that is new begins with the first
// message while that is young, otherwise with the last.
func (m *Manager) offset(k windowKey) int64 {
	offset, ok := m.opts.Offsets.Query(k.group, k.lmq, 0)
	if !ok {
		first, end := m.opts.Messages.Bounds(k.lmq, 0)
		offset = max(0, end-1)
		if first == 0 && m.opts.Settings().CheckInMemory && m.opts.Messages.StartsInMemory(k.lmq, 0) {
			offset = 0
		}
		m.opts.Offsets.Commit(k.group, k.lmq, 0, offset)
	}
	if reset, ok := m.opts.Offsets.TakeReset(k.group, k.lmq, 0); ok {
		m.mu.Lock()
		m.forget(k)
		m.mu.Unlock()
		m.opts.Offsets.Commit(k.group, k.lmq, 0, reset)
		return reset
	}
	return offset
}
