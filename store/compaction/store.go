package compaction

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The folders below the root: queues of records, and of the units that lead to them.
const (
	logFolder   = "compactionLog"
	queueFolder = "compactionCq"
)

// Store is the compacted queues of a broker. Get, Bounds, Sync and Delete are safe for concurrent use; Append, Verify and Cut are for one
// goroutine at a time.
type Store struct {
	o        Options
	handles  handles
	checking bool // nothing may be changed

	writing sync.Mutex // serialises writing the file of positions; held over I/O

	mu     sync.Mutex // guards the fields below
	queues map[queueID]*queue
	dirty  []*segment       // written since the last Sync
	merged map[string]int64 // newest merged offset by queue.key
}

type queueID struct {
	topic string
	id    int32
}

// Open loads what is there, finishes or takes back what a crash has cut short, and makes missing units from the records. Run has to
// follow for compactions to happen.
func Open(o Options) (*Store, error) {
	o.complete()
	s := &Store{o: o, queues: map[queueID]*queue{}}
	s.handles = handles{fs: o.FS, limit: o.Handles, report: o.Event}
	var err error
	if s.merged, err = loadPositions(o.FS, o.Root); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.handles.close())
	}
	return s, nil
}

// Close gives back what is open. Sync comes first, where what was appended shall be durable, and the end of Run.
func (s *Store) Close() error {
	var errs []error
	for _, q := range s.all() {
		q.compacting.Lock()
		for _, h := range q.stuck {
			errs = append(errs, s.handles.release(h))
		}
		q.stuck = nil
		q.compacting.Unlock()
	}
	return errors.Join(append(errs, s.handles.close())...)
}

func (s *Store) find(topic string, id int32) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[queueID{topic, id}]
}

// Append keeps a message, and begins its queue if it is the first.
func (s *Store) Append(topic string, id int32, r *Record) error {
	q := s.find(topic, id)
	if q == nil {
		q = s.newQueue(topic, id)
		s.mu.Lock()
		s.queues[queueID{topic, id}] = q
		s.mu.Unlock()
	}
	if err := q.put(r); err != nil {
		return fmt.Errorf("keep message %d of %s: %w", r.QueueOffset, q, err)
	}
	return nil
}

// Bounds is the first readable offset of a queue, -1 without a message, and its end. ok is false for an unknown queue.
func (s *Store) Bounds(topic string, id int32) (minOffset, maxOffset int64, ok bool) {
	q := s.find(topic, id)
	if q == nil {
		return 0, 0, false
	}
	return q.view.Load().min(), q.max.Load(), true
}

// Queues lists the queues of a topic, ascending.
func (s *Store) Queues(topic string) []int32 {
	var ids []int32
	s.mu.Lock()
	for id := range s.queues {
		if id.topic == topic {
			ids = append(ids, id.id)
		}
	}
	s.mu.Unlock()
	slices.Sort(ids)
	return ids
}

// Cut takes out every message of a queue from an offset on: the commit log has lost them.
func (s *Store) Cut(topic string, id int32, off int64) error {
	q := s.find(topic, id)
	if q == nil || q.max.Load() <= off {
		return nil
	}
	s.o.Event(fmt.Sprintf("%s keeps messages up to %d where the commit log ends at %d: they are taken out", q, q.max.Load(), off), nil)
	return q.cut(off)
}

// note remembers a segment for the next Sync.
func (s *Store) note(g *segment) {
	s.mu.Lock()
	s.dirty = append(s.dirty, g)
	s.mu.Unlock()
}

// forget drops a segment from what has to be synced.
func (s *Store) forget(g *segment) {
	s.mu.Lock()
	s.dirty = slices.DeleteFunc(s.dirty, func(other *segment) bool { return other == g })
	s.mu.Unlock()
}

// Sync makes everything durable that was appended before the call.
func (s *Store) Sync() error {
	s.mu.Lock()
	list := s.dirty
	s.dirty = nil
	s.mu.Unlock()
	dirs := map[string]bool{}
	for _, g := range list {
		g.dirty.Store(false) // before the sync: what is written meanwhile is the next one's
		h, err := s.handles.acquire(g)
		if errors.Is(err, errReplaced) {
			continue // a compaction has merged and synced it
		}
		if err == nil {
			err = errors.Join(h.log.Sync(), h.queue.Sync(), s.handles.release(h))
		}
		if err != nil {
			return fmt.Errorf("sync %s: %w", g.logPath(), err)
		}
		dirs[g.logDir], dirs[g.queueDir] = true, true
	}
	for dir := range dirs {
		if err := s.o.FS.SyncDir(dir); err != nil {
			return fmt.Errorf("sync %s: %w", dir, err)
		}
	}
	return nil
}

// Delete removes the queues of a topic. Nothing may be appended to them meanwhile. A name that no folder of a topic can have removes
// nothing: whoever may delete topics must not reach other folders with one.
func (s *Store) Delete(topic string) error {
	if topic == "" || topic == "." || topic == ".." || strings.Contains(topic, "/") {
		return nil
	}
	var errs []error
	for _, id := range s.Queues(topic) {
		q := s.find(topic, id)
		q.gone.Store(true) // a compaction of it ends soon
		q.compacting.Lock()
		errs = append(errs, q.shorten(0, -1))
		q.compacting.Unlock()
		s.mu.Lock()
		delete(s.queues, queueID{topic, id})
		s.mu.Unlock()
		errs = append(errs, s.setPosition(q.key, -1))
	}
	for _, folder := range []string{queueFolder, logFolder} {
		dir := path.Join(s.o.Root, folder)
		if _, err := s.o.FS.Stat(path.Join(dir, topic)); err != nil {
			continue
		}
		errs = append(errs, s.o.FS.RemoveAll(path.Join(dir, topic)), s.o.FS.SyncDir(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete the compacted queues of topic %s: %w", topic, err)
	}
	return nil
}

// load finds the queues.
func (s *Store) load() error {
	return s.eachFolder(func(topic string, id int32) error {
		q := s.newQueue(topic, id)
		if err := q.load(); err != nil {
			return fmt.Errorf("load %s of the compacted ones: %w", q, err)
		}
		s.queues[queueID{topic, id}] = q
		return nil
	})
}

// eachFolder calls do for every queue that has a folder. Folders that are no queue are left alone, as upstream leaves them.
func (s *Store) eachFolder(do func(topic string, id int32) error) error {
	topics, err := s.folders(path.Join(s.o.Root, logFolder))
	if err != nil {
		return err
	}
	for _, topic := range topics {
		ids, err := s.folders(path.Join(s.o.Root, logFolder, topic))
		if err != nil {
			return err
		}
		for _, name := range ids {
			id, err := strconv.ParseInt(name, 10, 32)
			if err != nil || id < 0 {
				continue
			}
			if err := do(topic, int32(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// folders lists the folders in a folder, which may be missing.
func (s *Store) folders(dir string) ([]string, error) {
	entries, err := readDir(s.o.FS, dir)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// all lists the queues in a fixed order.
func (s *Store) all() []*queue {
	s.mu.Lock()
	list := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		list = append(list, q)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *queue) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.id, b.id)) })
	return list
}
