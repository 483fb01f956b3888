package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// sync makes durable what writeOut has written, names included. It writes nothing itself: a disk that has no room for what has
// come since must not be taken for one that failed. On error nothing is taken as synced.
func (s *queueSet) sync() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	files, dirs := s.unsynced, s.newNames
	s.unsynced, s.newNames = map[fileKey]struct{}{}, map[string]struct{}{}
	s.mu.Unlock()
	err := s.syncWritten(files, dirs)
	if err != nil {
		s.mu.Lock()
		for key := range files {
			s.unsynced[key] = struct{}{}
		}
		for name := range dirs {
			s.newNames[name] = struct{}{}
		}
		s.mu.Unlock()
	}
	return err
}

// manyToSync is how many files and directories cost more to sync than the whole file system. Measured on ext4 on a busy machine,
// 16,000 queues: one by one, sixteen at once, 5.1 s when they are new and 1.9 to 4.1 s when they are not; as a whole 1.3 to
// 1.9 s and 0.8 to 2.3 s.
const manyToSync = 1000

// openWhole gets ready for syncing all queues at once, before the first is written: what fails from then on will be told.
// writing is held.
func (s *queueSet) openWhole() {
	if s.asked {
		return
	}
	s.asked = true
	if s.fs.MkdirAll(s.simple.dir) != nil {
		return // the writers will say why
	}
	if whole, err := s.fs.Whole(s.simple.dir); err == nil { // without it queues are synced one by one
		s.whole = whole
	}
}

// closeWhole gives back what openWhole took.
func (s *queueSet) closeWhole() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.whole == nil {
		return nil
	}
	return s.whole.Close()
}

// syncWritten syncs what was written, one by one, or the queues as a whole and only what lies elsewhere one by one. writing is
// held.
func (s *queueSet) syncWritten(files map[fileKey]struct{}, dirs map[string]struct{}) error {
	if s.whole == nil || len(files)+len(dirs) < s.many {
		return s.syncNames(files, dirs)
	}
	if err := s.whole.Sync(); err != nil {
		return fmt.Errorf("sync consume queues: %w", err)
	}
	elsewhere, above := map[fileKey]struct{}{}, map[string]struct{}{}
	for key := range files {
		if key.ext || key.q.topic.layout != &s.simple {
			elsewhere[key] = struct{}{}
		}
	}
	for dir := range dirs {
		if dir != s.simple.dir && !strings.HasPrefix(dir, s.simple.dir+"/") {
			above[dir] = struct{}{}
		}
	}
	return s.syncNames(elsewhere, above)
}

// syncNames syncs files and directories. What is gone by now was removed on purpose.
func (s *queueSet) syncNames(files map[fileKey]struct{}, dirs map[string]struct{}) error {
	err := syncEach(slices.SortedFunc(maps.Keys(files), fileKey.compare), func(key fileKey) error {
		f, err := s.fileOf(key)
		if err != nil {
			return err
		}
		defer f.release()
		return f.Sync()
	})
	if err != nil {
		return fmt.Errorf("sync consume queue: %w", err)
	}
	if err := syncEach(slices.Sorted(maps.Keys(dirs)), s.fs.SyncDir); err != nil {
		return fmt.Errorf("sync consume queue directory: %w", err)
	}
	return nil
}

// A sync mostly waits, and a disk takes several at once. With this many things to sync it is asked for that many.
const (
	syncTogether = 64
	syncAtOnce   = 16
)

// syncEach syncs a list of things that may be gone. It stops at an error, and returns the first in the list's order.
func syncEach[T any](list []T, sync1 func(T) error) error {
	workers := 1
	if len(list) >= syncTogether {
		workers = syncAtOnce
	}
	return eachAtOnce(workers, len(list), func(i int) error {
		if err := sync1(list[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// eachAtOnce calls do with every number below n, from several goroutines when workers is more than one. It stops at an error,
// and returns the first by number.
func eachAtOnce(workers, n int, do func(i int) error) error {
	if workers == 1 {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	faults := make([]error, n)
	for range workers {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if faults[i] = do(i); faults[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return cmp.Or(faults...)
}
