package delay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func now() int64 { return time.Now().UnixMilli() }

// queueStore is a schedule topic in memory.
type queueStore struct {
	mu     sync.Mutex
	first  map[int32]int64
	queues map[int32][]Unit
	fail   func(u Unit) error
	start  int64
	log    []string // "level/offset at ms since start"
	early  []Unit
}

func newStore() *queueStore {
	return &queueStore{first: map[int32]int64{}, queues: map[int32][]Unit{}, start: now()}
}

func (s *queueStore) Range(queue int32) (int64, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first[queue], int64(len(s.queues[queue]))
}

func (s *queueStore) Units(dst []Unit, queue int32, from int64, max int) []Unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[queue]
	if from < s.first[queue] || from >= int64(len(q)) {
		return dst
	}
	return append(dst, q[from:min(from+int64(max), int64(len(q)))]...)
}

func (s *queueStore) Deliver(u Unit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(u); err != nil {
			return err
		}
	}
	if u.DeliverAt > now() {
		s.early = append(s.early, u)
	}
	s.log = append(s.log, fmt.Sprintf("%d/%d at %d", u.PhysicalOffset, u.Offset, now()-s.start))
	return nil
}

// add appends an entry that is due after so many ms. Its physical offset is its
// level, for the log.
func (s *queueStore) add(sch *Scheduler, level int, after int64) {
	s.mu.Lock()
	queue := int32(level - 1)
	s.queues[queue] = append(s.queues[queue], Unit{Offset: int64(len(s.queues[queue])), PhysicalOffset: int64(level), DeliverAt: now() + after})
	s.mu.Unlock()
	if sch != nil {
		sch.Notify(queue)
	}
}

func (s *queueStore) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if fmt.Sprint(s.log) != fmt.Sprint(want) {
		t.Errorf("at %d ms delivered %q, want %q", now()-s.start, s.log, want)
	}
	s.log = nil
}

func options(t *testing.T, store Store) Options {
	levels, err := ParseLevels("1s 5s 10s")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Levels: levels, Store: store, Now: now, Path: filepath.Join(t.TempDir(), "delayOffset.json")}
}

func open(t *testing.T, o Options) *Scheduler {
	t.Helper()
	s, _, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts s inside a synctest bubble; the function it returns stops it.
func run(t *testing.T, s *Scheduler) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.add(nil, 2, 5000) // there before the start
		s := open(t, options(t, store))
		run(t, s)
		store.add(s, 1, 1000)
		time.Sleep(300 * time.Millisecond)
		store.add(s, 1, 1000)
		store.add(s, 3, 10_000)
		time.Sleep(time.Minute)
		store.expect(t, "1/0 at 1000", "1/1 at 1300", "2/0 at 5000", "3/0 at 10300")
		store.add(s, 1, 1000) // after a long rest
		time.Sleep(time.Minute)
		store.expect(t, "1/2 at 61300")
		if len(store.early) != 0 {
			t.Errorf("delivered early: %v", store.early)
		}
		want := map[int32]int64{1: 3, 2: 1, 3: 1}
		if got := s.Snapshot().OffsetTable; !maps.Equal(got, want) {
			t.Errorf("progress %v, want %v", got, want)
		}
		if got := fmt.Sprint(s.Progress()); got != "[{1 3 3} {2 1 1} {3 1 1}]" {
			t.Errorf("Progress = %s", got)
		}
	})
}

// A large level does not keep the others from their turn.
func TestFairness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		for range 10 * batchSize {
			store.add(nil, 1, 0)
		}
		store.add(nil, 2, 0)
		s := open(t, options(t, store))
		run(t, s)
		synctest.Wait()
		store.mu.Lock()
		defer store.mu.Unlock()
		if len(store.log) != 10*batchSize+1 || store.log[batchSize] != "2/0 at 0" {
			t.Errorf("%d delivered, the other level's was not after the first batch", len(store.log))
		}
	})
}

// A message that cannot be delivered now is tried until it can be, once
// reported, and nothing of its level overtakes it.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		full := errors.New("disk full")
		store.fail = func(u Unit) error {
			if u.PhysicalOffset == 1 && u.Offset == 0 && now()-store.start < 1450 {
				return full
			}
			return nil
		}
		store.add(nil, 1, 1000)
		store.add(nil, 1, 1000)
		store.add(nil, 2, 1100)
		o := options(t, store)
		var reported []error
		o.OnError = func(err error) { reported = append(reported, err) }
		run(t, open(t, o))
		time.Sleep(2 * time.Second)
		store.expect(t, "2/0 at 1100", "1/0 at 1500", "1/1 at 1500")
		if len(reported) != 1 || !errors.Is(reported[0], full) {
			t.Errorf("reported %v", reported)
		}
	})
}

func TestSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.fail = func(u Unit) error {
			if u.Offset == 0 {
				return fmt.Errorf("%w: gone", ErrSkip)
			}
			return nil
		}
		store.add(nil, 1, 0)
		store.add(nil, 1, 0)
		o := options(t, store)
		reported := 0
		o.OnError = func(error) { reported++ }
		run(t, open(t, o))
		store.expect(t, "1/1 at 0")
		if reported != 1 {
			t.Errorf("reported %d times", reported)
		}
	})
}

// The clock was set back, or the level was longer once: no entry waits longer
// than its level says.
func TestFarFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.add(nil, 1, 3_600_000)
		store.add(nil, 1, 1_500)
		s := open(t, options(t, store))
		run(t, s)
		time.Sleep(10 * time.Second)
		store.expect(t, "1/0 at 1000", "1/1 at 1500")
	})
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		o := options(t, store)
		for range 5 {
			store.add(nil, 1, 0)
			store.add(nil, 2, 0)
		}
		store.first[1] = 3 // older messages of level 2 were deleted
		text := "{\n\t\"dataVersion\":{\n\t\t\"counter\":4,\n\t\t\"stateVersion\":0,\n\t\t\"timestamp\":7\n\t},\n" +
			"\t\"offsetTable\":{\n\t\t1:4,\n\t\t2:1,\n\t\t3:9,\n\t\t18:2\n\t}\n}" // 5.5.0's own text
		if err := os.WriteFile(o.Path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s := open(t, o)
		stop := run(t, s)
		store.expect(t, "1/4 at 0", "2/3 at 0", "2/4 at 0")
		stop()
		if err := s.Persist(); err != nil {
			t.Fatal(err)
		}
		again := open(t, o)
		want := map[int32]int64{1: 5, 2: 5, 3: 9, 18: 2} // level 3 has no queue, level 18 is not set
		if got := again.Snapshot(); !maps.Equal(got.OffsetTable, want) || got.DataVersion.Counter != 4 {
			t.Errorf("loaded %v, want %v", got, want)
		}
		store.add(nil, 1, 0)
		run(t, again)
		store.expect(t, "1/5 at 0")
	})
}

// A queue that was cut behind the progress goes on at its end.
func TestProgressBeyondQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		o := options(t, store)
		store.add(nil, 1, 0)
		s := open(t, o)
		s.progress[1] = 40
		run(t, s)
		store.expect(t)
		store.add(s, 1, 0)
		store.expect(t, "1/1 at 0")
	})
}

// Messages vanish from under a running level.
func TestQueueMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.add(nil, 1, 500)
		store.add(nil, 1, 500)
		store.add(nil, 1, 500)
		o := options(t, store)
		reported := 0
		o.OnError = func(error) { reported++ }
		s := open(t, o)
		run(t, s)
		synctest.Wait()
		store.mu.Lock()
		store.first[0] = 2
		store.mu.Unlock()
		time.Sleep(time.Second)
		store.expect(t, "1/2 at 500")
		if reported != 1 {
			t.Errorf("reported %d times", reported)
		}
	})
}

func TestPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		o := options(t, store)
		o.VersionStep = 2
		s := open(t, o)
		if err := s.Persist(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(o.Path); err == nil {
			t.Error("a file was written before anything happened")
		}
		store.add(nil, 1, 0)
		store.add(nil, 1, 0)
		store.add(nil, 1, 0)
		run(t, s)
		synctest.Wait()
		if err := s.Persist(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("{\n\t\"dataVersion\":{\n\t\t\"counter\":1,\n\t\t\"stateVersion\":0,\n\t\t\"timestamp\":%d\n\t},\n\t\"offsetTable\":{\n\t\t1:3\n\t}\n}", now())
		if got, err := os.ReadFile(o.Path); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	})
}

func TestOpenRefusesBadBackup(t *testing.T) {
	o := options(t, newStore())
	for _, path := range []string{o.Path, o.Path + ".bak"} {
		if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Open(o); err == nil || !strings.Contains(err.Error(), o.Path) {
		t.Errorf("Open = %v", err)
	}
}
