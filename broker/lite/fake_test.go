package lite

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store"
)

const parent = "P"

// world is everything that a Manager works with, on a clock that stands still
// until it is moved.
type world struct {
	t   *testing.T
	rng *rand.Rand
	m   *Manager

	now      int64
	ends     map[string]int64 // by lite topic
	offsets  map[windowKey]int64
	resets   map[windowKey]int64
	groups   map[string]Group
	settings Settings
	foreign  map[string]bool // lite topics of another broker
	woken    []string
	excluded []exclusion
	gone     []string
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000,
		ends: map[string]int64{}, offsets: map[windowKey]int64{}, resets: map[windowKey]int64{}, foreign: map[string]bool{},
		groups: map[string]Group{"g": {Bound: parent}},
		settings: Settings{
			Subscriptions: 1000, Events: 100, ScanEvery: 10_000, FullDelay: 10_000, FullDelayOfWildcard: 10_000,
			CheckEvery: 120_000, SilentFor: 180_000, CheckInMemory: true,
		},
	}
	w.m = New(Options{
		Now: func() int64 { return w.now }, Random: w.rng.IntN, Settings: func() Settings { return w.settings },
		Messages: w, Offsets: w, Group: func(name string) Group { return w.groups[name] },
		Mine:     func(_, lmq string) bool { return !w.foreign[lmq] },
		Wake:     func(client string) { w.woken = append(w.woken, client) },
		Gone:     func(client string) { w.gone = append(w.gone, client) },
		Excluded: func(client, group, lmq string) { w.excluded = append(w.excluded, exclusion{client, group, lmq}) },
	})
	return w
}

func lmq(name string) string { return compat.LiteTopicName(parent, name) }

func lmqs(names string) (list []string) {
	for _, name := range strings.Fields(names) {
		list = append(list, lmq(name))
	}
	return list
}

func (w *world) send(name string) {
	w.ends[lmq(name)]++
	w.m.Arrived(lmq(name))
}

func (w *world) Get(_ string, q *store.Query, r *store.GetResult) {
	end := w.ends[q.Topic]
	r.QueueOffsets, r.Count = r.QueueOffsets[:0], 0
	switch {
	case end == 0:
		r.Status, r.NextOffset = store.NoMatchedLogicQueue, 0
	case q.Offset > end:
		r.Status, r.NextOffset = store.OffsetOverflowBadly, end
	case q.Offset == end:
		r.Status, r.NextOffset = store.OffsetOverflowOne, end
	default:
		r.Status = store.Found
		for off := q.Offset; off < end && r.Count < q.MaxCount; off++ {
			r.QueueOffsets = append(r.QueueOffsets, off)
			r.Count++
		}
		r.NextOffset = q.Offset + int64(r.Count)
	}
}

func (w *world) Bounds(topic string, _ int32) (first, end int64) { return 0, w.ends[topic] }

func (w *world) StartsInMemory(topic string, _ int32) bool { return w.ends[topic] > 0 }

func (w *world) LiteTopics(string) (list []string) {
	for name := range w.ends {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func (w *world) Query(group, topic string, _ int32) (int64, bool) {
	offset, ok := w.offsets[windowKey{topic, group}]
	return offset, ok
}

func (w *world) Commit(group, topic string, _ int32, offset int64) int64 {
	w.offsets[windowKey{topic, group}] = offset
	return -1
}

func (w *world) AssignReset(group, topic string, _ int32, offset int64) error {
	if offset < 0 {
		return errors.New("negative")
	}
	w.resets[windowKey{topic, group}] = offset
	w.offsets[windowKey{topic, group}] = offset
	return nil
}

func (w *world) HasReset(group, topic string, _ int32) bool {
	_, ok := w.resets[windowKey{topic, group}]
	return ok
}

func (w *world) TakeReset(group, topic string, _ int32) (int64, bool) {
	offset, ok := w.resets[windowKey{topic, group}]
	delete(w.resets, windowKey{topic, group})
	return offset, ok
}

// taken is what a pop gave of one lite topic.
type taken struct {
	lmq     string
	offsets []int64
}

// pop pops for a client. The parts do not say which lite topic they are of, so the
// windows are asked.
func (w *world) pop(client, group string, most int, invisible int64) (popTime int64, counts string, got []taken) {
	var r Result
	w.m.Pop(&Request{Client: client, Group: group, Max: most, Invisible: invisible}, &r)
	for k, win := range w.m.windows {
		if k.group == group && win.popTime == r.PopTime && len(r.Parts) > 0 {
			for _, part := range r.Parts {
				if len(part.QueueOffsets) > 0 && slices.Equal(part.QueueOffsets, win.offsets) {
					got = append(got, taken{k.lmq, slices.Clone(win.offsets)})
					break
				}
			}
		}
	}
	slices.SortFunc(got, func(a, b taken) int { return strings.Compare(a.lmq, b.lmq) })
	r.Release()
	return r.PopTime, r.Counts, got
}
