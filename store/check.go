package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
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
	return s.queues.check()
}

// check looks at the files of every queue. They are listed and not opened.
func (s *queueSet) check() error {
	for t := range s.topics() {
		if err := s.checkTopic(path.Join(t.layout.dir, t.name), t.layout.checkFile); err != nil {
			return err
		}
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
		if err := s.checkTopic(path.Join(s.extRoot(), e.Name()), s.checkExtFile); err != nil {
			return err
		}
	}
	return nil
}

// checkTopic looks at the files of a topic's queues. A file without a byte was just being made: it is left to who loads the queue.
func (s *queueSet) checkTopic(dir string, check func(name string, size int64) (int64, error)) error {
	ids, err := s.readDir(dir)
	if err != nil {
		return fmt.Errorf("list the queues in %s: %w", dir, err)
	}
	for _, id := range ids {
		if _, err := strconv.ParseInt(id.Name(), 10, 32); err != nil || !id.IsDir() {
			continue
		}
		files, err := s.readDir(path.Join(dir, id.Name()))
		if err != nil {
			return fmt.Errorf("list a queue: %w", err)
		}
		files = slices.DeleteFunc(files, fs.DirEntry.IsDir)
		for i, e := range files {
			name := path.Join(dir, id.Name(), e.Name())
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
	}
	return nil
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
	base, err = strconv.ParseInt(path.Base(name), 10, 64)
	if err != nil || len(path.Base(name)) != len(segmentName(0)) || base%l.fileSize != 0 {
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
	base, err = strconv.ParseInt(path.Base(name), 10, 64)
	if err != nil || len(path.Base(name)) != len(segmentName(0)) || base%s.extFileSize != 0 {
		return 0, fmt.Errorf("%s is no file of a consume queue's extension: move it out of the store", name)
	}
	if size != s.extFileSize {
		return 0, fmt.Errorf("%s has %d bytes where mappedFileSizeConsumeQueueExt says %d: set the size that the store was made with, or move consumequeue_ext away: what it has of old messages only saves work",
			name, size, s.extFileSize)
	}
	return base, nil
}
