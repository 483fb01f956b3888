package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// logSyncs counts the syncs of commit log files that have ended well.
type logSyncs struct {
	n    atomic.Int64
	fail atomic.Bool
}

func (c *logSyncs) hook(op vfs.Op) error {
	if op.Kind == vfs.OpSync && len(op.Name) > 10 && op.Name[:16] == "/store/commitlog" {
		if c.fail.Load() {
			return syscall.EIO
		}
		c.n.Add(1)
	}
	return nil
}

// TestSyncBeforeAnswer watches the disk: under SyncFlush no ticket is done, and nothing arrives, before a sync that began
// after the append has ended.
func TestSyncBeforeAnswer(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	o.FlushMode = SyncFlush
	var syncs logSyncs
	var appended, arrivedEarly atomic.Int64
	o.OnArrive = func(batch []Arrival) {
		for _, a := range batch {
			if a.Physical >= syncedEnd(t, disk) {
				arrivedEarly.Add(1)
			}
		}
	}
	s := mustOpen(t, o)
	disk.Inject(syncs.hook)
	running(t, s)
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := range 30 {
				before := syncs.n.Load()
				r := mustAppend(t, s, message("t", int32(p), i))
				appended.Add(1)
				done := make(chan Status, 1)
				s.Await(r.End(), Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
				if st := <-done; st != PutOK {
					t.Errorf("status %v", st)
				}
				if syncs.n.Load() == before || syncedEnd(t, disk) < r.End() {
					t.Errorf("answered at %d with the disk synced up to %d", r.End(), syncedEnd(t, disk))
				}
			}
		})
	}
	wg.Wait()
	if n := arrivedEarly.Load(); n > 0 {
		t.Errorf("%d messages were shown before they were synced", n)
	}
	if n := syncs.n.Load(); n > appended.Load() {
		t.Errorf("%d syncs for %d messages: no group was committed together", n, appended.Load())
	}
}

// syncedEnd is the end of what a power failure would leave of the log at best: its last synced byte that is not zero.
func syncedEnd(t *testing.T, disk *vfs.Memory) int64 {
	t.Helper()
	end := int64(0)
	entries, err := disk.ReadDir("/store/commitlog")
	if err != nil {
		t.Error(err)
		return 0
	}
	for i, e := range entries {
		b := disk.Synced("/store/commitlog/" + e.Name())
		for k := len(b) - 1; k >= 0; k-- {
			if b[k] != 0 {
				end = int64(i)*int64(len(b)) + int64(k) + 1
				break
			}
		}
	}
	return end
}

// TestFailedSync: every waiter fails, nothing is taken from then on, and a later sync that works changes nothing about it.
func TestFailedSync(t *testing.T) {
	for _, mode := range []FlushMode{SyncFlush, AsyncFlush} {
		t.Run(mode.String(), func(t *testing.T) {
			disk := vfs.NewMemory()
			o := smallOptions(disk, "/store")
			o.FlushMode = mode
			var faults atomic.Int64
			o.Event = func(e Event) {
				if e.Level == Fault {
					faults.Add(1)
				}
			}
			s := mustOpen(t, o)
			var syncs logSyncs
			disk.Inject(syncs.hook)
			stop := runningUnclean(t, s)
			defer stop()
			syncs.fail.Store(true)
			var wg sync.WaitGroup
			for p := range 5 {
				wg.Go(func() {
					r, err := s.Append(message("t", int32(p), p))
					if err != nil {
						return // it came after the failure
					}
					done := make(chan Status, 1)
					s.Await(r.End(), Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
					if st := <-done; st != FlushFailed {
						t.Errorf("status %v after a failed sync", st)
					}
				})
			}
			wg.Wait()
			syncs.fail.Store(false)
			if r, err := s.Append(message("t", 0, 9)); r.Status != ServiceNotAvailable || !errors.Is(err, syscall.EIO) {
				t.Errorf("append after a failed sync: %v, %v", r.Status, err)
			}
			done := make(chan Status, 1)
			s.Await(1, Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
			if st := <-done; st != FlushFailed {
				t.Errorf("status %v after the disk has recovered", st)
			}
			if faults.Load() != 1 {
				t.Errorf("%d faults were reported, want 1", faults.Load())
			}
		})
	}
}

// runningUnclean runs a store that is expected not to close cleanly.
func runningUnclean(t *testing.T, s *Store) (stop func()) {
	cancel := runOnly(t, s)
	return func() {
		cancel()
		if err := s.Close(); err == nil {
			t.Error("the store closed cleanly after a fault")
		}
		if _, err := s.o.FS.Stat(s.abortPath()); err != nil {
			t.Errorf("the mark of an unclean stop is gone: %v", err)
		}
	}
}

// TestAwaitDeadline: a disk that takes too long is told as upstream tells it, and the message is synced all the same.
func TestAwaitDeadline(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	o.FlushMode = SyncFlush
	s := mustOpen(t, o)
	release := make(chan struct{})
	disk.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			<-release
		}
		return nil
	})
	running(t, s)
	r := mustAppend(t, s, message("t", 0, 0))
	done := make(chan Status, 2)
	s.Await(r.End(), Flushed, time.Now().Add(20*time.Millisecond), func(st Status) { done <- st })
	if st := <-done; st != FlushDiskTimeout {
		t.Errorf("status %v of a sync that does not end", st)
	}
	close(release)
	s.Await(r.End(), Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
	if st := <-done; st != PutOK {
		t.Errorf("status %v once the sync has ended", st)
	}
}

// TestDiskFull: sends are refused with a reason, reads go on, and writes resume by themselves when there is room. The test does
// the background work itself, between appends: with the loops running, the one that judges the disk may be the first to see
// that it is full, or the last.
func TestDiskFull(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	now := time.Now()
	o.Now = func() time.Time { return now }
	s := mustOpen(t, o)
	defer s.Close()
	x := sent{}
	x.fill(t, s, 0, 60)
	appendOne := func(i int) (AppendResult, error) {
		now = now.Add(time.Second) // a failed allocation is not repeated at once
		m := message("full", 0, i)
		r, err := s.Append(m)
		if err == nil {
			x["full 0"] = append(x["full 0"], m)
		} else if r.Status != ServiceNotAvailable {
			t.Fatalf("refused with %v: %v", r.Status, err)
		}
		return r, err
	}
	background := func() {
		_, err := s.dispatchBatch(s.confirmed())
		s.dispatchTrouble(err)
		s.queueTrouble(s.queues.writeOut())
	}
	used, err := disk.Usage("/")
	if err != nil {
		t.Fatal(err)
	}
	disk.SetCapacity(used.Used + 100<<10) // less than two segments
	i := 60
	for ; err == nil; i++ {
		_, err = appendOne(i)
		background()
	}
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, errQueuesBroken) && !errors.Is(err, errNotDispatch) {
		t.Fatalf("on a full disk: %v", err)
	}
	if _, err := appendOne(i); err == nil {
		t.Error("accepted on a full disk")
	}
	s.judgeDisk()
	if _, err := appendOne(i); !errors.Is(err, errDiskWarning) {
		t.Errorf("once the disk was judged: %v", err)
	}
	if got := readAll(t, s, "topic0", 0); len(got) != len(x["topic0 0"]) {
		t.Errorf("%d messages can be read on a full disk, want %d", len(got), len(x["topic0 0"]))
	}
	disk.SetCapacity(0)
	if _, err := appendOne(i); !errors.Is(err, errDiskWarning) {
		t.Errorf("before the disk was judged again: %v", err)
	}
	s.judgeDisk()
	background()
	if _, err := appendOne(i); err != nil {
		t.Errorf("with room again: %v", err)
	}
	dispatchAll(t, s)
	x.check(t, s)
}
