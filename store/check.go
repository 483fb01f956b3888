package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"
)

// checkFiles refuses files of a wrong name or size among what is derived from the log, and changes nothing. It comes before
// anything is put right: afterwards such a file could be found by whoever needs it only, when the log has been cut already.
func (s *Store) checkFiles() error {
	if err := s.index.checkSizes(); err != nil {
		return err
	}
	if s.o.Rebuild != nil {
		return nil // a repair has moved what is wrong aside, and makes the queues that it needs again
	}
	limit := int64(-1)
	if s.checkpoint.own && s.checkpoint.queues != 0 {
		limit = s.checkpoint.position
	}
	return s.queues.check(limit)
}

// With this many topics some are looked at side by side: with tens of thousands of queues their folders are what a start takes
// longest for.
const (
	checkTogether = 64
	checkAtOnce   = 8
)

// lookers is how many workers look at a number of topics.
func lookers(topics int) int {
	if topics < checkTogether {
		return 1
	}
	return checkAtOnce
}

// check looks at the files of every queue. They are listed, and where a checkpoint says which there were before a physical offset,
// the last one of each is looked into; limit is that offset, or below 0.
func (s *queueSet) check(limit int64) error {
	known := slices.SortedFunc(s.topics(), (*topicQueues).compare)
	err := eachAtOnce(lookers(len(known)), len(known), func(i int) error {
		l := known[i].layout
		return s.checkTopic(path.Join(l.dir, known[i].name), l.checkFile, func(dir string, files []fs.DirEntry) error {
			if l.hole(files) {
				s.found.holed(dir)
			}
			if limit < 0 {
				return nil
			}
			return s.found.note(s, l, dir, files, limit)
		})
	})
	if err != nil {
		return err
	}
	if !s.extOn {
		return nil // nobody would miss what is wrong there
	}
	topics, err := s.readDir(s.extRoot())
	if err != nil {
		return fmt.Errorf("list consumequeue_ext: %w", err)
	}
	for _, e := range topics {
		if !e.IsDir() {
			continue
		}
		if err := s.checkTopic(path.Join(s.extRoot(), e.Name()), s.checkExtFile, func(string, []fs.DirEntry) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// checkTopic looks at the files of a topic's queues, and hands each queue on. A file without a byte was just being made: it is
// left to who loads the queue.
func (s *queueSet) checkTopic(dir string, check func(name string, size int64) (int64, error), queue func(dir string, files []fs.DirEntry) error) error {
	return s.eachQueue(dir, func(dir string) error {
		files, err := s.readDir(dir)
		if err != nil {
			return fmt.Errorf("list a queue: %w", err)
		}
		files = slices.DeleteFunc(files, fs.DirEntry.IsDir)
		for i, e := range files {
			name := path.Join(dir, e.Name())
			info, err := e.Info()
			if err != nil {
				return fmt.Errorf("look at %s: %w", name, err)
			}
			if info.Size() == 0 && (i == len(files)-1 || s.unclean) {
				break
			}
			if _, err := check(name, info.Size()); err != nil {
				return err
			}
		}
		return queue(dir, files)
	})
}

// eachQueue lists the folders of a topic's queues.
func (s *queueSet) eachQueue(dir string, do func(dir string) error) error {
	ids, err := s.readDir(dir)
	if err != nil {
		return fmt.Errorf("list the queues in %s: %w", dir, err)
	}
	for _, id := range ids {
		if _, err := strconv.ParseInt(id.Name(), 10, 32); err != nil || !id.IsDir() {
			continue
		}
		if err := do(path.Join(dir, id.Name())); err != nil {
			return err
		}
	}
	return nil
}

// queuesFound is what a start finds of the queues.
type queuesFound struct {
	begun begunFiles

	mu       sync.Mutex // guards what follows
	holes    []string   // folders of queues that lack a file between others
	suspects []string   // those of queues that do not end with a file that holds something
}

func (f *queuesFound) holed(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holes = append(f.holes, dir)
}

// hole reports whether a file is missing between two of a queue.
func (l *layout) hole(files []fs.DirEntry) bool {
	for i := 1; i < len(files); i++ {
		before, _ := segmentBase(files[i-1].Name())
		if base, _ := segmentBase(files[i].Name()); base != before+l.fileSize {
			return true
		}
	}
	return false
}

// note takes in the last file that a queue has begun before limit.
func (f *queuesFound) note(s *queueSet, l *layout, dir string, files []fs.DirEntry, limit int64) error {
	base, err := l.lastBegun(s.fs, dir, files, limit)
	if err != nil {
		return err
	}
	if base >= 0 {
		f.begun.note(l.hash(path.Base(path.Dir(dir)), path.Base(dir), base))
	}
	if n := len(files); n == 0 || segmentName(base) != files[n-1].Name() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.suspects = append(f.suspects, dir)
	}
	return nil
}

// learnBegun works out which queues there are, in one number, where it is not known. The log was dispatched up to limit, and all
// entries are in the files.
func (s *queueSet) learnBegun(limit int64) error {
	if s.begun.now() != 0 {
		return nil
	}
	if s.trust.verify { // files may begin with entries of records that are lost: loading a queue takes them out
		if err := s.loadAll(); err != nil {
			return err
		}
	}
	var f queuesFound
	for _, l := range []*layout{&s.simple, &s.batch} {
		topics, err := s.readDir(l.dir)
		if err != nil {
			return fmt.Errorf("list consume queues: %w", err)
		}
		topics = slices.DeleteFunc(topics, func(e fs.DirEntry) bool { return !e.IsDir() })
		err = eachAtOnce(lookers(len(topics)), len(topics), func(i int) error {
			return s.eachQueue(path.Join(l.dir, topics[i].Name()), func(dir string) error {
				files, err := s.readDir(dir)
				if err != nil {
					return fmt.Errorf("list a queue: %w", err)
				}
				return f.note(s, l, dir, slices.DeleteFunc(files, fs.DirEntry.IsDir), limit)
			})
		})
		if err != nil {
			return err
		}
	}
	s.begun.set(f.begun.sum, true)
	return nil
}

// loadAll loads every queue.
func (s *queueSet) loadAll() error {
	known := slices.SortedFunc(s.topics(), (*topicQueues).compare)
	return eachAtOnce(lookers(len(known)), len(known), func(i int) error {
		list, err := s.queuesOf(known[i])
		for _, q := range list {
			err = errors.Join(err, s.load(q))
		}
		return err
	})
}

// loadSuspects loads the queues that did not end with a file that holds something. A killed process may have taken entries out of them
// in the page cache only: what is loaded is synced by the next checkpoint, and no power failure brings them back after it.
func (s *queueSet) loadSuspects() error {
	for _, dir := range s.found.suspects {
		id, err := strconv.ParseInt(path.Base(dir), 10, 32)
		if err == nil {
			_, err = s.find(path.Base(path.Dir(dir)), int32(id))
		}
		if err != nil {
			return fmt.Errorf("load the queue in %s: %w", dir, err)
		}
	}
	return nil
}

// lacking tells what the queues lack; "" when nothing is missing.
func (s *Store) lacking() string {
	f, c := &s.queues.found, &s.checkpoint
	if len(f.holes) > 0 {
		return f.holes[0] + " lacks a file between others"
	}
	if c.queues == 0 || c.queues == f.begun.sum {
		return ""
	}
	if len(f.suspects) > 0 {
		return "the consume queues are not those that the last checkpoint tells of, and " + f.suspects[0] + " may have lost a file"
	}
	return "the consume queues are not those that the last checkpoint tells of"
}

func (s *queueSet) readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// checkFile refuses a file that is none of a queue, and returns the position in the queue at which it begins.
func (l *layout) checkFile(name string, size int64) (base int64, err error) {
	base, ok := segmentBase(path.Base(name))
	if !ok || base%l.fileSize != 0 {
		return 0, fmt.Errorf("%s is no consume queue file: move it out of the store", name)
	}
	if size != l.fileSize {
		return 0, fmt.Errorf("consume queue file %s has %d bytes where %s says %d: set the size that the store was made with, or mend the store with `gantry store repair`, which makes the queue again",
			name, size, l.sizeKey(), l.fileSize)
	}
	return base, nil
}

// checkExtFile does the same for one of consumequeue_ext. One without a byte holds nothing, see listExt.
func (s *queueSet) checkExtFile(name string, size int64) (base int64, err error) {
	base, ok := segmentBase(path.Base(name))
	if !ok || base%s.extFileSize != 0 {
		return 0, fmt.Errorf("%s is no file of a consume queue's extension: move it out of the store", name)
	}
	if size != s.extFileSize && size != 0 {
		return 0, fmt.Errorf("%s has %d bytes where mappedFileSizeConsumeQueueExt says %d: set the size that the store was made with, or move consumequeue_ext away: what it has of old messages only saves work",
			name, size, s.extFileSize)
	}
	return base, nil
}
