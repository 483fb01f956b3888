package store

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// queueUnit is the size of a consume queue entry: physical offset, record size, tags code (store-format §4.1).
const queueUnit = 20

// unit is an entry of a consume queue. The fields after tags are those of an entry in a queue of batches, 0 in any other.
type unit struct {
	phy  int64
	size int32
	tags int64

	time  int64 // store time, ms
	base  int64 // queue offset of the record's first message
	count int32 // messages of the record, 1 to maxInnerCount
}

// Unit is an entry of a consume queue with its offset in the queue.
type Unit struct {
	QueueOffset int64 // of the record's first message
	Physical    int64
	Size        int32
	TagsCode    int64
	Count       int // messages of the record: more than 1 for a batch that was stored whole
}

// fillerUnit stands where a queue's first file begins before its first message (store-format §4.2).
var fillerUnit = unit{phy: 0, size: math.MaxInt32}

// messages is how many messages the entry's record holds.
func (u unit) messages() int { return max(1, int(u.count)) }

// lostUnit stands for a message that the log has lost, before the one whose record lies at phy. Like fillerUnit it is valid and
// points at no record, but it suits the official broker better: it points across the end of the log file before, so that a
// reader which finds nothing there goes on at the begin of this file, and not of the second one of all, and a queue that
// ends with it does not seem to reach up to 2 GiB. In the first log file there is no such place.
func lostUnit(phy, segmentSize int64) unit {
	base := phy / segmentSize * segmentSize
	if base == 0 {
		return fillerUnit
	}
	return unit{phy: base - lostSize/2, size: lostSize}
}

// lostSize is shorter than any record.
const lostSize = 16

// filler reports whether a unit stands for no message.
func (u unit) filler() bool {
	return u.phy == fillerUnit.phy && u.size == fillerUnit.size && u.tags == fillerUnit.tags || u.size == lostSize
}

func appendUnit(dst []byte, u unit) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(u.phy))
	dst = binary.BigEndian.AppendUint32(dst, uint32(u.size))
	return binary.BigEndian.AppendUint64(dst, uint64(u.tags))
}

func decodeUnit(b []byte) unit {
	return unit{
		phy:  int64(binary.BigEndian.Uint64(b)),
		size: int32(binary.BigEndian.Uint32(b[8:])),
		tags: int64(binary.BigEndian.Uint64(b[12:])),
	}
}

// queue is one consume queue. Its entries up to written are in files, those from there to max in tail. The dispatcher is
// the only one who adds, the queue writer the only one who moves the tail to files.
//
// Entries are numbered by where they stand. In a queue of batches that is not the offset of their messages: see layout.
//
// A queue is loaded from its directory when somebody first needs it: a broker with a hundred thousand queues must start
// without opening as many files.
type queue struct {
	topic *topicQueues
	id    int32
	next  int64 // the next queue offset to give; guarded by commitLog.mu

	loading sync.Mutex // serialises load
	loaded  atomic.Bool
	found   int64 // the entries before this one were in the files when the queue was loaded; constant from then on

	mu      sync.Mutex // guards the fields below; no I/O under it
	files   []int64    // byte positions at which the existing files begin, ascending
	blankTo int64      // when the queue's first file is made, its entries before this one are fillers
	min     int64      // first entry whose record the log still has, as of minFor
	minFor  int64      // the log's begin that min was looked up for; -1 is none
	max     int64
	written int64
	maxPhy  int64  // end of the newest entry's record
	tail    []byte // entries from written to max
	dirty   bool   // is in queueSet.dirty
	room    int64  // entries that the files have room for that were begun
	removed bool
	beyond  []span // numbers of wrong entries that cannot be written again
	ext     queueExt

	minOffset int64 // of a queue of batches: the queue offset that min stands for
	maxOffset int64 // of a queue of batches: the queue offset behind the newest entry's messages
}

// put adds the entry of the message with queue offset off and returns how many entries the queue has more. Those that it has
// already are passed over. gap tells how many messages were missing before it and have been filled with lost; it is 0 unless
// messages or files were lost.
func (q *queue) put(off int64, u, lost unit) (added, gap int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.topic.layout.batch {
		return q.putBatch(u, lost)
	}
	switch {
	case off < q.max || u.phy < q.maxPhy || q.removed: // what lies before the newest entry's record is of an earlier life of the topic
		return 0, 0
	case off > q.max && q.max == 0 && len(q.files) == 0:
		q.blankTo, q.min, q.max, q.written = off, off, off, off
	case off > q.max:
		gap = off - q.max
		for q.max < off {
			q.tail = appendUnit(q.tail, lost)
			q.max++
		}
	}
	q.tail = appendUnit(q.tail, u)
	q.max++
	q.maxPhy = u.phy + int64(u.size)
	return 1 + gap, gap
}

// hasFile reports whether the file that begins at a byte position was made.
func (q *queue) hasFile(base int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ok := slices.BinarySearch(q.files, base)
	return ok
}

// markDirty reports whether the queue was clean until now, and whether it goes beyond the files that were begun.
func (q *queue) markDirty() (fresh, outgrown bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.dirty
	q.dirty = true
	return !was, q.max > q.room
}

// end is the queue's max offset.
func (q *queue) end() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.topic.layout.batch {
		return q.maxOffset
	}
	return q.max
}

// last is the number of the queue's newest entry, -1 when there is none.
func (q *queue) last() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.max - 1
}
