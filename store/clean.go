package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync/atomic"
)

// cleaner removes what has expired.
type cleaner struct {
	manual atomic.Int32 // cycles in which expired files go at any hour
}

// manualCycles is upstream's MAX_MANUAL_DELETE_FILE_TIMES.
const manualCycles = 20

// DeleteExpiredFiles lets the next cleaning cycles remove expired files whatever the hour is (request 329).
func (s *Store) DeleteExpiredFiles() { s.cleaner.manual.Store(manualCycles) }

// cleanLoop judges the disk at once and cleans at an interval, until ctx ends.
func (s *Store) cleanLoop(ctx context.Context) {
	s.judgeDisk()
	for {
		sleep(ctx, s.tuning.Load().CleanInterval)
		if ctx.Err() != nil {
			return
		}
		if err := s.clean(ctx); err != nil {
			s.o.Event(Event{Level: Warning, Text: "removing expired files failed, it will be tried again", Err: err})
		}
	}
}

// pressure is how urgently space is needed.
type pressure struct {
	above    bool // fuller than DiskMaxUsed: expired files go at any hour
	forcibly bool // fuller than DiskCleanForcibly: files go before they expire
}

// judgeDisk looks at the disks of log and queues and refuses or admits appends accordingly. Upstream's isSpaceToDelete: the log's disk
// counts first, and between the two levels of the one that counts nothing changes.
func (s *Store) judgeDisk() pressure {
	t := s.tuning.Load()
	logRatio, queueRatio := s.diskRatios()
	full := logRatio
	if full <= t.DiskCleanForcibly {
		full = queueRatio
	}
	switch {
	case full > t.DiskWarning:
		if !s.diskFull.Swap(true) {
			s.o.Event(Event{Level: Fault, Text: fmt.Sprintf("the disk is %.0f%% full, above diskSpaceWarningLevelRatio: appends are refused until space is free", full*100)})
		}
	case logRatio > t.DiskCleanForcibly:
	default:
		if s.diskFull.Swap(false) {
			s.o.Event(Event{Level: Info, Text: fmt.Sprintf("the disk is %.0f%% full, appends are accepted again", max(logRatio, queueRatio)*100)})
		}
	}
	p := pressure{forcibly: full > t.DiskCleanForcibly}
	// A path that cannot be measured counts as too full, as upstream has it: expired files go, no others.
	p.above = p.forcibly || max(logRatio, queueRatio) > t.DiskMaxUsed || logRatio < 0 || queueRatio < 0
	return p
}

// nearlyFull reports whether new files should rather go to another disk.
func (s *Store) nearlyFull(dir string) bool {
	u, err := s.o.FS.Usage(dir)
	return err == nil && u.Ratio() > s.tuning.Load().DiskCleanForcibly
}

// diskRatios is how full the disks of log and queues are, -1 where that cannot be told.
func (s *Store) diskRatios() (logRatio, queueRatio float64) {
	ratio := func(path string) float64 {
		u, err := s.o.FS.Usage(path)
		if err != nil {
			return -1
		}
		return u.Ratio()
	}
	return s.log.paths.ratio(ratio), ratio(s.o.Root)
}

// clean is one cycle: segments first, then what only pointed into them.
func (s *Store) clean(ctx context.Context) error {
	t := s.tuning.Load()
	p := s.judgeDisk()
	manual := s.cleaner.manual.Load() > 0
	if manual {
		s.cleaner.manual.Add(-1)
	}
	if !manual && !p.above && !slices.Contains(t.DeleteWhen, s.o.Now().Local().Hour()) {
		return nil
	}
	n, err := s.deleteSegments(ctx, t, p.forcibly && t.CleanForcibly)
	if n == 0 || err != nil {
		return err
	}
	return s.deleteDerived()
}

// deleteSegments removes the oldest segments that may go: those whose file was last changed longer ago than FileReserved, or,
// forcibly, any. The last segment stays, and what is not dispatched yet stays with it. Who is reading a removed segment reads
// on: it is the name that goes.
func (s *Store) deleteSegments(ctx context.Context, t *Tuning, forcibly bool) (n int, err error) {
	for n < t.DeleteFilesBatch {
		segs := s.log.view.Load().segs
		if len(segs) < 2 || segs[0].end() > s.dispatch.pos.Load() {
			return n, nil
		}
		if !forcibly {
			info, err := s.o.FS.Stat(segs[0].path)
			if err != nil {
				return n, fmt.Errorf("look for expired commit log files: %w", err)
			}
			if s.o.Now().Sub(info.ModTime) < t.FileReserved {
				return n, nil
			}
		}
		if n > 0 {
			if sleep(ctx, t.DeleteFilesPause); ctx.Err() != nil {
				return n, nil
			}
		}
		// Consume queues and index can be made again from the log, but not from what is removed: first they are synced. If a
		// checkpoint has that behind it, what was mended or cut since is left, which takes no room on a disk that may have none.
		if segs[0].end() > s.checkpointed.Load() {
			if err := s.takeCheckpoint(); err != nil {
				return n, err
			}
		} else if err := s.queues.sync(); err != nil {
			return n, s.syncFailed(err)
		}
		if err := s.dropFirst(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// dropFirst removes the oldest segment, from the disk before from the view: if that fails it is tried again, and the log has no
// hole at the next start.
func (s *Store) dropFirst() error {
	l := s.log
	g := l.view.Load().segs[0]
	if err := s.o.FS.Remove(g.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an expired commit log file: %w", err)
	}
	l.mu.Lock() // the writer changes the view too
	l.view.Store(&logView{segs: l.view.Load().segs[1:]})
	l.mu.Unlock()
	g.cool()
	l.cache.forget(pathKey(g.path))
	s.o.Event(Event{Level: Info, Text: fmt.Sprintf("removed commit log file %s", g.path)})
	return s.o.FS.SyncDir(path.Dir(g.path))
}

// deleteDerived removes consume queue and index files whose records are all gone.
func (s *Store) deleteDerived() error {
	var errs []error
	logMin := s.log.min()
	for _, t := range slices.SortedFunc(s.queues.topics(), (*topicQueues).compare) {
		list, err := s.queues.queuesOf(t)
		errs = append(errs, err)
		for _, q := range list {
			errs = append(errs, s.queues.expire(q, logMin, s.checkpointed.Load()), s.queues.expireExt(q))
		}
	}
	errs = append(errs, s.index.expire(logMin))
	return errors.Join(errs...)
}

// expire removes a queue's files whose last entry is before the log's begin; the last file stays (upstream's
// ConsumeQueue.deleteExpiredFile). So does one whose successor has no entry for a record before synced, up to where a checkpoint
// has synced everything: a power failure could take the successor, and with both the queue's next offset is gone.
func (s *queueSet) expire(q *queue, logMin, synced int64) error {
	if err := s.load(q); err != nil {
		return err
	}
	l := q.topic.layout
	for {
		q.mu.Lock()
		var first int64
		end, several := q.max, len(q.files) > 1 && !q.removed
		if several {
			first = q.files[0]
		}
		q.mu.Unlock()
		if !several {
			return nil
		}
		_, u, ok, err := s.telling(q, (first+l.fileSize)/l.unit-1, end, false, make([]byte, batchUnit))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && (!ok || u.phy >= logMin) {
			return nil
		}
		if next, ok, err := s.unit(q, (first+l.fileSize)/l.unit); err != nil || !ok || next.phy >= synced {
			return err
		}
		if err := s.removeFile(q, first); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is tried again: the files leave no hole
			return fmt.Errorf("remove an expired consume queue file: %w", err)
		}
		q.mu.Lock()
		q.files = slices.Clone(q.files[1:])
		if second := (first + l.fileSize) / l.unit; q.min < second {
			q.min, q.minFor = second, -1
		}
		q.mu.Unlock()
	}
}
