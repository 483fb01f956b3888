package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// flusher syncs the log. One sync serves every append before it.
type flusher struct {
	syncing sync.Mutex   // serialises flush; held over I/O
	flushed atomic.Int64 // everything before is durable
	time    atomic.Int64 // store time of the newest durable record
	idle    atomic.Bool  // the flush loop sleeps until it is woken
	wake    chan struct{}
	scratch []ticket // of the flush loop
}

// appended is called after every append, with its time: it wakes whoever follows the log, or does their work.
func (s *Store) appended(now int64) {
	if s.o.FlushMode == SyncFlush {
		s.flushWake()
		return
	}
	if s.flusher.idle.Load() {
		s.flushWake()
	}
	s.dispatchHere(now)
}

func (s *Store) flushWake() {
	select {
	case s.flusher.wake <- struct{}{}:
	default:
	}
}

// Flush makes the log durable up to its end as of now, whatever the flush mode.
func (s *Store) Flush() error { return s.flush() }

// flush makes the log durable up to its end as of now. After a failure it never succeeds again: what the kernel could not
// write it may since have dropped, so a later success would prove nothing.
func (s *Store) flush() error {
	f := &s.flusher
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if err := s.failure(); err != nil {
		return err
	}
	from := f.flushed.Load()
	end, lastTime := s.log.position()
	if from >= end {
		return nil
	}
	for _, g := range s.log.view.Load().segs {
		if g.end() <= from || g.base >= end {
			continue
		}
		if err := s.syncSegment(g); err != nil {
			return s.syncFailed(fmt.Errorf("sync of %s failed, writes have stopped: restart the broker when the disk is sound: %w", g.path, err))
		}
	}
	f.flushed.Store(end)
	f.time.Store(lastTime)
	return nil
}

func (s *Store) syncSegment(g *segment) error {
	if h, ok := g.pin(); ok {
		defer h.unpin()
		return h.file.Sync()
	}
	f, err := s.cache.acquire(g.path)
	if err != nil {
		return err
	}
	defer f.release()
	return f.Sync()
}

// flushLoop syncs as the flush mode wants, until ctx ends.
func (s *Store) flushLoop(ctx context.Context) {
	if s.o.FlushMode == SyncFlush {
		s.flushAlways(ctx)
		return
	}
	s.flushSometimes(ctx)
}

// flushAlways syncs whenever something was appended. While one sync runs the next group gathers.
func (s *Store) flushAlways(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.flusher.wake:
		}
		s.flushAndTell()
	}
}

// flushAndTell syncs, completes the tickets that this fulfils, and lets the dispatcher go on.
func (s *Store) flushAndTell() {
	if s.flush() != nil {
		return // told by stop; the tickets have failed
	}
	f := &s.flusher
	f.scratch = s.flushWaits.reach(f.flushed.Load(), f.scratch)
	s.dispatchWake()
}

// flushSometimes is upstream's FlushRealTimeService: at an interval, when enough is dirty or enough time has passed. With
// nothing to sync it sleeps.
func (s *Store) flushSometimes(ctx context.Context) {
	const page = 4096
	f := &s.flusher
	last := s.o.Now()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for {
		t := s.tuning.Load()
		dirty := s.log.end.Load() - f.flushed.Load()
		if dirty == 0 || s.failure() != nil {
			f.idle.Store(true)
			if s.log.end.Load() == f.flushed.Load() || s.failure() != nil { // else an append came before it could see idle
				select {
				case <-ctx.Done():
					return
				case <-f.wake:
				}
			}
			f.idle.Store(false)
		}
		timer.Reset(t.FlushInterval)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-f.wake:
			timer.Stop()
			if !s.flushWaits.waiting() {
				continue
			}
		}
		now := s.o.Now()
		enough := s.log.end.Load()/page-f.flushed.Load()/page >= int64(t.FlushLeastPages)
		if enough || s.flushWaits.waiting() || now.Sub(last) >= t.FlushThoroughInterval {
			last = now
			s.flushAndTell()
			s.coolSegments()
		}
	}
}

// coolSegments unmaps synced segments before the newest sealed one: who reads there is far behind.
func (s *Store) coolSegments() {
	const keep = 2 // the active segment and the one before it
	segs := s.log.view.Load().segs
	for i := len(segs) - keep - 1; i >= 0 && segs[i].hot.Load() != nil; i-- {
		if segs[i].end() <= s.flusher.flushed.Load() {
			segs[i].cool()
		}
	}
}
