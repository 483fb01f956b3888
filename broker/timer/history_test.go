package timer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

var errCut = errors.New("the machine is off")

// history lives through sends, time, clock steps, stops, kills and power failures at any
// operation of the disk, and knows what must have been delivered in the end. It uses no
// goroutine: the same seed is the same history.
type history struct {
	*bench
	rng   *rand.Rand
	sent  map[string]int64 // due, by id
	lossy bool             // power failed, or the disk was cut off: repetitions are allowed
	cutAt int              // operations until the disk is cut off; -1 is never
}

func TestHistories(t *testing.T) {
	for seed := range uint64(histories) {
		h := &history{bench: newBench(t), rng: rand.New(rand.NewPCG(seed, 2)), sent: map[string]int64{}, cutAt: -1}
		h.open()
		for range 60 {
			h.step()
		}
		h.finish()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (h *history) open() {
	h.disk.Inject(func(op vfs.Op) error {
		if h.cutAt < 0 || !op.Changes() {
			return nil
		}
		if h.cutAt == 0 {
			return errCut
		}
		h.cutAt--
		return nil
	})
	h.bench.open()
}

func (h *history) step() {
	switch n := h.rng.IntN(20); {
	case n < 9:
		for range 1 + h.rng.IntN(12) {
			h.send()
		}
		h.pass(h.rng.Int64N(1500))
	case n < 15:
		h.pass(h.rng.Int64N(20_000))
	case n == 15:
		h.clock -= h.rng.Int64N(30_000)
		h.pass(100)
	case n == 16:
		h.clock += h.rng.Int64N(200_000)
		h.pass(100)
	default:
		h.restart()
	}
}

func (h *history) send() {
	key := fmt.Sprintf("m%04d", len(h.sent))
	due := h.clock - 500 + h.rng.Int64N(95_000)
	if h.rng.IntN(2) == 0 {
		due = h.clock + h.rng.Int64N(3000)
	}
	h.bench.send(key, due)
	h.sent[key] = due
}

// pass lets time go by, perhaps with a disk that is cut off meanwhile.
func (h *history) pass(ms int64) {
	if h.rng.IntN(4) == 0 {
		h.cutAt = h.rng.IntN(60)
	}
	h.to(h.clock + ms)
	if h.cutAt == 0 {
		h.restart()
	}
	h.cutAt = -1
}

// restart ends the timer in one of three ways and opens it again.
func (h *history) restart() {
	cut := h.cutAt == 0
	h.lossy = h.lossy || cut
	h.cutAt = -1
	switch how := h.rng.IntN(3); {
	case how == 0 && !cut:
		h.close()
	case how == 1:
		h.lossy = true
		h.powerFailure()
	default:
		h.disk = h.disk.Kill()
	}
	h.clock += h.rng.Int64N(10_000)
	h.open()
}

// powerFailure loses any part of the commit log's end that was not durable, and of the
// timer's files.
func (h *history) powerFailure() {
	s := h.store
	left := s.flushed + h.rng.IntN(len(s.log)-s.flushed+1)
	for i := left; i < len(s.log); i++ {
		if m := &s.log[i]; m.Topic == protocol.TopicWheelTimer || h.due(id(m)) {
			delete(h.sent, h.forget(i, left))
		}
	}
	s.log = s.log[:left]
	s.flushed = left
	for len(s.queue) > 0 && s.queue[len(s.queue)-1] >= left {
		s.queue = s.queue[:len(s.queue)-1]
	}
	h.disk = h.disk.Crash(h.rng)
}

func (h *history) due(key string) bool { _, ok := h.sent[key]; return ok }

// forget names the message of a lost record when no record of it is left.
func (h *history) forget(record, left int) string {
	key := id(&h.store.log[record])
	for i := range left {
		if id(&h.store.log[i]) == key {
			return ""
		}
	}
	return key
}

// finish lets everything become due and compares.
func (h *history) finish() {
	h.t.Helper()
	var last int64
	for _, due := range h.sent {
		last = max(last, due)
	}
	h.to(max(h.clock, last) + 2*precision)
	got := h.store.delivered()
	for key := range h.sent {
		switch n := got[key]; {
		case n == 0:
			h.t.Errorf("%s, due at +%d, was not delivered by +%d", key, h.sent[key]-startTime, h.clock-startTime)
		case n > 1 && !h.lossy:
			h.t.Errorf("%s was delivered %d times", key, n)
		}
	}
	if len(h.store.early) > 0 {
		h.t.Errorf("delivered early: %v", h.store.early)
	}
	h.close()
}
