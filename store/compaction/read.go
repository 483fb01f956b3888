package compaction

import (
	"errors"
	"slices"
)

// Status says how a read ended. They are upstream's, of CompactionLog.getMessage.
type Status uint8

// The statuses.
const (
	Found         Status = iota
	NoMatched            // nothing, though the offset is within the queue
	NoQueue              // the queue is not known here
	NoMessage            // nothing was ever kept
	OverflowOne          // the offset is the queue's end
	OverflowBadly        // the offset is beyond the queue's end
	Cold                 // Query.NoWait, and there is something to read: nothing was
)

// Query asks for messages of one queue.
type Query struct {
	Topic    string
	QueueID  int32
	Offset   int64
	MaxCount int  // most messages
	MaxBytes int  // most bytes; one message is returned however long it is
	NoWait   bool // give up with Cold rather than read anything but the segment that is appended to

	// What is nearer to the log's end than InMemory counts as being in memory; the other limits are of one read, for messages in
	// memory and on disk.
	InMemory             int64
	MemBytes, MemCount   int
	DiskBytes, DiskCount int
	// Buffer lends room for the messages' bytes.
	Buffer func(n int) []byte
}

// Result is what a read found. It can be used again.
type Result struct {
	Status     Status
	NextOffset int64 // where the next read should begin
	MinOffset  int64 // first readable offset, -1 when there is none
	MaxOffset  int64
	Data       []byte  // the records, one after the other, in what Query.Buffer lent
	Offsets    []int64 // of the messages in Data
	Sizes      []int32
	Behind     int64 // bytes between the newest message that was looked at and the log's end

	units  []byte
	chosen []unit // of the messages in Data
}

// full is upstream's isTheBatchFull.
func (query *Query) full(size int32, count, bytes int, behind int64) bool {
	if count == 0 {
		return false
	}
	after := bytes + int(size)
	if count+1 > query.MaxCount || after > query.MaxBytes {
		return true
	}
	if behind > query.InMemory {
		return after > query.DiskBytes || count > query.DiskCount-1
	}
	return after > query.MemBytes || count > query.MemCount-1
}

// Get reads messages of a queue. A read ends with a segment, as upstream's does. Messages that were compacted away are passed over;
// an offset before the first message is the first message's. Damaged messages are mended or passed over, see mend.go.
func (s *Store) Get(query *Query, r *Result) error {
	*r = Result{NextOffset: query.Offset, Offsets: r.Offsets[:0], Sizes: r.Sizes[:0], units: r.units, chosen: r.chosen[:0]}
	q := s.find(query.Topic, query.QueueID)
	if q == nil {
		r.Status, r.NextOffset = NoQueue, 0
		return nil
	}
	for {
		err := q.read(query, r)
		if !errors.Is(err, errReplaced) && !errors.Is(err, errAgain) {
			return err
		}
	}
}

// read is Get with one list of segments.
func (q *queue) read(query *Query, r *Result) error {
	r.Offsets, r.Sizes, r.chosen = r.Offsets[:0], r.Sizes[:0], r.chosen[:0]
	r.MaxOffset = q.max.Load() // before the list: what it says is in the list
	v := q.view.Load()
	r.MinOffset = v.min()
	off := query.Offset
	switch {
	case r.MaxOffset == 0:
		r.Status, r.NextOffset = NoMessage, 0
		return nil
	case off == r.MaxOffset:
		r.Status = OverflowOne
		return nil
	case off > r.MaxOffset && off <= q.coming.Load(): // a read has seen a message that is being appended
		r.Status, r.MaxOffset = OverflowOne, off
		return nil
	case off > r.MaxOffset:
		r.Status, r.NextOffset = OverflowBadly, r.MaxOffset
		if r.MinOffset == 0 {
			r.NextOffset = 0
		}
		return nil
	}
	i := v.find(off)
	if i == len(v.segs) { // cut just now
		r.Status = NoMatched
		return nil
	}
	last := v.segs[len(v.segs)-1]
	if query.NoWait && v.segs[i] != last {
		r.Status = Cold
		return nil
	}
	h, err := q.s.handles.acquire(v.segs[i])
	if err != nil {
		return err
	}
	i, n, err := q.choose(h, query, r, last.base+last.end.Load())
	if err == nil && n > 0 {
		r.Data = query.Buffer(n)
		if err = h.readRecords(r.chosen[0].pos, r.Data); err == nil {
			err = q.keepWhole(h, i, r)
		}
		if len(r.Offsets) == 0 {
			r.NextOffset = max(r.NextOffset, off+1) // whatever units say, nobody goes back
		}
		r.MaxOffset = max(r.MaxOffset, r.NextOffset) // it may have been appended, and others compacted, since
	}
	return errors.Join(err, q.s.handles.release(h))
}

// choose picks the messages of a read from a segment, from its first-th on: their records follow each other, and have n bytes.
func (q *queue) choose(h *handle, query *Query, r *Result, logEnd int64) (first, n int, err error) {
	const unitsAtOnce = 64
	if r.units == nil {
		r.units = make([]byte, unitsAtOnce*unitSize)
	}
	r.Status = NoMatched
	count, sizes := int(h.seg.units.Load()), q.s.o.Sizes
	off := max(query.Offset, 0)
	first, err = h.seek(off, count)
	joined := false
	if err == nil {
		joined, err = h.joined(first, off, count, sizes)
	}
	if err == nil && !joined {
		first, err = q.walk(h, off, count)
	}
	if err != nil {
		return 0, 0, err
	}
	if first == count { // nothing that is good is left in it
		r.NextOffset = max(off, h.seg.last.Load()+1)
	}
	for i := first; i < count; {
		got, err := h.readUnits(i, count, r.units)
		if err != nil {
			return 0, 0, err
		}
		for b := range slices.Chunk(r.units[:got*unitSize], unitSize) {
			u, ok := decodeUnit(b)
			if !ok || !h.seg.inside(u, sizes) || n > 0 && (u.pos != r.chosen[0].pos+int64(n) || u.offset < r.NextOffset) || query.full(u.size, len(r.Offsets), n, logEnd-u.pos) {
				return first, n, nil
			}
			n += int(u.size)
			r.Status, r.Behind, r.NextOffset = Found, logEnd-u.pos, u.offset+1
			r.Offsets, r.Sizes, r.chosen = append(r.Offsets, u.offset), append(r.Sizes, u.size), append(r.chosen, u)
		}
		i += got
	}
	return first, n, nil
}
