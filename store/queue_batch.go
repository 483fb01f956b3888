package store

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"path"
	"slices"
	"sort"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// The consume queues of a topic with the attribute queue.type=BatchCQ (upstream's BatchConsumeQueue, store-format §4.7). A
// record there may be a whole batch of messages, which takes as many queue offsets, so an entry says which offsets it stands
// for, and look-ups are searches. docs/format/batchconsumequeue.md draws it.
//
//	 0 i64 physical offset
//	 8 i32 record size
//	12 i64 tags code
//	20 i64 store time, ms
//	28 i64 queue offset of the first message
//	36 i16 number of messages
//	38 i32 compacted offset: -1
//	42 i32 0

// BatchQueueDir is the directory of these queues, below the root.
const BatchQueueDir = "batchconsumequeue"

const (
	batchUnit     = 46
	maxInnerCount = math.MaxInt16 // messages that an entry can count
)

func appendBatchUnit(dst []byte, u unit) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, uint64(u.phy))
	dst = be.AppendUint32(dst, uint32(u.size))
	dst = be.AppendUint64(dst, uint64(u.tags))
	dst = be.AppendUint64(dst, uint64(u.time))
	dst = be.AppendUint64(dst, uint64(u.base))
	dst = be.AppendUint16(dst, uint16(u.count))
	dst = be.AppendUint32(dst, math.MaxUint32)
	return be.AppendUint32(dst, 0)
}

func decodeBatchUnit(b []byte) unit {
	be := binary.BigEndian
	return unit{
		phy:   int64(be.Uint64(b)),
		size:  int32(be.Uint32(b[8:])),
		tags:  int64(be.Uint64(b[12:])),
		time:  int64(be.Uint64(b[20:])),
		base:  int64(be.Uint64(b[28:])),
		count: int32(int16(be.Uint16(b[36:]))),
	}
}

// InnerCount is how many messages a message stands for: as many as INNER_NUM says when it is marked as a whole batch, 1 when
// it is not marked or does not say. ok is false for a number that no entry can hold.
func InnerCount(m *codec.Message) (n int, ok bool) {
	if m.SysFlag&protocol.SysFlagInnerBatch == 0 {
		return 1, true
	}
	text, found := codec.Property(m.Properties, protocol.PropertyInnerNum)
	if !found {
		return 1, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0 && n <= maxInnerCount
}

// batched completes an entry for a queue of batches.
func (u *unit) batched(m *codec.Message) {
	u.time, u.base, u.count = m.StoreTimestamp, m.QueueOffset, 1
	if n, ok := InnerCount(m); ok {
		u.count = int32(n)
	}
}

// orphaned reports whether a record is a batch whose topic has no queues of batches: it was deleted since. In an ordinary queue
// the batch would have one place where it needs several.
func (s *Store) orphaned(m *codec.Message) bool {
	return m.SysFlag&protocol.SysFlagInnerBatch != 0 && !s.queues.layoutOf(m.Topic).batch
}

// putBatch is put for a queue of batches. mu is held.
func (q *queue) putBatch(u, lost unit) (added, gap int64) {
	switch {
	case u.base < q.maxOffset || u.phy < q.maxPhy || q.removed:
		return 0, 0
	case q.max == q.begin(): // the first entry; offsets before are those of messages that have expired
		q.minOffset = u.base
	default:
		gap = u.base - q.maxOffset
	}
	l := q.topic.layout
	for missing := gap; missing > 0; added++ {
		lost.time, lost.base, lost.count = u.time, u.base-missing, int32(min(missing, maxInnerCount))
		q.tail = l.append(q.tail, lost)
		missing -= int64(lost.count)
	}
	added++
	q.tail = l.append(q.tail, u)
	q.max += added
	q.maxOffset = u.base + int64(u.count)
	q.maxPhy = u.phy + int64(u.size)
	return added, gap
}

// begin is the number of the first entry that the files have room for. mu is held.
func (q *queue) begin() int64 {
	if len(q.files) == 0 {
		return 0
	}
	return q.files[0] / q.topic.layout.unit
}

// locate returns the number of the entry that a queue offset belongs to, or of the first one behind it. room is for entries
// that are looked at.
func (s *queueSet) locate(q *queue, off int64, room []byte) (number int64, err error) {
	if !q.topic.layout.batch {
		return off, nil
	}
	q.mu.Lock()
	lo, hi := q.min, q.max
	q.mu.Unlock()
	n := sort.Search(int(hi-lo), func(i int) bool {
		_, u, ok, fault := s.telling(q, lo+int64(i), hi, false, room)
		if fault != nil {
			err = fault
		}
		return ok && u.base+int64(u.count) > off
	})
	if err != nil {
		return 0, err
	}
	number, _, _, err = s.telling(q, lo+int64(n), hi, false, room)
	return number, err
}

// unitAt reads the entry that a queue offset belongs to. ok is false beyond the ends.
func (s *queueSet) unitAt(q *queue, off int64) (u unit, ok bool, err error) {
	number, err := s.locate(q, off, make([]byte, batchUnit))
	if err != nil {
		return unit{}, false, err
	}
	return s.unit(q, number)
}

// offsetOf is the queue offset of the first message of an entry, or the queue's end.
func (s *queueSet) offsetOf(q *queue, number int64) (int64, error) {
	if !q.topic.layout.batch {
		return number, nil
	}
	q.mu.Lock()
	end := q.max
	q.mu.Unlock()
	_, u, ok, err := s.telling(q, number, end, false, make([]byte, batchUnit))
	if !ok || err != nil {
		return q.end(), err
	}
	return u.base, nil
}

// behindWrong is the queue offset to go on at behind an entry that is passed over; number is that of the next entry, and off the offset
// behind if the entry stands for one message.
func (s *queueSet) behindWrong(q *queue, number, off int64) int64 {
	next, err := s.offsetOf(q, number)
	if err != nil {
		return off
	}
	return max(next, off)
}

// batchUnitOnDisk is unitOnDisk for a queue of batches: it searches the files as they are.
func (s *queueSet) batchUnitOnDisk(q *queue, off int64) (unit, error) {
	l := q.topic.layout
	dir := s.queueDir(q)
	entries, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return unit{}, nil
	}
	if err != nil {
		return unit{}, err
	}
	for _, e := range slices.Backward(entries) {
		if info, err := e.Info(); err != nil || e.IsDir() || info.Size() != l.fileSize {
			continue
		}
		f, err := s.fs.Open(path.Join(dir, e.Name()), false)
		if err != nil {
			return unit{}, err
		}
		n, u, err := l.searchFile(f, 0, 0, func(_ int64, u unit) (bool, error) { return l.valid(u) && u.base <= off, nil })
		f.Close()
		if n > 0 || err != nil {
			if u.base != off {
				u = unit{}
			}
			return u, err
		}
	}
	return unit{}, nil
}
