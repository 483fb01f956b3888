package compaction

import (
	"fmt"
	"path"
)

// Check refuses what Open refuses for its name or its size, or because it says what to do and cannot be read, and changes
// nothing. It needs Root, FS and Sizes.
func Check(o Options) error {
	o.complete()
	s := &Store{o: o, checking: true}
	return s.eachFolder(func(topic string, id int32) error {
		if err := s.checkQueue(topic, id); err != nil {
			return fmt.Errorf("look at queue %d of the compacted topic %s: %w", id, topic, err)
		}
		return nil
	})
}

func (s *Store) checkQueue(topic string, id int32) error {
	q := s.newQueue(topic, id)
	if _, err := q.readReplacing(); err != nil {
		return err
	}
	for _, dir := range []string{q.logDir, path.Join(q.logDir, subFolder)} {
		if _, err := s.list(dir, s.o.Sizes.Log); err != nil {
			return err
		}
	}
	for _, dir := range []string{q.queueDir, path.Join(q.queueDir, subFolder)} {
		if _, err := s.list(dir, s.o.Sizes.Queue); err != nil {
			return err
		}
	}
	return nil
}
