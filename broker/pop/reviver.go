package pop

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/compat"
)

// Arrived is a record that has reached the revive topic.
type Arrived struct {
	Offset int64 // in its queue
	Tag    string
	Due    int64 // when it was to arrive
	Body   []byte
}

// ReviveSource is what a Reviver reads from and writes to.
type ReviveSource interface {
	// Range is the first offset of a revive queue and the one behind its last record.
	Range(queue int32) (first, end int64)
	// Read appends records of a revive queue from an offset on, at most so many, and
	// returns the offset to go on from. The records are the caller's.
	Read(dst []Arrived, queue int32, from int64, most int) (records []Arrived, next int64, err error)
	// OnTime reports whether everything that was due by now has arrived.
	OnTime() bool
	// Handled is the offset of the record handled last, which SetHandled has noted, -1
	// when there is none.
	Handled(queue int32) int64
	SetHandled(queue int32, offset int64)
	// Wanted reports whether topic and group of a check point still exist.
	Wanted(c *CheckPoint) bool
	// Revive appends a message to the group's retry topic. A message that has expired
	// is no fault. With unsure the check point had arrived before this process began:
	// the message may stand in the retry topic already.
	Revive(c *CheckPoint, offset int64, unsure bool) error
	// GivesUp reports whether a message is no longer tried that could not be revived, nor
	// as often as there are times in rewriteAfter.
	GivesUp(c *CheckPoint, offset int64) bool
	Log
}

// Times of a Reviver, in ms.
const (
	// grace is how long after the invisible time, by the arrival of later records, a
	// late acknowledgement still counts.
	grace = 2000
	// silence is how long after the last record the clock is believed instead.
	silence = 3000
	// giveUp is how long a check point waits for later records when too many wait.
	giveUp = 5000
)

// Bounds of one round, and of what waits in memory.
const (
	roundRecords  = 8192
	readAtOnce    = 32
	pendingChecks = 100_000
)

// rewriteAfter is how many seconds later a message is tried again that could not
// be revived, by the number of tries.
var rewriteAfter = [...]int64{10, 20, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200}

// Reviver handles one queue of the revive topic: it matches acknowledgements with
// check points and revives what was not acknowledged. It is for one goroutine.
type Reviver struct {
	queue  int32
	broker string
	source ReviveSource
	now    func() int64

	next    int64 // offset that is read next, -1 before the first round
	begin   int64 // where the queue ended then
	pending []*CheckPoint
	byKey   map[matchKey]*CheckPoint
	seen    int64 // until when records have arrived: the latest time one was due
	buffer  []Arrived
}

// NewReviver makes the Reviver of a queue. broker is the name that records
// without one are of.
func NewReviver(queue int32, broker string, source ReviveSource, now func() int64) *Reviver {
	return &Reviver{queue: queue, broker: broker, source: source, now: now, next: -1, byKey: map[matchKey]*CheckPoint{}}
}

// Round reads what has arrived and revives what is due. It reports whether it
// should be called again at once.
func (r *Reviver) Round() (more bool, err error) {
	if err := r.position(); err != nil {
		return false, err
	}
	atEnd, err := r.read()
	if err != nil {
		return false, err
	}
	now := r.now()
	if atEnd && r.seen != 0 && now-r.seen > silence && r.source.OnTime() {
		r.seen = now
	}
	if err := r.handle(now); err != nil {
		return false, err
	}
	return !atEnd, nil
}

// position finds where to read. Records that have expired are passed over.
func (r *Reviver) position() error {
	first, end := r.source.Range(r.queue)
	if r.next < 0 {
		r.next, r.begin = r.source.Handled(r.queue)+1, end
	}
	if r.next < first || r.next > end {
		r.next = min(max(r.next, first), end)
	}
	return nil
}

// read takes in records, up to the bounds of a round.
func (r *Reviver) read() (atEnd bool, err error) {
	for range roundRecords / readAtOnce {
		if len(r.pending) >= pendingChecks {
			return false, nil
		}
		records, next, err := r.source.Read(r.buffer[:0], r.queue, r.next, readAtOnce)
		if err != nil {
			return false, fmt.Errorf("read queue %d of the revive topic: %w", r.queue, err)
		}
		for i := range records {
			r.take(&records[i])
		}
		clear(records)
		r.buffer = records[:0]
		if next <= r.next {
			return true, nil
		}
		r.next = next
	}
	return false, nil
}

// take takes in one record. What cannot be read is passed over, as upstream does.
func (r *Reviver) take(a *Arrived) {
	switch a.Tag {
	case tagCheckPoint:
		c := new(CheckPoint)
		if err := compat.UnmarshalFastjson(a.Body, c); err != nil || c.Topic == "" || c.Group == "" {
			break
		}
		c.Offset = a.Offset
		r.enter(c)
		r.pending = append(r.pending, c)
		if r.seen == 0 {
			r.seen = a.Due
		}
	case tagAck, tagBatchAck:
		ack, err := parseAck(a.Body)
		if err != nil {
			break
		}
		c := r.byKey[ack.key(r.broker)]
		if c == nil {
			break
		}
		if ack.Offsets == nil {
			ack.Offsets = []int64{ack.Offset}
		}
		for ; c != nil; c = c.same {
			for _, off := range ack.Offsets {
				if i := c.indexOf(off); i >= 0 && i < maxPop {
					c.Bits |= 1 << i
				}
			}
		}
	}
	r.seen = max(r.seen, a.Due)
}

// enter makes a check point known to the acknowledgements that follow. One that
// is there already has been delivered by the timer again, after a crash: the new
// one stands for both. Others with the same key, which official brokers write
// when a pop and a change fall into one millisecond, stand side by side.
func (r *Reviver) enter(c *CheckPoint) {
	first := r.byKey[c.key()]
	for old := first; old != nil; old = old.same {
		if old.Count == c.Count && old.Inv == c.Inv && slices.Equal(old.Diffs, c.Diffs) {
			c.Bits |= old.Bits
			old.Count = 0
			break
		}
	}
	c.same = first
	r.byKey[c.key()] = c
}

// leave forgets a check point.
func (r *Reviver) leave(c *CheckPoint) {
	first := r.byKey[c.key()]
	if first == c {
		if c.same == nil {
			delete(r.byKey, c.key())
		} else {
			r.byKey[c.key()] = c.same
		}
		return
	}
	for ; first != nil; first = first.same {
		if first.same == c {
			first.same = c.same
			return
		}
	}
}

// handle revives from the check points whose time is over, in the order of their
// records, and notes how far it has got.
func (r *Reviver) handle(now int64) error {
	done := 0
	var fault error
	for _, c := range r.pending {
		late := len(r.pending) >= pendingChecks && now-c.ReviveTime() > giveUp
		if r.seen-c.ReviveTime() <= grace && !late {
			break
		}
		if fault = r.revive(c, now); fault != nil {
			break
		}
		r.leave(c)
		r.source.SetHandled(r.queue, c.Offset)
		done++
	}
	r.pending = slices.Delete(r.pending, 0, done)
	return fault
}

// revive gives what was not acknowledged to the group again. What cannot be given
// now is tried later, by a check point of its own, or no more.
func (r *Reviver) revive(c *CheckPoint, now int64) error {
	n := c.messages()
	if n == 0 || !r.source.Wanted(c) {
		return nil
	}
	for i := range n {
		if c.Bits&(1<<i) != 0 {
			continue
		}
		offset := c.offsetAt(i)
		if err := r.source.Revive(c, offset, c.Offset < r.begin); err == nil {
			continue
		}
		if c.reputs() >= len(rewriteAfter) && r.source.GivesUp(c, offset) {
			continue
		}
		if err := r.source.Append(r.later(c, offset, now).record(r.queue)); err != nil {
			return fmt.Errorf("a check point of group %s in topic %s: %w", c.Group, c.Topic, err)
		}
	}
	return nil
}

// later is the check point of one message that is tried again.
func (r *Reviver) later(c *CheckPoint, offset, now int64) *CheckPoint {
	times := c.reputs()
	again := &CheckPoint{
		Broker: c.Broker, Group: c.Group, Topic: c.Topic, Queue: c.Queue, Start: offset, PopTime: c.PopTime, Inv: c.Inv,
		Count: 1, Diffs: []int32{0}, Reput: strconv.Itoa(times + 1), Suspend: c.Suspend,
	}
	if c.ReviveTime() <= now {
		again.Inv = now - c.PopTime + 1000*rewriteAfter[min(times, len(rewriteAfter)-1)]
	}
	return again
}
