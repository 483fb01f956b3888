package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/store/vfs"
)

// Bounds of what waits in memory.
const (
	pendingWake  = 1 << 20  // bytes of tails at which the queue writer is woken early
	pendingBound = 64 << 20 // bytes of tails at which the dispatcher stops until they are written
)

// add gives a queue an entry and remembers that it has to be written. errUnjoined comes at a start only.
func (s *queueSet) add(q *queue, off int64, u unit) error {
	if s.strict {
		if err := s.joins(q, off, u); err != nil {
			return err
		}
	}
	added, gap := q.put(off, u, lostUnit(u.phy, s.log.size))
	if gap > 0 {
		s.event(Event{Level: Warning, Text: fmt.Sprintf("consume queue %s/%d lacked %d messages before offset %d: they were filled with blanks, readers pass over them", q.topic.name, q.id, gap, off)})
	}
	if added == 0 {
		if off == 0 && q.anew(u) {
			return s.beginAnew(q, u)
		}
		return nil
	}
	s.pendingBytes.Add(added * q.topic.layout.unit)
	fresh, outgrown := q.markDirty()
	if outgrown {
		s.noteBegun(q)
	}
	if fresh {
		s.mu.Lock()
		s.dirty = append(s.dirty, q)
		s.mu.Unlock()
	}
	return nil
}

// writeOut moves every tail to its files. When one fails its entries stay in memory and the rest is still tried.
func (s *queueSet) writeOut() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	batch := s.dirty
	s.dirty = nil
	s.mu.Unlock()
	if len(batch) > 0 {
		s.openWhole()
	}
	var errs []error
	for _, q := range batch {
		if err := s.writeQueue(q); err != nil {
			errs = append(errs, err)
			s.mu.Lock()
			s.dirty = append(s.dirty, q)
			s.mu.Unlock()
		}
	}
	if len(errs) > 3 { // a full disk fails every queue in the same words
		errs = append(errs[:3], fmt.Errorf("and %d more queues", len(errs)-3))
	}
	return errors.Join(errs...)
}

// writeQueue writes a queue's tail, file by file.
func (s *queueSet) writeQueue(q *queue) error {
	l := q.topic.layout
	for {
		q.mu.Lock()
		from, data := q.written*l.unit, q.tail
		if len(data) == 0 || q.removed {
			q.dirty = false
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		if err := s.writeExt(q); err != nil {
			return err
		}
		base := from / l.fileSize * l.fileSize
		data = data[:min(int64(len(data)), base+l.fileSize-from)]
		if err := s.writeFile(q, base, from, data); err != nil {
			return fmt.Errorf("write consume queue %s/%d: %w", q.topic.name, q.id, err)
		}
		q.mu.Lock()
		if q.removed {
			q.mu.Unlock()
			return nil
		}
		s.pendingBytes.Add(-int64(len(data)))
		q.written += int64(len(data)) / l.unit
		left := copy(q.tail, q.tail[len(data):])
		if left == 0 && len(data) < cap(q.tail)/4 {
			q.tail = nil // the queue has become quieter: idle queues shall hold no buffers
		} else {
			q.tail = q.tail[:left]
		}
		q.mu.Unlock()
	}
}

// writeFile writes entries at a byte position of the queue to the file that begins at base.
func (s *queueSet) writeFile(q *queue, base, from int64, data []byte) error {
	var f *openFile
	var err error
	if q.hasFile(base) {
		f, err = s.file(q, base)
	} else {
		f, err = s.createFile(q, base)
	}
	if err != nil {
		return err
	}
	defer f.release()
	s.noteWritten(fileKey{q: q, base: base})
	_, err = f.WriteAt(data, from-base)
	return err
}

// createFile makes a queue's file at its full size; it takes no space yet. In the first file of a queue that does not begin
// at its start, the entries before are blanks, as upstream writes them.
func (s *queueSet) createFile(q *queue, base int64) (*openFile, error) {
	name := s.filePath(q, base)
	dir := path.Dir(name)
	if err := s.fs.MkdirAll(dir); err != nil {
		return nil, err
	}
	f, err := s.fs.Create(name)
	if errors.Is(err, fs.ErrExist) { // an earlier attempt failed half way
		if f, err = s.fs.Open(name, true); err == nil {
			if err = f.Truncate(0); err != nil {
				f.Close()
			}
		}
	}
	if err != nil {
		return nil, err
	}
	l := q.topic.layout
	err = f.Truncate(l.fileSize)
	q.mu.Lock()
	blank := q.blankTo*l.unit - base
	q.mu.Unlock()
	if err == nil && blank > 0 && blank < l.fileSize {
		err = writeBlanks(f, blank)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), s.fs.Remove(name))
	}
	s.noteNames(name)
	q.mu.Lock()
	q.files = append(q.files, base)
	q.mu.Unlock()
	return s.cache.add(fileKey{q: q, base: base}, f), nil
}

// noteNames remembers that a queue's file and the directories above it may have names that are not durable.
func (s *queueSet) noteNames(file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for dir, top := path.Dir(file), path.Dir(s.simple.dir); ; dir = path.Dir(dir) {
		s.newNames[dir] = struct{}{}
		if dir == top {
			return
		}
	}
}

// writeBlanks fills a file with filler entries up to a position.
func writeBlanks(f vfs.File, to int64) error {
	const some = 1024
	var blanks []byte
	for range some {
		blanks = appendUnit(blanks, fillerUnit)
	}
	for at := int64(0); at < to; {
		n, err := f.WriteAt(blanks[:min(int64(len(blanks)), to-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

func (s *queueSet) noteWritten(key fileKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsynced[key] = struct{}{}
}
