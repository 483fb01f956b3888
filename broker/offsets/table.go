package offsets

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// table holds offsets by group, topic and queue.
type table struct {
	m sync.Map // key → *queues
}

// queues holds the offsets of one group in one topic. Most topics have few
// queues and thousands of groups are common, so it is a sorted slice of 16 bytes
// a queue rather than a map.
type queues struct {
	mu sync.Mutex // guards at
	at []position // by ascending queue
}

type position struct {
	queue  int32
	offset int64
}

func (t *table) find(group, topic string) *queues {
	v, ok := t.m.Load(key{topic, group})
	if !ok {
		return nil
	}
	return v.(*queues)
}

func (t *table) get(group, topic string, queue int32) (int64, bool) {
	q := t.find(group, topic)
	if q == nil {
		return 0, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i, ok := q.search(queue)
	if !ok {
		return 0, false
	}
	return q.at[i].offset, true
}

// set stores an offset and returns the one before, or -1.
func (t *table) set(group, topic string, queue int32, offset int64) int64 {
	q := t.find(group, topic)
	if q == nil {
		v, _ := t.m.LoadOrStore(key{strings.Clone(topic), strings.Clone(group)}, &queues{})
		q = v.(*queues)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i, ok := q.search(queue)
	if !ok {
		q.at = slices.Insert(q.at, i, position{queue, offset})
		return -1
	}
	previous := q.at[i].offset
	q.at[i].offset = offset
	return previous
}

// take removes the offset of a queue and returns it.
func (t *table) take(group, topic string, queue int32) (int64, bool) {
	q := t.find(group, topic)
	if q == nil {
		return 0, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i, ok := q.search(queue)
	if !ok {
		return 0, false
	}
	offset := q.at[i].offset
	q.at = slices.Delete(q.at, i, i+1)
	return offset, true
}

// replace gives a group exactly these offsets in a topic.
func (t *table) replace(group, topic string, offsets map[int32]int64) {
	q := &queues{at: make([]position, 0, len(offsets))}
	for queue, offset := range offsets {
		q.at = append(q.at, position{queue, offset})
	}
	slices.SortFunc(q.at, func(a, b position) int { return cmp.Compare(a.queue, b.queue) })
	t.m.Store(key{strings.Clone(topic), strings.Clone(group)}, q)
}

// removeIf removes what matches.
func (t *table) removeIf(match func(key) bool) {
	for k := range t.all {
		if match(k) {
			t.m.Delete(k)
		}
	}
}

// all yields every entry, in no order.
func (t *table) all(yield func(key, *queues) bool) {
	t.m.Range(func(k, v any) bool { return yield(k.(key), v.(*queues)) })
}

// search is called with q.mu held.
func (q *queues) search(queue int32) (int, bool) {
	return slices.BinarySearchFunc(q.at, queue, func(p position, queue int32) int { return cmp.Compare(p.queue, queue) })
}

// copy is a map of the offsets, nil when q is.
func (q *queues) copy() map[int32]int64 {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	offsets := make(map[int32]int64, len(q.at))
	for _, p := range q.at {
		offsets[p.queue] = p.offset
	}
	return offsets
}

// appendTo appends the positions to dst.
func (q *queues) appendTo(dst []position) []position {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append(dst, q.at...)
}
