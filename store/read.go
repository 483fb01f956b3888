package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// Bounds returns a queue's first readable offset and its end, which is the offset of the next message to be dispatched to it.
// Both are 0 for a queue that does not exist.
func (s *Store) Bounds(topic string, queueID int32) (minOffset, maxOffset int64, err error) {
	q, err := s.queues.find(topic, queueID)
	if q == nil || err != nil {
		return 0, 0, err
	}
	return s.queues.bounds(q)
}

// NextOffset is the queue offset that the next message of a queue will get. It is ahead of Bounds while messages wait to be
// dispatched.
func (s *Store) NextOffset(topic string, queueID int32) (int64, error) {
	q, err := s.queues.find(topic, queueID)
	if q == nil || err != nil {
		return 0, err
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return q.next, nil
}

// ReadRecord returns a copy of the record at a physical offset. An offset that no record begins at is an error.
func (s *Store) ReadRecord(phy int64) ([]byte, error) {
	b, err := s.log.readRecord(phy, nil)
	if err != nil {
		return nil, fmt.Errorf("read the message at %d: %w", phy, err)
	}
	var m codec.Message
	if _, err := codec.DecodeRecord(b, &m, false); err != nil {
		return nil, fmt.Errorf("read the message at %d: %w", phy, err)
	}
	if m.PhysicalOffset != phy {
		return nil, fmt.Errorf("read the message at %d: %w", phy, errMisplaced)
	}
	return b, nil
}

// Units returns up to count entries of a consume queue, as they are stored, from the one on that an offset belongs to.
func (s *Store) Units(topic string, queueID int32, off int64, count int) ([]Unit, error) {
	q, err := s.queues.find(topic, queueID)
	if q == nil || err != nil {
		return nil, err
	}
	const atOnce = 256
	var buf [atOnce * queueUnit]byte
	var list []Unit
	l := q.topic.layout
	number, err := s.queues.locate(q, off, buf[:])
	if err != nil {
		return nil, err
	}
	for len(list) < count {
		n, err := s.queues.read(q, number, buf[:min(int64(len(buf)), int64(count-len(list))*l.unit)])
		if n == 0 || err != nil {
			return list, err
		}
		for i := range n {
			u := l.decode(buf[int64(i)*l.unit:])
			tags, err := s.tagHash(q, u)
			if err != nil {
				return list, err
			}
			list = append(list, Unit{QueueOffset: l.offset(u, number), Physical: u.phy, Size: u.size, TagsCode: tags, Count: u.messages()})
			number++
		}
	}
	return list, nil
}

// BehindHot reports whether a place of the log lies further back than Tuning.HotBytes.
func (s *Store) BehindHot(phy int64) bool {
	l := readLimits{logEnd: s.log.end.Load(), t: s.tuning.Load()}
	return l.cold(phy)
}

// Resident reports whether the page cache holds all of a record of size bytes at phy, so that reading it would not wait for the disk
// (upstream's SelectMappedBufferResult.isInMem). Where the system does not tell it says yes, as upstream does. A record that is gone
// is not there.
func (s *Store) Resident(phy int64, size int32) (bool, error) {
	g := s.log.view.Load().find(phy)
	if g == nil {
		return false, nil
	}
	yes, err := s.log.resident(g, phy, int64(size))
	switch {
	case errors.Is(err, vfs.ErrUnsupported):
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	return yes, err
}
