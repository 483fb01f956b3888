package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"github.com/gantrymq/gantry/codec"
)

// queueExt is the end of a queue's ext files. Units before written are in files, those from there to end in tail. It is guarded by
// queue.mu, and added to by the dispatcher only.
type queueExt struct {
	ready   bool // end is known
	broken  bool // it could not be found, which was reported: entries carry their tag hash
	written int64
	end     int64
	tail    []byte
}

// addExt notes a message in the queue's ext files and returns what its entry carries instead of the tag hash; the hash itself
// where nothing can be noted, as upstream does: what is in consumequeue_ext only saves work.
func (s *queueSet) addExt(q *queue, m *codec.Message, tags int64) int64 {
	u := extUnit{tags: tags, storeTime: m.StoreTimestamp}
	if s.bitMap != nil {
		s.extMap = s.bitMap(s.extMap[:0], m.Topic, m.Properties)
		u.bitMap = s.extMap
	}
	if int64(u.size()) > min(extMost, s.extFileSize-extFileEnd) || !q.lacks(m.QueueOffset) {
		return tags
	}
	s.extUsed.Store(true)
	if q.ext.broken {
		return tags
	}
	if !q.ext.ready {
		if err := s.resumeExt(q); err != nil {
			q.ext.broken = true
			s.event(Event{Level: Warning, Text: fmt.Sprintf("consumequeue_ext of queue %s/%d cannot be written: its entries carry their tag hash until the next start", q.topic.name, q.id), Err: err})
			return tags
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.ext.tail)
	if left := s.extFileSize - q.ext.end%s.extFileSize; int64(u.size()) > left-extFileEnd {
		q.ext.tail = binary.BigEndian.AppendUint16(q.ext.tail, math.MaxUint16)
		q.ext.tail = append(q.ext.tail, make([]byte, left-2)...)
		q.ext.end += left
	}
	at := q.ext.end
	q.ext.tail = appendExt(q.ext.tail, u)
	q.ext.end += int64(u.size())
	s.pendingBytes.Add(int64(len(q.ext.tail) - before))
	return at + math.MinInt64
}

// lacks reports whether the queue would take an entry with this offset.
func (q *queue) lacks(off int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return off >= q.max && !q.removed
}

// extPending copies what waits in memory from a position on into buf. ok is false for a position that is not in memory.
func (q *queue) extPending(at int64, buf []byte) (b []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := &q.ext
	if !e.ready || at < e.written || at+2 > e.end {
		return nil, false
	}
	from := e.tail[at-e.written:]
	n := min(len(from), max(extSize(from), 2))
	return append(buf[:0], from[:n]...), true
}

// resumeExt finds where the next unit of a queue goes: behind the one that its last entry points to. What stands behind that is
// of entries that were lost, and goes. It is called by the dispatcher only.
func (s *queueSet) resumeExt(q *queue) error {
	files, empty, err := s.listExt(q)
	if err != nil {
		return err
	}
	for _, name := range empty {
		if err := s.fs.Remove(name); err != nil {
			return err
		}
	}
	end, err := s.extEnd(q, files)
	if err != nil {
		return err
	}
	for len(files) > 0 && files[len(files)-1] > end {
		last := files[len(files)-1]
		s.cache.forget(fileKey{q: q, base: last, ext: true})
		if err := s.fs.Remove(s.extPath(q, last)); err != nil {
			return err
		}
		files = files[:len(files)-1]
	}
	if len(files) > 0 {
		if s.trust.verify { // as in load
			s.noteNames(s.extPath(q, files[0]))
			s.noteWritten(fileKey{q: q, base: files[len(files)-1], ext: true})
		}
		if err := s.zeroExt(q, files[len(files)-1], end); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ext = queueExt{ready: true, written: end, end: end}
	return nil
}

// listExt returns where a queue's ext files begin, ascending, and the names of those without a byte: one that is just being made, or
// was, or an expired one that was never synced and that a power failure has brought back. They hold nothing.
func (s *queueSet) listExt(q *queue) (files []int64, empty []string, err error) {
	dir := s.extDir(q)
	entries, err := s.fs.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, nil, err
		}
		name := path.Join(dir, e.Name())
		base, err := s.checkExtFile(name, info.Size())
		switch {
		case err != nil:
			return nil, nil, err
		case info.Size() == 0:
			empty = append(empty, name)
		default:
			files = append(files, base)
		}
	}
	slices.Sort(files)
	return files, empty, nil
}

// extEnd is the position behind the last unit that an entry of the queue points to, and behind all files where none does.
func (s *queueSet) extEnd(q *queue, files []int64) (int64, error) {
	if len(files) == 0 && q.end() == 0 {
		return 0, nil
	}
	last, err := s.lastExt(q, len(files) == 0)
	if err != nil || !isExt(last) {
		if len(files) > 0 { // expired entries point into them, and a power failure can bring their messages back
			return files[len(files)-1] + s.extFileSize, err
		}
		return 0, err
	}
	at := last - math.MinInt64
	var buf [extGuess]byte
	if u, err := s.readExt(q, last, buf[:]); err == nil {
		return at + int64(u.size()), nil
	}
	return (at/s.extFileSize + 1) * s.extFileSize, nil // whatever was there: no entry may find another's unit in its place
}

// lastExt finds the last entry that points to a unit: mostly it is the very last. Only if the setting was off for a while there
// are others behind it. quick looks at the very last alone, which is right for a queue without ext files: it saves every queue
// that there was before the setting a walk through all of it.
func (s *queueSet) lastExt(q *queue, quick bool) (int64, error) {
	lo, hi, err := s.bounds(q)
	if err != nil {
		return 0, err
	}
	if quick {
		lo = max(lo, hi-1)
	}
	const most = 4096
	buf := make([]byte, min(most, hi-lo)*queueUnit)
	for hi > lo {
		from := max(lo, hi-most, (hi-1)*queueUnit/q.topic.layout.fileSize*q.topic.layout.fileSize/queueUnit) // within one file
		got := int64(0)
		for from+got < hi {
			n, err := s.read(q, from+got, buf[got*queueUnit:(hi-from)*queueUnit])
			if n == 0 || err != nil {
				return 0, err
			}
			got += int64(n)
		}
		for i := got - 1; i >= 0; i-- {
			if u := decodeUnit(buf[i*queueUnit:]); isExt(u.tags) {
				return u.tags, nil
			}
		}
		hi = from
	}
	return 0, nil
}

// zeroExt clears a file from a position of the queue's ext files on, where anything stands there: upstream walks over whatever
// looks like a unit.
func (s *queueSet) zeroExt(q *queue, base, from int64) error {
	at := max(from-base, 0)
	if at >= s.extFileSize-1 {
		return nil
	}
	f, err := s.extFile(q, base)
	if err != nil {
		return err
	}
	defer f.release()
	var b [2]byte
	if _, err := f.ReadAt(b[:], at); err != nil || b == [2]byte{} {
		return err
	}
	s.noteWritten(fileKey{q: q, base: base, ext: true})
	return f.Zero(at, s.extFileSize-at)
}

// writeExt moves the queue's units that wait in memory to their files. It goes before the entries that point to them.
func (s *queueSet) writeExt(q *queue) error {
	for {
		q.mu.Lock()
		from, data := q.ext.written, q.ext.tail
		q.mu.Unlock()
		if len(data) == 0 {
			return nil
		}
		base := from / s.extFileSize * s.extFileSize
		data = data[:min(int64(len(data)), base+s.extFileSize-from)]
		if err := s.writeExtFile(q, base, from, data); err != nil {
			return fmt.Errorf("write consumequeue_ext %s/%d: %w", q.topic.name, q.id, err)
		}
		q.mu.Lock()
		if !q.removed {
			s.pendingBytes.Add(-int64(len(data)))
			q.ext.written += int64(len(data))
			if left := copy(q.ext.tail, q.ext.tail[len(data):]); left == 0 && len(data) < cap(q.ext.tail)/4 {
				q.ext.tail = nil
			} else {
				q.ext.tail = q.ext.tail[:left]
			}
		}
		q.mu.Unlock()
	}
}

func (s *queueSet) writeExtFile(q *queue, base, from int64, data []byte) error {
	f, err := s.extFile(q, base)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = s.createExt(q, base)
	}
	if err != nil {
		return err
	}
	defer f.release()
	if from == base { // whoever made it may have failed half way, or have been killed before its name was durable
		s.noteNames(s.extPath(q, base))
		if err := f.Truncate(s.extFileSize); err != nil {
			return err
		}
	}
	s.noteWritten(fileKey{q: q, base: base, ext: true})
	_, err = f.WriteAt(data, from-base)
	return err
}

// createExt makes an ext file, which gets its full size with the first write; it takes no space yet.
func (s *queueSet) createExt(q *queue, base int64) (*openFile, error) {
	name := s.extPath(q, base)
	if err := s.fs.MkdirAll(path.Dir(name)); err != nil {
		return nil, err
	}
	f, err := s.fs.Create(name)
	if err != nil {
		return nil, err
	}
	s.noteNames(name)
	return s.cache.add(fileKey{q: q, base: base, ext: true}, f), nil
}

// expireExt removes the ext files that lie before what the queue's first readable entry points to.
func (s *queueSet) expireExt(q *queue) error {
	if !s.extUsed.Load() || q.topic.layout.batch {
		return nil
	}
	lo, _, err := s.bounds(q)
	if err != nil {
		return err
	}
	first, ok, err := s.unit(q, lo)
	if err != nil || !ok || !isExt(first.tags) {
		return err
	}
	files, _, err := s.listExt(q)
	if err != nil {
		return err
	}
	for _, base := range files {
		if base+s.extFileSize > first.tags-math.MinInt64 {
			return nil
		}
		s.cache.forget(fileKey{q: q, base: base, ext: true})
		if err := s.fs.Remove(s.extPath(q, base)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an expired file of consumequeue_ext: %w", err)
		}
	}
	return nil
}
