package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
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
	found, err := s.findEnd(q, files)
	if err != nil {
		return fmt.Errorf("load consume queue %s/%d: %w", q.topic.name, q.id, err)
	}
	end, last := found.end, found.last
	files, err = s.cutBehind(q, files, found)
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
	q.max, q.written, q.found, q.room = end, end, end, l.room(end)
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
	for _, number := range found.holes {
		if err := s.mend(q, number); err != nil {
			return err
		}
	}
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

// queueEnd is where a queue ends.
type queueEnd struct {
	end    int64   // the number behind the last entry that can be believed
	last   unit    // that entry
	holes  []int64 // the first numbers of runs before it that cannot be believed
	litter bool    // something stands behind it, in its file
}

// endSearch are the questions of a search for a queue's end.
type endSearch struct {
	good func(number int64, u unit) (bool, error) // asked of any entry; good ones mostly come before others
	sure func(number int64, u unit) (bool, error) // asked of what stands behind an entry that is not good
}

// findEnd finds the end of a queue.
func (s *queueSet) findEnd(q *queue, files []int64) (queueEnd, error) {
	l := q.topic.layout
	believe := func(_ int64, u unit) (bool, error) {
		return l.valid(u) && (u.filler() || u.phy+int64(u.size) <= s.trust.limit), nil
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
	// Behind zeros an entry counts if the log confirms it. One whose record has expired may be left from an earlier life.
	sure := func(number int64, u unit) (bool, error) {
		if u.filler() || u.phy < logMin && s.trust.verify {
			return false, nil
		}
		return inLog(number, u)
	}
	found, err := s.searchEnd(q, files, endSearch{good: believe, sure: sure})
	if err != nil || found.end == 0 || !s.trust.verify {
		return found, err
	}
	if ok, err := inLog(found.end-1, found.last); ok || err != nil {
		return found, err
	}
	// The search was led astray by leftovers. Entries that the log confirms and those it does not are apart in any case.
	return s.searchEnd(q, files, endSearch{good: inLog, sure: sure})
}

// searchEnd searches the files for the last entry that is good, from the last file on.
func (s *queueSet) searchEnd(q *queue, files []int64, search endSearch) (found queueEnd, err error) {
	l := q.topic.layout
	for _, base := range slices.Backward(files) {
		f, err := s.file(q, base)
		if err != nil {
			return queueEnd{}, err
		}
		found, err = l.endOf(f, base/l.unit, search)
		f.release()
		if err != nil || found.end > base/l.unit {
			return found, err
		}
	}
	return found, nil
}

// endOf finds the end of a queue in a file, whose first entry has the number first. Where a search ends in the file the queue need not
// end: entries may have been lost before others. So what stands behind is looked at, as far as anything stands there.
func (l *layout) endOf(f vfs.File, first int64, search endSearch) (queueEnd, error) {
	found := queueEnd{end: first}
	for from := int64(0); ; {
		count, last, err := l.searchFile(f, first, from, search.good)
		if err != nil {
			return queueEnd{}, err
		}
		if count > from {
			found.end, found.last = first+count, last
		}
		next, litter, err := l.findBehind(f, first, count, search.sure)
		if err != nil {
			return queueEnd{}, err
		}
		if next < 0 {
			found.litter = litter
			return found, nil
		}
		found.holes = append(found.holes, first+count)
		from = next
	}
}

// findBehind looks for an entry of a file that is sure, from one on; -1 is none. Of what was never written nothing is read: a queue's last
// file mostly is a hole. litter tells whether there is anything.
func (l *layout) findBehind(f vfs.File, first, from int64, sure func(number int64, u unit) (bool, error)) (next int64, litter bool, err error) {
	const page, most = 4 << 10, 1 << 20 // bytes of a read: up to the end of a page, and more where data goes on
	var room []byte
	for at, size := from*l.unit, int64(page); at < l.fileSize; size = min(2*size, most) {
		at -= at % l.unit
		end := min((at+size)/page*page, l.fileSize)
		whole := (end - at + l.unit - 1) / l.unit * l.unit
		if int64(len(room)) < whole {
			room = make([]byte, whole)
		}
		if _, err := f.ReadAt(room[:end-at], at); err != nil {
			return -1, litter, fmt.Errorf("read consume queue entry %d: %w", at/l.unit, err)
		}
		after, err := f.NextData(end)
		if err != nil {
			return -1, litter, err
		}
		if after > end {
			clear(room[end-at : whole]) // the rest of the entry that lies across is zeros
		} else {
			whole = (end - at) / l.unit * l.unit // it is read again, with the next ones
		}
		for i := int64(0); i < whole; i += l.unit {
			u := l.decode(room[i:])
			if u == (unit{}) {
				continue
			}
			litter = true
			if ok, err := sure(first+(at+i)/l.unit, u); ok || err != nil {
				return (at + i) / l.unit, litter, err
			}
		}
		at = after
	}
	return -1, litter, nil
}

// searchRead is how many bytes of a file searchFile looks at together.
const searchRead = 1024

// searchFile counts the entries of a file, whose first one has the number first, up to the end of the good ones that begin with the one
// at from. Most queues are short and the rest of their file is a hole, so it looks at the start, then further off by and by, and halves
// what is left: each place in a hole costs a page of the system's memory.
func (l *layout) searchFile(f io.ReaderAt, first, from int64, good func(number int64, u unit) (bool, error)) (count int64, last unit, err error) {
	few := searchRead / l.unit
	room := make([]byte, few*l.unit)
	lo, hi := from, l.fileSize/l.unit // those from there to lo are good, the one at hi is not
	for reach := few; lo < hi; reach *= 2 {
		at, n := lo, min(few, hi-lo)
		if lo > from && hi-lo > few {
			at, n = min(lo+reach, (lo+hi)/2), 1
		}
		if _, err := f.ReadAt(room[:n*l.unit], at*l.unit); err != nil {
			return 0, unit{}, fmt.Errorf("read consume queue entry %d: %w", at, err)
		}
		low, high := at, at+n // the same as lo and hi, for these
		for low < high {
			mid := (low + high) / 2
			u := l.decode(room[(mid-at)*l.unit:])
			ok, err := good(first+mid, u)
			if err != nil {
				return 0, unit{}, err
			}
			if ok {
				low, last = mid+1, u
			} else {
				high = mid
			}
		}
		if low > at {
			lo = low
		}
		if low < at+n {
			hi = low
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
func (s *queueSet) cutBehind(q *queue, files []int64, found queueEnd) ([]int64, error) {
	l := q.topic.layout
	for len(files) > 1 && files[len(files)-1] >= found.end*l.unit {
		if err := s.removeFile(q, files[len(files)-1]); err != nil {
			return nil, err
		}
		files = files[:len(files)-1]
	}
	if len(files) == 0 || !found.litter {
		return files, nil
	}
	base := files[len(files)-1]
	f, err := s.file(q, base)
	if err != nil {
		return nil, err
	}
	defer f.release()
	at := found.end*l.unit - base
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
