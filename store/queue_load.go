package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/gantrymq/gantry/codec"
)

// queueTrust says how far the files of consume queues are believed when they are loaded. It is set at start, before any
// queue is loaded.
type queueTrust struct {
	// limit cuts off entries whose record ends behind it: the log has no such records, or dispatching starts there again.
	limit int64
	// verify compares a queue's last entry with the log: bytes behind a queue's end may be left from an earlier life, as
	// upstream does not clear what it truncates.
	verify bool
}

// load reads a queue's length off its files. It does nothing when that was done before.
func (s *queueSet) load(q *queue) error {
	if q.loaded.Load() {
		return nil
	}
	q.loading.Lock()
	defer q.loading.Unlock()
	if q.loaded.Load() {
		return nil
	}
	files, gone, err := s.listFiles(q)
	if err != nil {
		return err
	}
	end, last, err := s.findEnd(q, files)
	if err != nil {
		return fmt.Errorf("load consume queue %s/%d: %w", q.topic.name, q.id, err)
	}
	files, err = s.cutBehind(q, files, end)
	if err != nil {
		return fmt.Errorf("cut consume queue %s/%d at %d: %w", q.topic.name, q.id, end, err)
	}
	if s.trust.verify && len(files) > 0 {
		// The process that made the files, or cleared what stood behind their end, may not have come to syncing that: what the
		// page cache shows can still be undone by a power failure.
		s.noteNames(path.Join(s.queueDir(q), segmentName(0)))
		s.noteWritten(fileKey{q: q, base: files[len(files)-1]})
	}
	q.mu.Lock()
	q.files = files
	l := q.topic.layout
	q.max, q.written, q.room = end, end, l.room(end)
	if len(files) == 0 {
		q.room = gone / l.unit // files before it have expired, and count: see lastBegun
	}
	if len(files) > 0 {
		q.min = files[0] / l.unit
	}
	if l.valid(last) && !last.filler() {
		q.maxPhy = last.phy + int64(last.size)
	}
	if l.batch && l.valid(last) {
		q.maxOffset = last.base + int64(last.count)
		end = q.maxOffset
	}
	q.mu.Unlock()
	if l.batch && len(files) == 0 {
		s.dropBegun(q) // its entries are numbered from 0 again
	}
	s.log.mu.Lock()
	q.next = end
	s.log.mu.Unlock()
	q.loaded.Store(true)
	return nil
}

// listFiles returns where a queue's files begin. A last file without a byte is one that was just being made: it goes. After a
// power failure there can be more behind it, made at the same time: they go with it, since none of them was ever synced. gone is
// where the first of them began.
func (s *queueSet) listFiles(q *queue) (files []int64, gone int64, err error) {
	dir := s.queueDir(q)
	entries, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list consume queue: %w", err)
	}
	entries = slices.DeleteFunc(entries, fs.DirEntry.IsDir)
	for i, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, 0, fmt.Errorf("consume queue file %s: %w", path.Join(dir, e.Name()), err)
		}
		if info.Size() == 0 && (i == len(entries)-1 || s.trust.verify) {
			if err := s.removeFrom(dir, entries[i:]); err != nil {
				return nil, 0, fmt.Errorf("remove an empty consume queue file: %w", err)
			}
			gone, _ = segmentBase(e.Name())
			break
		}
		base, err := q.topic.layout.checkFile(path.Join(dir, e.Name()), info.Size())
		if err != nil {
			return nil, 0, err
		}
		if n := len(files); n > 0 && base != files[n-1]+q.topic.layout.fileSize { // a file is missing: check has seen it, and all are made again from there on
			if err := s.removeFrom(dir, entries[i:]); err != nil {
				return nil, 0, fmt.Errorf("remove what lies behind a missing consume queue file: %w", err)
			}
			break
		}
		files = append(files, base)
	}
	return files, gone, nil
}

// removeFrom removes the last files of a queue, from the last on: cut short, it leaves no hole.
func (s *queueSet) removeFrom(dir string, files []fs.DirEntry) error {
	for _, e := range slices.Backward(files) {
		if err := s.fs.Remove(path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// findEnd finds the number behind the last entry that can be believed, and that entry.
func (s *queueSet) findEnd(q *queue, files []int64) (end int64, last unit, err error) {
	l := q.topic.layout
	believe := func(_ int64, u unit) (bool, error) {
		return l.valid(u) && (u.filler() || u.phy+int64(u.size) <= s.trust.limit), nil
	}
	end, last, err = s.searchEnd(q, files, believe)
	if err != nil || end == 0 || !s.trust.verify {
		return end, last, err
	}
	logMin := s.log.min()
	inLog := func(number int64, u unit) (bool, error) {
		if ok, _ := believe(number, u); !ok {
			return false, nil
		}
		if u.filler() || u.phy < logMin {
			return true, nil
		}
		return s.log.isRecordOf(u, q.topic.name, q.id, l.offset(u, number))
	}
	if ok, err := inLog(end-1, last); ok || err != nil {
		return end, last, err
	}
	// The search was led astray by leftovers. Entries that the log confirms and those it does not are apart in any case.
	return s.searchEnd(q, files, inLog)
}

// searchEnd searches for the first entry that is not good, given that good ones come before bad ones.
func (s *queueSet) searchEnd(q *queue, files []int64, good func(number int64, u unit) (bool, error)) (end int64, last unit, err error) {
	l := q.topic.layout
	for _, base := range slices.Backward(files) {
		f, err := s.file(q, base)
		if err != nil {
			return 0, unit{}, err
		}
		n, u, err := l.searchFile(f, base/l.unit, good)
		f.release()
		if err != nil {
			return 0, unit{}, err
		}
		if n > 0 {
			return base/l.unit + n, u, nil
		}
	}
	if len(files) > 0 {
		return files[0] / l.unit, unit{}, nil
	}
	return 0, unit{}, nil
}

// searchRead is how many bytes of a file searchFile looks at together.
const searchRead = 1024

// searchFile counts the good entries at the start of a file whose first one has the number first. Most queues are short and the rest
// of their file is a hole, so it looks at the start, then further off by and by, and halves what is left: each place in a hole costs
// a page of the system's memory.
func (l *layout) searchFile(f io.ReaderAt, first int64, good func(number int64, u unit) (bool, error)) (count int64, last unit, err error) {
	few := searchRead / l.unit
	room := make([]byte, few*l.unit)
	lo, hi := int64(0), l.fileSize/l.unit // entries before lo are good, the one at hi is not
	for reach := few; lo < hi; reach *= 2 {
		at, n := lo, min(few, hi-lo)
		if lo > 0 && hi-lo > few {
			at, n = min(lo+reach, (lo+hi)/2), 1
		}
		if _, err := f.ReadAt(room[:n*l.unit], at*l.unit); err != nil {
			return 0, unit{}, fmt.Errorf("read consume queue entry %d: %w", at, err)
		}
		from, to := at, at+n // the same as lo and hi, for these
		for from < to {
			mid := (from + to) / 2
			u := l.decode(room[(mid-at)*l.unit:])
			ok, err := good(first+mid, u)
			if err != nil {
				return 0, unit{}, err
			}
			if ok {
				from, last = mid+1, u
			} else {
				to = mid
			}
		}
		if from > at {
			lo = from
		}
		if from < at+n {
			hi = from
		}
	}
	return lo, last, nil
}

func (l *layout) readUnitAt(f io.ReaderAt, i int64) (unit, error) {
	var b [max(queueUnit, batchUnit)]byte
	if _, err := f.ReadAt(b[:l.unit], i*l.unit); err != nil {
		return unit{}, fmt.Errorf("read consume queue entry %d: %w", i, err)
	}
	return l.decode(b[:]), nil
}

// cutBehind makes sure that nothing stands behind the end of a queue: upstream takes any entry that looks written for one.
func (s *queueSet) cutBehind(q *queue, files []int64, end int64) ([]int64, error) {
	l := q.topic.layout
	for len(files) > 0 {
		last := files[len(files)-1]
		if last < end*l.unit || len(files) == 1 {
			break
		}
		if err := s.removeFile(q, last); err != nil {
			return nil, err
		}
		files = files[:len(files)-1]
	}
	if len(files) == 0 {
		return files, nil
	}
	at := end*l.unit - files[len(files)-1]
	if at >= l.fileSize {
		return files, nil
	}
	base := files[len(files)-1]
	f, err := s.file(q, base)
	if err != nil {
		return nil, err
	}
	defer f.release()
	if u, err := l.readUnitAt(f, at/l.unit); err != nil || u == (unit{}) {
		return files, err
	}
	s.noteWritten(fileKey{q: q, base: base})
	return files, f.Zero(at, l.fileSize-at)
}

func (s *queueSet) removeFile(q *queue, base int64) error {
	s.cache.forget(fileKey{q: q, base: base})
	return s.fs.Remove(s.filePath(q, base))
}

// isRecordOf reports whether a unit's record is what a queue's entry at off must point to.
func (l *commitLog) isRecordOf(u unit, topic string, id int32, off int64) (bool, error) {
	if u.phy < 0 || u.size <= 0 || u.phy+int64(u.size) > l.end.Load() {
		return false, nil
	}
	b, err := l.readCopy(u.phy, int(u.size), nil)
	if err != nil {
		return false, err
	}
	var m codec.Message
	if _, err := codec.DecodeRecord(b, &m, false); err != nil {
		return false, nil
	}
	if m.StoreSize != u.size || m.PhysicalOffset != u.phy {
		return false, nil
	}
	return m.Topic == topic && m.QueueID == id && m.QueueOffset == off || isLightEntry(&m, topic, id, off), nil
}

// unitOnDisk reads the entry of a queue offset in a queue that is not loaded, as it lies in its file; the zero entry where
// there is none.
func (s *queueSet) unitOnDisk(q *queue, off int64) (unit, error) {
	l := q.topic.layout
	if l.batch {
		return s.batchUnitOnDisk(q, off)
	}
	at := off * l.unit
	if at < 0 {
		return unit{}, nil
	}
	base := at / l.fileSize * l.fileSize
	f, err := s.fs.Open(s.filePath(q, base), false)
	if errors.Is(err, fs.ErrNotExist) {
		return unit{}, nil
	}
	if err != nil {
		return unit{}, err
	}
	defer f.Close()
	if size, err := f.Size(); err != nil || size < l.fileSize {
		return unit{}, err
	}
	return l.readUnitAt(f, (at-base)/l.unit)
}
