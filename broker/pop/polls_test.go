package pop

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type wantsTag int64

func (w wantsTag) MatchUnit(tagsCode int64) bool { return int64(w) == tagsCode }

func (w wantsTag) MatchRecord([]byte) bool { return true }

// pollBench is a Polls that notes whom it hands back.
type pollBench struct {
	*Polls[string]
	mu   sync.Mutex // guards back
	back []string
	stop func()
}

func newPollBench(t *testing.T, limits PollLimits) *pollBench {
	b := &pollBench{}
	b.Polls = NewPolls(PollOptions[string]{
		Now: func() int64 { return time.Now().UnixMilli() }, Limits: func() PollLimits { return limits }, Workers: 2,
		Gone:   func(r string) bool { return r == "gone" },
		Resume: func(r string) { b.mu.Lock(); defer b.mu.Unlock(); b.back = append(b.back, r) },
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	reason := errors.New("the test ends")
	b.stop = sync.OnceFunc(func() {
		cancel(reason)
		if err := <-done; err != reason {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

func (b *pollBench) park(name string, queue int32, wait time.Duration, filter PollFilter) PollOutcome {
	return b.Wait(&Poll[string]{Topic: "T", Group: "G", Queue: queue, Deadline: time.Now().Add(wait).UnixMilli(), Filter: filter, Request: name})
}

func (b *pollBench) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.back)
	if !slices.Equal(b.back, want) {
		t.Errorf("handed back %q, want %q", b.back, want)
	}
	b.back = nil
}

var wide = PollLimits{PerQueue: 100, Total: 100}

func TestPollsWakeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPollBench(t, wide)
		b.park("late", -1, 20*time.Second, nil)
		b.park("soon", -1, 10*time.Second, nil)
		b.park("queue 1", 1, 10*time.Second, nil)
		b.expect(t)
		if b.Waiting("T", "G", -7) != 2 || b.Waiting("T", "G", 1) != 1 || b.Waiting("U", "G", 1) != 0 {
			t.Error("Waiting counts wrong")
		}
		b.Arrived("U", 0, 1, 0, nil)
		b.expect(t)
		b.Arrived("T", 1, 1, 0, nil)
		b.expect(t, "queue 1", "soon")
		b.Arrived("T", 0, 2, 0, nil)
		b.expect(t, "late")
		b.stop()
	})
}

func TestPollsFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPollBench(t, PollLimits{PerQueue: 100, Total: 100, Force: 10})
		b.park("five", -1, 10*time.Second, wantsTag(5))
		b.Arrived("T", 0, 1, 4, nil)
		b.expect(t)
		b.Arrived("T", 0, 2, 5, nil)
		b.expect(t, "five")
		b.park("gone", -1, 5*time.Second, nil)
		b.park("six", -1, 10*time.Second, wantsTag(6))
		b.Arrived("T", 0, 20, 4, nil) // every tenth wakes in any case
		b.expect(t, "six")
		if n := b.Waiting("T", "G", -1); n != 0 {
			t.Errorf("%d wait, of whom one has left", n)
		}
		b.stop()
	})
}

func TestPollsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPollBench(t, wide)
		b.park("waits", -1, 10*time.Second, wantsTag(5))
		record := func(properties string) []byte {
			m := codec.Message{Topic: "x", Body: []byte("b"), Properties: properties, BornHost: anyHost, StoreHost: anyHost}
			r, err := codec.AppendRecord(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		b.Arrived("%RETRY%G_T", 0, 1, 0, record(""))
		b.Arrived("%RETRY%G_T", 0, 1, 0, record("ORIGIN_GROUP\x01H\x02"))
		b.Arrived("%RETRY%G", 0, 1, 0, record("ORIGIN_GROUP\x01G\x02"))
		b.Arrived("%RETRY%G_T", 0, 1, 0, []byte("no record"))
		b.expect(t)
		b.Arrived("%RETRY%G_T", 0, 1, 0, record("ORIGIN_GROUP\x01G\x02"))
		b.expect(t, "waits")
		b.stop()
	})
}

func TestPollsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPollBench(t, PollLimits{PerQueue: 1, Total: 3})
		if b.park("over", -1, 10*time.Millisecond, nil) != PollLate {
			t.Error("a request is parked whose time is over")
		}
		b.park("a", -1, time.Second, nil)
		b.park("b", -1, 2*time.Second, nil)
		if b.park("c", -1, time.Second, nil) != PollFull {
			t.Error("a queue takes more than its bound")
		}
		b.park("d", 1, time.Minute, nil)
		if b.park("e", 2, time.Second, nil) != PollFull {
			t.Error("more wait than the bound")
		}
		time.Sleep(940 * time.Millisecond)
		b.expect(t)
		time.Sleep(40 * time.Millisecond)
		b.expect(t, "a")
		time.Sleep(time.Second)
		b.expect(t, "b")
		b.stop()
		b.expect(t, "d")
		if b.park("f", 1, time.Second, nil) != PollLate {
			t.Error("a request is parked after the end")
		}
	})
}
