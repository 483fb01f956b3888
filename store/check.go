package store

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/gantrymq/gantry/store/vfs"
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
	return s.queues.check(s.checkpoint.own && !s.queues.unclean)
}

// With this many topics some are looked at side by side: with tens of thousands of queues their folders are what a start takes
// longest for.
const (
	checkTogether = 64
	checkAtOnce   = 8
)

// check looks at the files of every queue. They are listed, and of each queue that was left by a clean stop the last one is
// looked into.
func (s *queueSet) check(left bool) error {
	known, workers := slices.Collect(s.topics()), 1
	if len(known) >= checkTogether {
		workers = checkAtOnce
	}
	err := eachAtOnce(workers, len(known), func(i int) error {
		l := known[i].layout
		return s.checkTopic(path.Join(l.dir, known[i].name), l.checkFile, func(dir string, files []fs.DirEntry) error {
			s.found.note(dir)
			if !left || s.found.isLacking() {
				return nil
			}
			whole, err := l.endsWhole(s.fs, dir, files)
			if err == nil && !whole {
				s.found.lacks(dir)
			}
			return err
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
	mu      sync.Mutex // guards what follows while the queues are looked at
	names   uint64     // queueNames of the folders
	lacking string     // a queue that was left by a clean stop and does not end with an entry; "" when there is none
}

// note takes a queue's folder into names.
func (f *queuesFound) note(dir string) {
	h := fnv.New64a()
	queue, rest := path.Base(dir), path.Dir(dir)
	for _, part := range []string{path.Base(path.Dir(rest)), "/", path.Base(rest), "/", queue} {
		h.Write([]byte(part))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names ^= h.Sum64()
}

func (f *queuesFound) isLacking() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lacking != ""
}

func (f *queuesFound) lacks(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lacking = dir
}

// endsWhole finds out whether the last file of a queue begins with an entry. One that does not is never left by a clean stop,
// but where a crash had taken all that a queue had.
func (l *layout) endsWhole(fsys vfs.FS, dir string, files []fs.DirEntry) (bool, error) {
	if len(files) == 0 {
		return false, nil
	}
	file, err := fsys.Open(path.Join(dir, files[len(files)-1].Name()), false)
	if err != nil {
		return false, fmt.Errorf("open a consume queue file: %w", err)
	}
	defer file.Close()
	if size, err := file.Size(); size == 0 || err != nil {
		return false, err
	}
	first, err := l.readUnitAt(file, 0)
	return err == nil && l.valid(first), err
}

// queueNames tells which queues have folders, in one number.
func (s *queueSet) queueNames() (uint64, error) {
	var f queuesFound
	for _, l := range []*layout{&s.simple, &s.batch} {
		topics, err := s.readDir(l.dir)
		if err != nil {
			return 0, fmt.Errorf("list consume queues: %w", err)
		}
		for _, t := range topics {
			if !t.IsDir() {
				continue
			}
			if err := s.eachQueue(path.Join(l.dir, t.Name()), func(dir string) error { f.note(dir); return nil }); err != nil {
				return 0, err
			}
		}
	}
	return f.names, nil
}

// lacking tells what the queues lack of what the last clean stop left; "" when nothing is missing.
func (s *Store) lacking() string {
	switch f, c := &s.queues.found, &s.checkpoint; {
	case f.lacking != "":
		return fmt.Sprintf("%s ends without an entry, as no clean stop leaves it", f.lacking)
	case c.queues != 0 && c.queues != f.names:
		return "the consume queues are not those that the last stop has left"
	}
	return ""
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

// checkExtFile does the same for one of consumequeue_ext.
func (s *queueSet) checkExtFile(name string, size int64) (base int64, err error) {
	base, ok := segmentBase(path.Base(name))
	if !ok || base%s.extFileSize != 0 {
		return 0, fmt.Errorf("%s is no file of a consume queue's extension: move it out of the store", name)
	}
	if size != s.extFileSize {
		return 0, fmt.Errorf("%s has %d bytes where mappedFileSizeConsumeQueueExt says %d: set the size that the store was made with, or move consumequeue_ext away: what it has of old messages only saves work",
			name, size, s.extFileSize)
	}
	return base, nil
}
