package compaction

import (
	"fmt"
	"path"
	"strconv"
)

// Check refuses what Open refuses for its name or its size, or because it says what to do and cannot be read, and changes
// nothing. It needs Root, FS and Sizes.
func Check(o Options) error {
	o.complete()
	s := &Store{o: o, checking: true}
	topics, err := s.folders(path.Join(o.Root, logFolder))
	if err != nil {
		return err
	}
	for _, topic := range topics {
		ids, err := s.folders(path.Join(o.Root, logFolder, topic))
		if err != nil {
			return err
		}
		for _, name := range ids {
			id, err := strconv.ParseInt(name, 10, 32)
			if err != nil || id < 0 {
				continue
			}
			if err := s.checkQueue(topic, int32(id)); err != nil {
				return fmt.Errorf("look at queue %d of the compacted topic %s: %w", id, topic, err)
			}
		}
	}
	return nil
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
