package longpoll

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func now() int64 { return time.Now().UnixMilli() }

// bench is a Holder that runs, with a log it can be asked about.
type bench struct {
	*Holder[string]
	mu    sync.Mutex
	ends  map[string]int64 // by topic
	gone  map[string]bool
	woken []string // "request reason at ms since start"
	start int64
	stop  func()
}

// run must be called inside a synctest bubble.
func run(t *testing.T, change func(*Options[string])) *bench {
	b := &bench{ends: map[string]int64{}, gone: map[string]bool{}, start: now()}
	o := Options[string]{
		Now:       now,
		MaxOffset: func(topic string, _ int32) int64 { b.mu.Lock(); defer b.mu.Unlock(); return b.ends[topic] },
		Gone:      func(r string) bool { b.mu.Lock(); defer b.mu.Unlock(); return b.gone[r] },
		Resume: func(woken []*Waiter[string]) {
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, w := range woken {
				b.woken = append(b.woken, fmt.Sprintf("%s %s %d", w.Request, [...]string{"arrived", "moved", "timed-out", "released"}[w.Why], now()-b.start))
			}
		},
	}
	if change != nil {
		change(&o)
	}
	b.Holder = New(o)
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		reason := errors.New("the test ends")
		cancel(reason)
		if err := <-done; err != reason {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

func (b *bench) park(request, topic string, from int64, wait time.Duration, filter Filter) bool {
	return b.Park(&Waiter[string]{Topic: topic, From: from, Deadline: now() + wait.Milliseconds(), Filter: filter, Request: request})
}

// arrive is a message that the store makes visible and then tells of.
func (b *bench) arrive(topic string, tagsCode int64) {
	b.mu.Lock()
	offset := b.ends[topic]
	b.ends[topic]++
	b.mu.Unlock()
	b.Notify(topic, 0, offset, tagsCode, nil)
}

// expect compares what was handed back since the last call.
func (b *bench) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if fmt.Sprint(b.woken) != fmt.Sprint(want) {
		t.Errorf("at %d ms handed back %q, want %q", now()-b.start, b.woken, want)
	}
	b.woken = nil
}

type tag int64

func (f tag) MatchUnit(tagsCode int64) bool { return int64(f) == tagsCode }

func (f tag) MatchRecord([]byte) bool { return true }

// text is a filter that wants records with one text.
type text string

func (f text) MatchUnit(int64) bool { return true }

func (f text) MatchRecord(record []byte) bool { return string(record) == string(f) }

func TestRecordFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("one", "T", 0, time.Minute, text("one"))
		b.park("two", "T", 0, time.Minute, text("two"))
		b.Notify("T", 0, 0, 0, []byte("two"))
		b.expect(t, "two arrived 0")
		b.Notify("T", 0, 1, 0, []byte("three"))
		b.expect(t)
		b.Notify("T", 0, 2, 0, []byte("one"))
		b.expect(t, "one arrived 0")
		b.stop()
	})
}

func TestArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("one", "T", 0, 15*time.Second, nil)
		b.park("other topic", "U", 0, 15*time.Second, nil)
		b.Park(&Waiter[string]{Topic: "T", Queue: 1, Deadline: now() + 15_000, Request: "other queue"})
		b.expect(t)
		b.arrive("T", 0)
		b.expect(t, "one arrived 0")
		b.arrive("T", 0)
		b.expect(t)
		if b.Waiting() != 2 {
			t.Errorf("%d wait", b.Waiting())
		}
	})
}

// A message that does not match leaves the pull parked; the next check hands it
// back all the same, so that its client moves on.
func TestFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("a", "T", 0, 15*time.Second, tag(7))
		b.park("b", "T", 0, 15*time.Second, tag(8))
		time.Sleep(time.Second)
		b.arrive("T", 7)
		b.expect(t, "a arrived 1000")
		time.Sleep(3 * time.Second)
		b.expect(t)
		time.Sleep(2 * time.Second)
		b.expect(t, "b moved 5000")
	})
}

// The message arrives after the pull has looked and before it is parked.
func TestArrivalBeforeParking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.arrive("T", 0)
		b.park("late", "T", 0, 15*time.Second, nil)
		b.expect(t, "late arrived 0")
		b.park("next", "T", 1, 15*time.Second, nil)
		b.expect(t)
	})
}

// A message that lies before what the pull wants next does not wake it.
func TestOldArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.ends["T"] = 6
		b.park("p", "T", 6, 15*time.Second, nil)
		b.Notify("T", 0, 5, 0, nil)
		b.expect(t)
		b.Notify("T", 0, 6, 0, nil)
		b.expect(t, "p arrived 0")
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		time.Sleep(time.Hour) // nothing waits; the Holder sleeps
		b.start = now()
		b.park("long", "T", 0, 15*time.Second, nil)
		b.park("short", "T", 0, 1500*time.Millisecond, nil)
		time.Sleep(3 * time.Second)
		b.expect(t, "short timed-out 2000")
		time.Sleep(13 * time.Second)
		b.expect(t, "long timed-out 15000")
		if b.Waiting() != 0 {
			t.Errorf("%d wait", b.Waiting())
		}
	})
}

func TestShortPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, func(o *Options[string]) { o.Recheck = 100 * time.Millisecond })
		time.Sleep(time.Second) // the first tick
		b.start = now()
		b.park("p", "T", 0, 150*time.Millisecond, nil)
		time.Sleep(time.Second)
		b.expect(t, "p timed-out 200")
	})
}

// Pulls of sessions that have ended are forgotten.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("gone", "T", 0, time.Minute, nil)
		b.park("there", "T", 0, time.Minute, nil)
		b.mu.Lock()
		b.gone["gone"] = true
		b.mu.Unlock()
		time.Sleep(6 * time.Second)
		if b.Waiting() != 1 {
			t.Errorf("%d wait", b.Waiting())
		}
		b.arrive("T", 0)
		b.expect(t, "there arrived 6000")
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, func(o *Options[string]) { o.Limit = 2 })
		for i, want := range []bool{true, true, false} {
			if got := b.park("p", "T", 0, time.Minute, nil); got != want {
				t.Errorf("pull %d parked: %t", i, got)
			}
		}
		b.arrive("T", 0)
		b.expect(t, "p arrived 0", "p arrived 0")
		if !b.park("p", "T", 1, time.Minute, nil) {
			t.Error("the place of a pull that left is not free")
		}
	})
}

func TestWakeAllAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("p", "T", 0, time.Minute, nil)
		b.WakeAll()
		b.expect(t, "p released 0")
		b.park("last", "T", 0, time.Minute, nil)
		b.stop()
		b.expect(t, "last released 0")
		if b.park("late", "T", 0, time.Minute, nil) || b.Waiting() != 0 {
			t.Errorf("a Holder that has stopped parks; %d wait", b.Waiting())
		}
	})
}

// Queues that nobody waits for any more take up no memory.
func TestEmptyQueuesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		for i := range 100 {
			b.park("p", fmt.Sprint(i), 0, time.Second, nil)
		}
		time.Sleep(3 * time.Second)
		n := 0
		b.queues.Range(func(_, _ any) bool { n++; return true })
		if n != 0 {
			t.Errorf("%d queues are left", n)
		}
	})
}

// What is woken while somebody is to call Deliver is left to him, unless it is much
// or he is long in coming.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.park("first", "T", 0, 15*time.Second, nil)
		b.expect(t) // Run has begun
		b.Expect()
		b.Expect()
		b.arrive("T", 0)
		b.expect(t)
		b.Deliver()
		b.expect(t, "first arrived 0")
		b.park("second", "T", 1, 15*time.Second, nil)
		b.arrive("T", 0)
		b.expect(t)
		b.Deliver()
		b.expect(t, "second arrived 0")
		b.park("third", "T", 2, 15*time.Second, nil)
		b.arrive("T", 0)
		b.expect(t, "third arrived 0")

		b.Expect()
		b.park("slow", "T", 3, 15*time.Second, nil)
		b.arrive("T", 0)
		b.expect(t)
		time.Sleep(tick)
		b.expect(t, "slow arrived 1000")
		var all []string
		for i := range fewWoken + 1 {
			name := fmt.Sprint("one of many ", i)
			b.park(name, "T", 4, 15*time.Second, nil)
			all = append([]string{name + " arrived 1000"}, all...) // those that came last are woken first
		}
		b.arrive("T", 0)
		b.expect(t, all...)
		b.Deliver()
		b.expect(t)
	})
}

// Under constant arrivals and parking every pull that was parked comes back
// exactly once, soon, and not by its deadline.
func TestEveryPullComesBack(t *testing.T) {
	const queues, consumers, rounds = 4, 8, 300
	var ends [queues]atomic.Int64
	var back sync.WaitGroup
	var byDeadline atomic.Int64
	type request struct {
		Waiter[*request]
		done chan struct{}
	}
	h := New(Options[*request]{
		Now:       now,
		MaxOffset: func(_ string, q int32) int64 { return ends[q].Load() },
		Resume: func(woken []*Waiter[*request]) {
			for _, w := range woken {
				if w.Why == TimedOut {
					byDeadline.Add(1)
				}
				close(w.Request.done)
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { _ = h.Run(ctx) })

	var pulling atomic.Int64
	pulling.Store(consumers)
	for c := range consumers {
		back.Go(func() {
			defer pulling.Add(-1)
			q := int32(c % queues)
			for from := ends[q].Load(); from < rounds; from = ends[q].Load() {
				r := &request{done: make(chan struct{})}
				r.Waiter = Waiter[*request]{Topic: "T", Queue: q, From: from, Deadline: now() + 60_000, Request: r}
				if !h.Park(&r.Waiter) {
					t.Error("not parked")
					return
				}
				<-r.done
			}
		})
	}
	for pulling.Load() > 0 {
		for q := range ends {
			if offset := ends[q].Load(); offset < rounds {
				if q%2 == 0 {
					h.Expect()
				}
				ends[q].Store(offset + 1)
				h.Notify("T", int32(q), offset, 0, nil)
				if q%2 == 0 {
					h.Deliver()
				}
			}
		}
		runtime.Gosched()
	}
	back.Wait()
	cancel()
	loop.Wait()
	if byDeadline.Load() != 0 || h.Waiting() != 0 {
		t.Errorf("%d pulls waited for their deadline, %d still wait", byDeadline.Load(), h.Waiting())
	}
}

func TestDeliverDoesNotAllocate(t *testing.T) {
	resumed := 0
	h := New(Options[int]{Now: now, MaxOffset: func(string, int32) int64 { return 0 }, Resume: func(woken []*Waiter[int]) { resumed += len(woken) }})
	topic := strings.Clone("T")
	w := &Waiter[int]{}
	other := &Waiter[int]{Topic: topic, From: 1 << 40}
	h.Park(other) // a queue that nobody waits for would be made anew each time
	const rounds = 100
	if n := testing.AllocsPerRun(rounds, func() {
		w.Topic, w.From, w.Seen = topic, 0, 0
		h.Park(w)
		h.Expect()
		h.Notify(topic, 0, 0, 0, nil)
		h.Deliver()
	}); n != 0 || resumed != rounds+1 {
		t.Errorf("%v allocations, %d pulls resumed", n, resumed)
	}
}

func TestNotifyDoesNotAllocate(t *testing.T) {
	h := New(Options[int]{Now: now, MaxOffset: func(string, int32) int64 { return 0 }, Resume: func([]*Waiter[int]) {}})
	topic := strings.Clone("T")
	h.Park(&Waiter[int]{Topic: topic, From: 1})
	if n := testing.AllocsPerRun(100, func() {
		h.Notify(topic, 0, 0, 0, nil) // too early for the one that waits
		h.Notify(topic, 1, 0, 0, nil)
	}); n != 0 {
		t.Errorf("Notify allocates %v times", n)
	}
}

func BenchmarkNotifyNobodyWaitsHere(b *testing.B) {
	h := New(Options[int]{Now: now, MaxOffset: func(string, int32) int64 { return 0 }})
	h.Park(&Waiter[int]{Topic: "other"})
	for b.Loop() {
		h.Notify("T", 0, 0, 0, nil)
	}
}
