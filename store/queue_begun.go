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

// begunFiles tells which queues there are and how far each has come, in one number: the exclusive or of the hashes of the last file
// of every queue that has an entry. A checkpoint takes it along as of its position, and a start works it out from the files.
// It costs nothing to keep, as it changes with a queue's files only, and it cannot be right by chance where one is missing.
type begunFiles struct {
	mu    sync.Mutex
	known bool // sum counts for this run
	sum   uint64
}

// hash of a queue's file, by its path below the root.
func (l *layout) hash(topic, id string, base int64) uint64 {
	h := fnv.New64a()
	for _, part := range []string{path.Base(l.dir), "/", topic, "/", id, "/", segmentName(base)} {
		h.Write([]byte(part))
	}
	return h.Sum64()
}

// note takes a queue's file in, or out when it was in.
func (b *begunFiles) note(hash uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum ^= hash
}

// set begins with a number; known false means that there is none for this run.
func (b *begunFiles) set(sum uint64, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum, b.known = sum, known
}

// forget gives the number up for this run.
func (b *begunFiles) forget() { b.set(0, false) }

// now is the number; 0 is unknown.
func (b *begunFiles) now() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.known {
		return 0
	}
	return b.sum
}

// noteBegun is called when the entries of a queue have gone beyond the files that were begun.
func (s *queueSet) noteBegun(q *queue) {
	s.dropBegun(q)
	l, id := q.topic.layout, strconv.Itoa(int(q.id))
	q.mu.Lock()
	q.room = l.room(q.max)
	last := q.room*l.unit - l.fileSize
	q.mu.Unlock()
	s.begun.note(l.hash(q.topic.name, id, last))
}

// room is how many entries the files hold that are needed for a number of them.
func (l *layout) room(entries int64) int64 {
	per := l.fileSize / l.unit
	return (entries + per - 1) / per * per
}

// lastBegun returns where the last file of a queue begins that has an entry for a record before limit; -1 when there is none.
func (l *layout) lastBegun(fsys vfs.FS, dir string, files []fs.DirEntry, limit int64) (int64, error) {
	for i := len(files) - 1; i >= 0; i-- {
		base, ok := segmentBase(files[i].Name())
		if !ok {
			continue
		}
		first, err := l.firstUnit(fsys, path.Join(dir, files[i].Name()))
		switch {
		case err != nil:
			return -1, err
		case l.valid(first) && first.phy < limit:
			return base, nil
		case i == 0 && base > 0: // retention has removed the file before, whose successor was begun later
			return base - l.fileSize, nil
		}
	}
	return -1, nil
}

// firstUnit reads the entry that a queue's file begins with; the zero entry of a file without a byte.
func (l *layout) firstUnit(fsys vfs.FS, name string) (unit, error) {
	file, err := fsys.Open(name, false)
	if err != nil {
		return unit{}, fmt.Errorf("open a consume queue file: %w", err)
	}
	defer file.Close()
	if size, err := file.Size(); size == 0 || err != nil {
		return unit{}, err
	}
	return l.readUnitAt(file, 0)
}

// errUnjoined says that the consume queues lack more than what the last stop may have left out.
var errUnjoined = errors.New("entries of consume queues are missing")

// joins reports, by errUnjoined, a record that does not follow the last entry of its queue, when the queues are completed at a
// start: what is between was lost, and has to be looked for in all of the log. A queue without an entry may be one that was deleted
// with its topic; it was lost if another of the topic's queues is older.
func (s *queueSet) joins(q *queue, off int64, u unit) error {
	l := q.topic.layout
	q.mu.Lock()
	end, none := q.max, q.max == 0 && len(q.files) == 0
	expired := l.batch && len(q.files) > 0 && q.max == q.begin() // or cut: entries that would tell the end are not there
	if l.batch {
		end = q.maxOffset
	}
	q.mu.Unlock()
	if off <= end || expired {
		return nil
	}
	if none {
		if s.begun.now() != 0 || s.log.min() > 0 && off >= l.fileSize/l.unit { // what was before may have expired
			return nil
		}
		if older, err := s.topicOlder(q.topic, u.phy); err != nil || !older {
			return err
		}
	}
	return fmt.Errorf("consume queue %s/%d ends at offset %d and the next message of it in the log has %d: %w", q.topic.name, q.id, end, off, errUnjoined)
}

// topicOlder reports whether a queue of a topic begins with an entry for a record that the log holds before phy.
func (s *queueSet) topicOlder(t *topicQueues, phy int64) (bool, error) {
	older := false
	err := s.eachQueue(path.Join(t.layout.dir, t.name), func(dir string) error {
		files, err := s.readDir(dir)
		if err != nil || len(files) == 0 || older {
			return err
		}
		u, err := t.layout.firstUnit(s.fs, path.Join(dir, files[0].Name()))
		older = err == nil && t.layout.valid(u) && !u.filler() && u.phy < phy
		return err
	})
	return older, err
}

// anew reports whether a record with offset 0 begins its queue once more: the topic was deleted since, and made again.
func (q *queue) anew(u unit) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.removed && q.maxPhy > 0 && u.phy >= q.maxPhy
}

// beginAnew makes u the first entry of a queue and drops those that it has. Only a start that dispatches the log again comes here.
func (s *queueSet) beginAnew(q *queue, u unit) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	q.mu.Lock()
	files := q.files
	q.mu.Unlock()
	for _, base := range slices.Backward(files) {
		if err := s.removeFile(q, base); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("begin consume queue %s/%d anew: %w", q.topic.name, q.id, err)
		}
	}
	s.noteNames(s.filePath(q, 0))
	s.dropBegun(q)
	q.mu.Lock()
	s.pendingBytes.Add(-int64(len(q.tail)))
	q.files, q.tail, q.found = nil, nil, 0
	q.min, q.minFor, q.max, q.written, q.room, q.blankTo, q.maxPhy, q.minOffset, q.maxOffset = 0, -1, 0, 0, 0, 0, 0, 0, 0
	q.mu.Unlock()
	s.event(Event{Level: Info, Text: fmt.Sprintf("consume queue %s/%d begins anew with the record at %d: its topic was deleted before, and made again", q.topic.name, q.id, u.phy)})
	return s.add(q, 0, u)
}

// dropBegun takes a queue out of what is begun.
func (s *queueSet) dropBegun(q *queue) {
	l := q.topic.layout
	q.mu.Lock()
	room := q.room
	q.room = 0
	q.mu.Unlock()
	if room > 0 {
		s.begun.note(l.hash(q.topic.name, strconv.Itoa(int(q.id)), room*l.unit-l.fileSize))
	}
}
