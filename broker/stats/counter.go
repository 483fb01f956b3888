package stats

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// stripes is how many copies a Flow has of its counts, so that processors that
// serve one busy topic do not pass one cache line around. Two would serve two
// processors; a collision costs time, not accuracy.
const stripes = 4

// cell is one stripe, alone in its cache line.
type cell struct {
	nums, bytes, calls atomic.Int64
	_                  [5]int64
}

// Flow counts messages and bytes that go one way: into a topic, or out of a
// topic to a group.
type Flow struct {
	cells   [stripes]cell
	system  bool // of a topic of the broker itself
	windows windows
	queues  queueLatencies
}

// Add counts one call that moved so many messages and bytes.
func (f *Flow) Add(messages, bytes int) {
	c := &f.cells[rand.Uint32N(stripes)]
	c.nums.Add(int64(messages))
	c.bytes.Add(int64(bytes))
	c.calls.Add(1)
}

func (f *Flow) totals() totals {
	var t totals
	for i := range f.cells {
		c := &f.cells[i]
		t.nums += c.nums.Load()
		t.bytes += c.bytes.Load()
		t.calls += c.calls.Load()
	}
	return t
}

func (f *Flow) view(size bool) protocol.BrokerStatsData {
	if size {
		return f.windows.view(bytes)
	}
	return f.windows.view(nums)
}

func nums(t totals) int64  { return t.nums }
func bytes(t totals) int64 { return t.bytes }

// whole is one direction of the whole broker: the sum of its Flows, taken when
// somebody looks, so that a message is counted once.
type whole struct {
	flows         *sync.Map // anything → *Flow
	all, noSystem windows

	mu                    sync.Mutex // guards the fields below
	goneAll, goneNoSystem int64      // of Flows that were removed
}

func (w *whole) totals() (all, noSystem int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, noSystem = w.goneAll, w.goneNoSystem
	w.flows.Range(func(_, v any) bool {
		f := v.(*Flow)
		n := f.totals().nums
		all += n
		if !f.system {
			noSystem += n
		}
		return true
	})
	return all, noSystem
}

// remove forgets a Flow, but not what it counted.
func (w *whole) remove(key any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.flows.LoadAndDelete(key)
	if !ok {
		return
	}
	f := v.(*Flow)
	n := f.totals().nums
	w.goneAll += n
	if !f.system {
		w.goneNoSystem += n
	}
}

func (w *whole) sample(now int64, hour, day bool) {
	all, noSystem := w.totals()
	w.all.sample(now, totals{nums: all}, hour, day)
	w.noSystem.sample(now, totals{nums: noSystem}, hour, day)
}

// Item is one count that is no Flow.
type Item struct {
	cells   [stripes]itemCell
	windows windows
}

type itemCell struct {
	value, times atomic.Int64
	_            [6]int64
}

// Add counts value, and times calls that it came by; the average a call is
// shown, too. Where upstream does not count calls times is 0.
func (i *Item) Add(value, times int64) {
	c := &i.cells[rand.Uint32N(stripes)]
	c.value.Add(value)
	if times != 0 {
		c.times.Add(times)
	}
}

// Sum is everything that was added.
func (i *Item) Sum() int64 { return i.totals().nums }

func (i *Item) totals() totals {
	var t totals
	for n := range i.cells {
		t.nums += i.cells[n].value.Load()
		t.calls += i.cells[n].times.Load()
	}
	return t
}
