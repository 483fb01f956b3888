package store

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/gantrymq/gantry/store/vfs"
)

// Query asks for messages of one queue.
type Query struct {
	Topic    string
	QueueID  int32
	Offset   int64
	MaxCount int    // most messages
	MaxBytes int    // most bytes; 0 is upstream's bound of 128 MiB. One message is returned however long it is
	Filter   Filter // nil takes every message
	// NoWait gives up, with GetResult.Cold set, where a segment that is not mapped would have to be read: the disk may take
	// its time, and some callers have none.
	NoWait bool
}

// Filter chooses messages. It is called in the goroutine of Get.
type Filter interface {
	// MatchUnit judges by the consume queue entry alone: the hash of the message's tag.
	MatchUnit(tagsCode int64) bool
	// MatchRecord judges by the whole record, which is lent. It is asked after MatchUnit agreed.
	MatchRecord(record []byte) bool
}

// ExtFilter is a Filter that also judges by what consumequeue_ext has of a message, where that has something.
type ExtFilter interface {
	Filter
	// MatchBitMap is asked before MatchUnit. bitMap is lent, and nil for a message of which none was noted.
	MatchBitMap(storeTime int64, bitMap []byte) bool
}

// maxReadBytes is upstream's MAX_PULL_MSG_SIZE.
const maxReadBytes = 128 << 20

// GetResult is the outcome of Get. Buffers hold the records in order, one after the other, several in one buffer where they
// are neighbours in the log; they may be mapped memory, so they are for a system call that writes them out, and for code that
// runs inside vfs.Catch. All of it is good until Release.
type GetResult struct {
	Status       GetStatus
	NextOffset   int64 // where the next read should begin
	MinOffset    int64
	MaxOffset    int64
	Buffers      [][]byte
	QueueOffsets []int64 // of the records in Buffers
	Count        int     // records in Buffers
	Messages     int     // messages in them: a batch that was stored whole counts as many
	Bytes        int
	Skipped      int   // messages that the filter did not take after looking at the record
	ColdBytes    int64 // of the records that were looked at, those behind Tuning.HotBytes
	SuggestSlave bool  // the reader is so far behind that the disk has to be read
	Cold         bool  // with Query.NoWait: the disk would have to be read, nothing was; ask again without it
	Err          error

	units  []byte
	scan   *readScan
	pins   []*hotSegment
	pooled []*[]byte
}

// readScan is what Get needs while it runs.
type readScan struct {
	list   []readUnit
	ext    [extGuess]byte
	wrong  int64 // number of the entry before which the read ends because it cannot be true; -1 when there is none
	passTo int64 // such entries up to this number are passed over
}

// readUnit is one message that Get decided to return.
type readUnit struct {
	off    int64
	number int64 // of the entry
	u      unit
}

// Release gives back what Buffers refer to. The result can be used for another Get afterwards. Safe to repeat.
func (r *GetResult) Release() {
	for i, h := range r.pins {
		h.unpin()
		r.pins[i] = nil
	}
	for i, b := range r.pooled {
		putBuffer(b)
		r.pooled[i] = nil
	}
	clear(r.Buffers)
	*r = GetResult{
		Buffers: r.Buffers[:0], QueueOffsets: r.QueueOffsets[:0], units: r.units, scan: r.scan, pins: r.pins[:0], pooled: r.pooled[:0],
	}
}

// Get reads messages of a queue into r, which is released first. It allocates nothing once r has been used a few times.
// Statuses, corrected offsets and limits are upstream's DefaultMessageStore.getMessage; a queue that does not exist is empty.
func (s *Store) Get(query *Query, r *GetResult) {
	r.Release()
	r.NextOffset = query.Offset
	if s.closing.Load() {
		r.Status, r.Err = NoMatchedLogicQueue, errClosed
		return
	}
	if c := s.compacted; c != nil && c.is(query.Topic) {
		s.getCompacted(query, r)
		return
	}
	q, err := s.queues.find(query.Topic, query.QueueID)
	if err != nil {
		r.Status, r.Err = OffsetFoundNull, err
		return
	}
	if q == nil {
		r.Status, r.NextOffset = NoMessageInQueue, 0
		return
	}
	if r.MinOffset, r.MaxOffset, err = s.queues.bounds(q); err != nil {
		r.Status, r.Err = OffsetFoundNull, err
		return
	}
	switch off := query.Offset; {
	case r.MaxOffset == 0:
		r.Status, r.NextOffset = NoMessageInQueue, 0
	case off < r.MinOffset:
		r.Status, r.NextOffset = OffsetTooSmall, r.MinOffset
	case off == r.MaxOffset:
		r.Status = OffsetOverflowOne
	case off > r.MaxOffset:
		r.Status, r.NextOffset = OffsetOverflowBadly, r.MaxOffset
	default:
		s.collectMended(q, query, r)
	}
}

// readLimits are the bounds of one read.
type readLimits struct {
	count    int
	bytes    int
	lookEnd  int64 // queue offset at which the look through the queue ends
	logEnd   int64
	inMemory int64
	t        *Tuning
}

func (s *Store) limits(query *Query, unitSize int64) readLimits {
	t := s.tuning.Load()
	l := readLimits{count: query.MaxCount, bytes: query.MaxBytes, logEnd: s.log.end.Load(), inMemory: t.InMemoryBytes, t: t}
	if l.bytes <= 0 || l.bytes > maxReadBytes {
		l.bytes = maxReadBytes
	}
	l.bytes = max(l.bytes, 100)
	look := max(int64(t.MaxFilterBytes), int64(l.count)*unitSize)
	l.lookEnd = query.Offset + (look+unitSize-1)/unitSize
	return l
}

// cold reports whether a record lies so far back that reading it counts as a cold read.
func (l *readLimits) cold(phy int64) bool { return l.t.HotBytes >= 0 && l.logEnd-phy > l.t.HotBytes }

// full is upstream's isTheBatchFull. count is messages.
func (l *readLimits) full(u unit, count, bytes int) bool {
	if count == 0 {
		return false
	}
	after := bytes + int(u.size)
	if count+u.messages() > l.count || after > l.bytes {
		return true
	}
	if l.logEnd-u.phy <= l.inMemory {
		return after > l.t.MaxTransferBytesInMemory || count > l.t.MaxTransferCountInMemory-1
	}
	return after > l.t.MaxTransferBytesOnDisk || count > l.t.MaxTransferCountOnDisk-1
}

// collect looks through the queue from query.Offset on and gathers what matches, up to an entry that cannot be true.
func (s *Store) collect(q *queue, query *Query, r *GetResult) {
	kind := q.topic.layout
	limits := s.limits(query, kind.unit)
	r.Status = NoMatchedMessage
	number, err := s.queues.locate(q, query.Offset, r.units)
	if err != nil {
		r.Status, r.Err = OffsetFoundNull, err
		return
	}
	logMin := s.log.min()
	list := r.scan.list[:0]
	var newest, after int64
	messages, bytes := 0, 0
look:
	for r.NextOffset < min(r.MaxOffset, limits.lookEnd) {
		n, err := s.queues.read(q, number, r.units)
		if err != nil || n == 0 {
			if errors.Is(err, fs.ErrNotExist) || n == 0 {
				err = nil // its file expired just now
			}
			if len(list) == 0 {
				r.Status, r.Err = OffsetFoundNull, err
				r.NextOffset = s.queues.behindGap(q, number, r.NextOffset)
			}
			break
		}
		for i := range n {
			u := kind.decode(r.units[int64(i)*kind.unit:])
			if kind.absurd(u, after, limits.logEnd) && s.absurdNow(kind, u, after, number <= r.scan.passTo) {
				if r.stopAt(q, readUnit{r.NextOffset, number, u}) {
					break look
				}
				number++
				r.NextOffset = s.queues.behindWrong(q, number, r.NextOffset+1)
				continue
			}
			off := kind.offset(u, number)
			if off >= limits.lookEnd || limits.full(u, messages, bytes) {
				break look
			}
			if newest = u.phy; !u.filler() {
				after = u.phy
			}
			number++
			r.NextOffset = off + int64(u.messages())
			if query.Filter != nil {
				over, cold := s.passesOver(q, query, u, r.scan.ext[:])
				if cold {
					r.goneCold(query.Offset)
					return
				}
				if over {
					continue
				}
			}
			if u.filler() || u.phy < logMin {
				if len(list) == 0 {
					r.Status = MessageWasRemoving
				}
				continue
			}
			if limits.cold(u.phy) {
				r.ColdBytes += int64(u.size)
			}
			if query.Filter != nil {
				if query.NoWait && !s.log.mapped(u) {
					r.goneCold(query.Offset)
					return
				}
				m := readUnit{off, number - 1, u}
				taken, err := s.matchRecord(q, query.Filter, m)
				if s.log.denies(u, err) && r.stopAt(q, m) {
					break look
				}
				if err != nil || !taken {
					r.Skipped++
					if len(list) == 0 {
						r.Status = NoMatchedMessage
						if err != nil {
							r.Status = MessageWasRemoving
						}
					}
					continue
				}
			}
			list = append(list, readUnit{off, number - 1, u})
			messages += u.messages()
			bytes += int(u.size)
		}
	}
	r.SuggestSlave = limits.logEnd-newest > limits.inMemory
	r.scan.list = list
	if s.load(q, query, list, r); r.Cold {
		return
	}
	for i, b := range r.Buffers {
		r.Buffers[i] = b[:len(b):len(b)] // nobody's append may run on into the mapped log
	}
}

// matchRecord shows a record to a filter.
func (s *Store) matchRecord(q *queue, f Filter, m readUnit) (taken bool, err error) {
	defer vfs.Catch("filter a message", vfs.Arm(), &err)
	u := m.u
	g, err := s.log.segmentOf(u.phy, int(u.size))
	if err != nil {
		return false, err
	}
	if h, ok := g.pin(); ok {
		defer h.unpin()
		at := u.phy - g.base
		record := h.mem[at : at+int64(u.size)]
		if !q.owns(record, m) {
			return false, errWrongEntry
		}
		return f.MatchRecord(record), nil
	}
	b := getBuffer(int(u.size))
	defer putBuffer(b)
	if err := s.log.readSegment(g, u.phy, *b); err != nil {
		return false, err
	}
	if !q.owns(*b, m) {
		return false, errWrongEntry
	}
	return f.MatchRecord(*b), nil
}

// readGap is how many bytes of other queues' records one read of a cold segment takes along rather than being split.
const readGap = 4 << 10

// goneCold ends a read that must not wait for the disk: nothing was taken, and the next read begins where this one did.
func (r *GetResult) goneCold(from int64) {
	lo, hi := r.MinOffset, r.MaxOffset
	r.Release()
	r.Status, r.NextOffset, r.MinOffset, r.MaxOffset, r.Cold = NoMatchedMessage, from, lo, hi, true
}

// load turns units into buffers: by reference where the segment is mapped, by one read for each neighbourhood where not,
// unless that must not be waited for. It ends before a unit that points at something else than its record.
func (s *Store) load(q *queue, query *Query, list []readUnit, r *GetResult) {
	for len(list) > 0 {
		u := list[0].u
		g, err := s.log.segmentOf(u.phy, int(u.size))
		if err != nil {
			if s.log.denies(u, err) && r.stopAt(q, list[0]) {
				return
			}
			if r.Count == 0 && r.Status != Found { // it expired just now
				r.Status = MessageWasRemoving
			}
			list = list[1:]
			continue
		}
		if h, ok := g.pin(); ok {
			if !r.refer(q, h, list[0]) {
				return
			}
			list = list[1:]
			continue
		}
		if query.NoWait {
			r.goneCold(query.Offset)
			return
		}
		n := neighbours(list, g)
		if !s.fetch(q, g, list[:n], r) {
			return
		}
		list = list[n:]
	}
}

// failed ends a read before a message. Behind others the next read meets the error again, with nothing before it.
func (r *GetResult) failed(m readUnit, err error) {
	r.scan.wrong = -1
	if r.Count == 0 {
		r.Status, r.Err = MessageWasRemoving, err
	} else {
		r.NextOffset = m.off
	}
}

// refer adds a mapped record to the result, and reports whether the read goes on. The caller has pinned h; the pin becomes the
// result's, or is given back when the result has one already.
func (r *GetResult) refer(q *queue, h *hotSegment, m readUnit) bool {
	if n := len(r.pins); n > 0 && r.pins[n-1] == h {
		h.unpin()
	} else {
		r.pins = append(r.pins, h)
	}
	at := m.u.phy - h.base
	record := h.mem[at : at+int64(m.u.size)]
	if m.number < q.found {
		owned, err := q.ownsMapped(record, m)
		if err != nil {
			r.failed(m, err)
			return false
		}
		if !owned {
			return !r.stopAt(q, m)
		}
	}
	r.add(record, m)
	return true
}

// neighbours counts the units at the start of list that one read should fetch.
func neighbours(list []readUnit, g *segment) int {
	n := 1
	end := list[0].u.phy + int64(list[0].u.size)
	for n < len(list) {
		u := list[n].u
		if u.phy < end || u.phy-end > readGap || u.phy+int64(u.size) > g.end() {
			break
		}
		end = u.phy + int64(u.size)
		n++
	}
	return n
}

// fetch reads a neighbourhood into a pooled buffer and adds its records, and reports whether the read goes on.
func (s *Store) fetch(q *queue, g *segment, list []readUnit, r *GetResult) bool {
	last := list[len(list)-1].u
	from := list[0].u.phy
	b := getBuffer(int(last.phy + int64(last.size) - from))
	if err := s.log.readSegment(g, from, *b); err != nil {
		putBuffer(b)
		r.failed(list[0], err)
		return false
	}
	r.pooled = append(r.pooled, b)
	for _, m := range list {
		at := m.u.phy - from
		record := (*b)[at : at+int64(m.u.size)]
		switch {
		case q.owns(record, m):
			r.add(record, m)
		case r.stopAt(q, m):
			return false
		}
	}
	return true
}

// add puts a record behind the others, into the same buffer where it follows the last one in memory.
func (r *GetResult) add(record []byte, m readUnit) {
	r.Status = Found
	r.Count++
	r.Messages += m.u.messages()
	r.Bytes += len(record)
	r.QueueOffsets = append(r.QueueOffsets, m.off)
	if n := len(r.Buffers); n > 0 {
		last := r.Buffers[n-1]
		if whole := last[:cap(last)]; len(whole) >= len(last)+len(record) && &whole[len(last)] == &record[0] {
			r.Buffers[n-1] = whole[:len(last)+len(record)]
			return
		}
	}
	r.Buffers = append(r.Buffers, record)
}

// Buffers for cold reads, by size: one huge read must not make every small one pin as much.
var bufferPools = [...]struct {
	size int
	pool sync.Pool
}{{size: 16 << 10}, {size: 128 << 10}, {size: 1 << 20}}

func getBuffer(n int) *[]byte {
	for i := range bufferPools {
		p := &bufferPools[i]
		if n <= p.size {
			b, ok := p.pool.Get().(*[]byte)
			if !ok {
				fresh := make([]byte, p.size)
				b = &fresh
			}
			*b = (*b)[:n]
			return b
		}
	}
	b := make([]byte, n)
	return &b
}

func putBuffer(b *[]byte) {
	for i := range bufferPools {
		if cap(*b) == bufferPools[i].size {
			bufferPools[i].pool.Put(b)
			return
		}
	}
}
