package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// DeleteTopics removes the consume queues of topics. Their messages stay in the log until it expires. The caller sees to it
// that nothing is appended to them meanwhile: a later append begins the queue anew at offset 0.
func (s *Store) DeleteTopics(names []string) error {
	if err := s.dispatchConfirmed(); err != nil { // what is still on its way would bring the queue back
		return fmt.Errorf("delete topics: %w", err)
	}
	done, err := s.forgetBegun()
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	defer done()
	var errs []error
	for _, name := range names {
		if t := s.queues.topic(name, false); t != nil {
			errs = append(errs, s.deleteTopic(t))
		}
	}
	errs = append(errs, s.deleteCompacted(names))
	return errors.Join(errs...)
}

func (s *Store) deleteTopic(t *topicQueues) error {
	list, err := s.queues.queuesOf(t)
	if err != nil {
		return err
	}
	for _, q := range list { // or nobody knows what it counted for
		if err := s.queues.load(q); err != nil {
			s.queues.begun.forget()
		}
	}
	s.dispatch.running.Lock()
	s.dispatch.forgetQueue()
	s.queues.remove(t)
	for _, q := range list {
		s.queues.retire(q)
		s.queues.dropBegun(q)
	}
	s.dispatch.running.Unlock()
	dir := path.Join(t.layout.dir, t.name)
	s.queues.writing.Lock() // the queue writer may be busy in the directory
	defer s.queues.writing.Unlock()
	s.queues.forgetFiles(t)
	if err := s.o.FS.RemoveAll(dir); err != nil {
		s.queues.begun.forget()
		return fmt.Errorf("delete the consume queues of topic %s: %w", t.name, err)
	}
	if err := s.o.FS.SyncDir(t.layout.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the consume queues of topic %s: %w", t.name, err)
	}
	if !s.queues.extUsed.Load() {
		return nil
	}
	if err := s.o.FS.RemoveAll(path.Join(s.queues.extRoot(), t.name)); err != nil {
		return fmt.Errorf("delete the extension of the consume queues of topic %s: %w", t.name, err)
	}
	return nil
}

// forgetBegun lets no checkpoint say which queues there are, until done is called, which has one taken that does: a start after a crash
// could not tell queues that were being deleted from lost ones.
func (s *Store) forgetBegun() (done func(), err error) {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	if s.checkpoint.queues != 0 {
		c := s.checkpoint
		c.queues = 0
		if err := s.checkpointFile.write(&c); err != nil {
			return nil, s.syncFailed(err)
		}
		s.checkpoint = c
	}
	s.deleting++
	return func() {
		s.checkpointing.Lock()
		s.deleting--
		s.checkpointing.Unlock()
		s.checkpointSoon.Store(true)
		s.queueWake()
	}, nil
}

// retire makes a queue refuse entries and forget its tail.
func (s *queueSet) retire(q *queue) {
	q.mu.Lock()
	s.pendingBytes.Add(-int64(len(q.tail) + len(q.ext.tail)))
	q.removed, q.tail, q.ext.tail = true, nil, nil
	q.max = q.written
	q.mu.Unlock()
}

// forgetFiles drops a topic's files from the cache and from what has to be synced. writing is held.
func (s *queueSet) forgetFiles(t *topicQueues) {
	s.mu.Lock()
	for key := range s.unsynced {
		if key.q.topic == t {
			delete(s.unsynced, key)
		}
	}
	s.mu.Unlock()
	for _, key := range s.cache.ofTopic(t) {
		s.cache.forget(key)
	}
}

// ofTopic lists the cached files of a topic's queues.
func (c *fileCache) ofTopic(t *topicQueues) []fileKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []fileKey
	for key := range c.files {
		if key.q != nil && key.q.topic == t {
			keys = append(keys, key)
		}
	}
	return keys
}

// Topics lists the topics that have consume queues, sorted.
func (s *Store) Topics() []string {
	var names []string
	for t := range s.queues.topics() {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return names
}

// Queues lists the queue ids of a topic that exist in the store, ascending.
func (s *Store) Queues(topic string) ([]int32, error) {
	t := s.queues.topic(topic, false)
	if t == nil {
		return nil, nil
	}
	list, err := s.queues.queuesOf(t)
	if err != nil {
		return nil, err
	}
	ids := make([]int32, len(list))
	for i, q := range list {
		ids[i] = q.id
	}
	return ids, nil
}

// CleanUnusedTopics removes the queues of every topic that keep does not name (request 316).
func (s *Store) CleanUnusedTopics(keep func(topic string) bool) ([]string, error) {
	gone := slices.DeleteFunc(s.Topics(), keep)
	return gone, s.DeleteTopics(gone)
}

// CleanExpiredQueues removes topics all of whose messages have left the log (request 306). spare names topics that stay,
// which are the system's.
func (s *Store) CleanExpiredQueues(spare func(topic string) bool) ([]string, error) {
	var gone []string
	logMin := s.log.min()
	for _, name := range s.Topics() {
		if spare(name) {
			continue
		}
		expired, err := s.expired(name, logMin)
		if err != nil {
			return nil, err
		}
		if expired {
			gone = append(gone, name)
		}
	}
	return gone, s.DeleteTopics(gone)
}

// expired reports whether the newest message of every queue of a topic is before the log's begin.
func (s *Store) expired(topic string, logMin int64) (bool, error) {
	t := s.queues.topic(topic, false)
	if t == nil {
		return false, nil
	}
	list, err := s.queues.queuesOf(t)
	if err != nil {
		return false, err
	}
	for _, q := range list {
		if err := s.queues.load(q); err != nil {
			return false, err
		}
		u, ok, err := s.queues.unit(q, q.last())
		if err != nil {
			return false, err
		}
		if ok && u.phy >= logMin || !ok && logMin == 0 {
			return false, nil
		}
	}
	return len(list) > 0, nil
}
