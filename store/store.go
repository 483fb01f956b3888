package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
	"sync/atomic"
	"time"
)

// Store is an open message store. Its methods are safe for concurrent use, Run and Close as their comments say.
type Store struct {
	o      Options
	tuning atomic.Pointer[Tuning]

	lock   io.Closer // the lock on the directory
	log    *commitLog
	cache  *fileCache
	queues *queueSet
	index  *keyIndex // nil when there is none

	flusher    flusher
	flushWaits *waitList
	dispatch   dispatcher
	queueWaker chan struct{}

	mending sync.Mutex // one wrong run of entries is written again at a time; held over I/O

	checkpointing  sync.Mutex // serialises takeCheckpoint, and guards checkpoint and deleting; held over I/O
	checkpoint     checkpoint
	checkpointFile checkpointFile
	checkpointed   atomic.Int64 // the newest checkpoint's position
	deleting       int          // deletions of topics under way; guarded by checkpointing
	checkpointSoon atomic.Bool  // one is due at once, whether anything has come since the last or not

	distrusted   bool                  // see Distrusted; set at start
	failed       atomic.Pointer[error] // why writes have stopped for good
	diskFull     atomic.Bool           // the disk is fuller than Tuning.DiskWarning
	queuesBroken atomic.Bool           // consume queues could not be written lately
	closing      atomic.Bool
	closeOnce    sync.Once
	closeErr     error
	recovering   bool // Open has not returned: nobody is told of arrivals

	recovered recovered  // what Open has done, for OpenCompaction
	compacted *compacted // nil when there are no compacted topics; set before Run

	cleaner cleaner
}

// Run does the store's work in the background: it syncs, dispatches, writes queues, prepares segments and removes what has
// expired. It blocks until ctx ends and returns its cause; it is called at most once. Appends made before Run, or after
// its end, are stored but not dispatched until Close.
func (s *Store) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.flushLoop(ctx) })
	wg.Go(func() { s.flushWaits.expire(ctx, s.o.Now) })
	wg.Go(func() { s.dispatchLoop(ctx) })
	wg.Go(func() { s.queueLoop(ctx) })
	wg.Go(func() { s.prepareLoop(ctx) })
	wg.Go(func() { s.cleanLoop(ctx) })
	if s.compacted != nil {
		wg.Go(func() { s.compacted.files.Run(ctx) })
	}
	<-ctx.Done()
	wg.Wait()
	return context.Cause(ctx)
}

// prepareLoop runs ahead of the log's writer, until ctx ends.
func (s *Store) prepareLoop(ctx context.Context) {
	troubled := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.log.wakePreparer:
		}
		err := s.log.prepareAhead(s.nowMillis())
		if err != nil && !troubled {
			s.o.Event(Event{Level: Warning, Text: "the next blocks of the commit log could not be prepared, appends will try themselves", Err: err})
		}
		troubled = err != nil
	}
}

// Close ends the store: no more appends, everything dispatched and synced, the mark of a running broker removed, so that the
// next start, ours or the official broker's, finds a clean stop. After a fault the mark stays and the next start recovers.
// Call it after Run has returned. Calling it again returns the same error. Buffers of reads that were not released stay good.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.closing.Store(true)
	s.log.mu.Lock()
	s.log.closed = true
	s.log.mu.Unlock()
	if s.recovered.settle != nil { // the start was cut short: the next one has to begin where this one did
		return errors.Join(s.dropNext(false), s.release())
	}
	err := s.finish()
	if err != nil {
		err = fmt.Errorf("the store was not closed cleanly, the next start recovers: %w", err)
	}
	errs := []error{err, s.dropNext(err == nil)}
	if err == nil {
		errs = append(errs, s.removeAbort())
	}
	return errors.Join(append(errs, s.release())...)
}

// finish brings everything derived up to the log's end and makes it durable.
func (s *Store) finish() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.flushWaits.reach(s.flusher.flushed.Load(), nil)
	if err := s.dispatchConfirmed(); err != nil {
		return err
	}
	if err := s.queues.writeOut(); err != nil {
		return err
	}
	if err := s.queues.learnBegun(s.dispatch.pos.Load()); err != nil {
		return err
	}
	return s.takeCheckpoint()
}

// dropNext gives up the segment that was made ahead; upstream removes it at a clean stop too.
func (s *Store) dropNext(remove bool) error {
	s.log.mu.Lock()
	next := s.log.next
	s.log.next = nil
	s.log.mu.Unlock()
	if next == nil {
		return nil
	}
	next.cool()
	if !remove {
		return nil
	}
	return errors.Join(s.o.FS.Remove(next.path), s.o.FS.SyncDir(path.Dir(next.path)))
}

// release gives back everything that is open; the lock goes last.
func (s *Store) release() error {
	s.dispatch.rest()
	for _, g := range s.log.view.Load().segs {
		g.cool()
	}
	errs := []error{s.index.close(), s.queues.closeWhole(), s.cache.close()}
	if s.compacted != nil {
		errs = append(errs, s.compacted.files.Close())
	}
	if s.checkpointFile.file != nil {
		errs = append(errs, s.checkpointFile.file.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Tune changes what can change while the store runs.
func (s *Store) Tune(change func(*Tuning)) error {
	t := *s.tuning.Load()
	change(&t)
	if err := t.check(); err != nil {
		return err
	}
	s.tuning.Store(&t)
	return nil
}

// stop ends writing for good. The first reason counts.
func (s *Store) stop(reason error) {
	if s.failed.CompareAndSwap(nil, &reason) {
		s.o.Event(Event{Level: Fault, Text: "the store does not accept messages any more", Err: reason})
	}
}

// failure is why writes have stopped for good, or nil.
func (s *Store) failure() error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// Reasons for refusing an append.
var (
	errDiskWarning  = errors.New("the disk is nearly full: appends are refused until space is free")
	errQueuesBroken = errors.New("consume queues cannot be written: appends are refused until they can")
	errNotDispatch  = errors.New("the commit log cannot be dispatched: appends are refused until it can")
)

// writable tells why an append must be refused, or nil.
func (s *Store) writable() error {
	switch {
	case s.closing.Load():
		return errClosed
	case s.failed.Load() != nil:
		return s.failure()
	case s.diskFull.Load():
		return errDiskWarning
	case s.queuesBroken.Load():
		return errQueuesBroken
	case s.dispatch.broken.Load():
		return errNotDispatch
	}
	return nil
}

func (s *Store) nowMillis() int64 { return s.o.Now().UnixMilli() }

func newWaker() chan struct{} { return make(chan struct{}, 1) }

// sleep waits, or not longer than ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
