package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// A batch of the dispatcher ends at whichever comes first. An appender that
// dispatches takes a smaller one: its answer waits.
const (
	dispatchMessages = 1024
	dispatchBytes    = 4 << 20
	dispatchInline   = 32
)

// An appender that was held up longer than it ought to be, because many pulls wait for its queue, leaves the work to the loop
// for a while, and so do the others.
const (
	inlineMost  = 1   // ms
	inlinePause = 100 // ms
)

// dispatcher follows the log and feeds what is derived from it: consume queues, then index, then the arrival callback.
type dispatcher struct {
	running sync.Mutex // serialises batches; held over the index's and the callback's work

	pos    atomic.Int64 // everything before is dispatched
	last   atomic.Int64 // physical offset of the newest dispatched record
	time   atomic.Int64 // its store time
	wake   chan struct{}
	broken atomic.Bool  // the newest batch failed; appends are refused until one succeeds
	looped atomic.Bool  // the loop runs, and takes up what appenders leave
	inline atomic.Int64 // appenders dispatch from this time on, in ms

	scan     *logScanner // of the loop
	torn     bool        // the record at pos has failed half way: it may be in queues already; guarded by running
	message  codec.Message
	arrivals []Arrival
	lastPut  struct { // the queue of the previous record: most runs of records are of one queue
		topic string
		id    int32
		q     *queue
		keeps bool // the topic is a compacted one
	}
}

func (s *Store) dispatchWake() {
	select {
	case s.dispatch.wake <- struct{}{}:
	default:
	}
}

// dispatchHere dispatches in the appender's goroutine what it has just appended, unless somebody else is at it or there is
// more to do than that: then the loop is woken. A switch to another thread costs more than the dispatch of a message, and
// under load the appenders meet here often enough that the loop works in batches. now is the time of the append, in ms.
func (s *Store) dispatchHere(now int64) {
	d := &s.dispatch
	if !d.looped.Load() {
		return
	}
	if now < d.inline.Load() || d.broken.Load() || s.queues.pendingBytes.Load() > pendingBound || !d.running.TryLock() {
		s.dispatchWake()
		return
	}
	more, err := s.dispatchLocked(s.confirmed(), dispatchInline)
	d.running.Unlock()
	s.dispatchTrouble(err)
	if more || err != nil || d.pos.Load() < s.confirmed() {
		s.dispatchWake()
	}
	if after := s.nowMillis(); after-now > inlineMost {
		d.inline.Store(after + inlinePause)
	}
}

// confirmed is how far the dispatcher may go. Under SyncFlush that is what is synced: nobody shall consume what a power
// failure can still take back.
func (s *Store) confirmed() int64 {
	if s.o.FlushMode == SyncFlush {
		return s.flusher.flushed.Load()
	}
	return s.log.end.Load()
}

// dispatchLoop dispatches whatever is confirmed, until ctx ends.
func (s *Store) dispatchLoop(ctx context.Context) {
	s.dispatch.looped.Store(true)
	defer s.dispatch.looped.Store(false)
	for {
		more, err := s.dispatchBatch(s.confirmed())
		s.dispatchTrouble(err)
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		s.dispatch.rest()
		select {
		case <-ctx.Done():
			return
		case <-s.dispatch.wake:
		}
	}
}

// rest lets go of the segment that was read last: a sleeping dispatcher pins nothing.
func (d *dispatcher) rest() {
	d.running.Lock()
	defer d.running.Unlock()
	d.scan.close()
}

// dispatchConfirmed dispatches everything that is confirmed now.
func (s *Store) dispatchConfirmed() error {
	for more := true; more; {
		var err error
		if more, err = s.dispatchBatch(s.confirmed()); err != nil {
			return err
		}
	}
	return nil
}

// dispatchTrouble keeps count of whether the dispatcher gets on. While it does not, appends are refused: what would be
// appended could not be delivered. The queue loop wakes it to try again.
func (s *Store) dispatchTrouble(err error) {
	d := &s.dispatch
	if err == nil {
		if d.broken.Load() && d.broken.Swap(false) {
			s.o.Event(Event{Level: Info, Text: "the commit log is dispatched again, appends are accepted"})
		}
		return
	}
	if !d.broken.Swap(true) {
		s.o.Event(Event{Level: Fault, Text: fmt.Sprintf("the commit log cannot be dispatched beyond %d, appends are refused until it can", d.pos.Load()), Err: err})
	}
}

// dispatchBatch dispatches records up to a limit and reports whether there may be more. It is called by the loop, and by
// whoever cannot wait for it.
func (s *Store) dispatchBatch(limit int64) (more bool, err error) {
	d := &s.dispatch
	d.running.Lock()
	defer d.running.Unlock()
	return s.dispatchLocked(limit, dispatchMessages)
}

// dispatchLocked dispatches up to a number of records. running is held.
func (s *Store) dispatchLocked(limit int64, most int) (more bool, err error) {
	d := &s.dispatch
	defer vfs.Catch("dispatch the commit log", vfs.Arm(), &err)
	start := d.pos.Load()
	if start >= limit {
		return false, nil
	}
	if s.queues.pendingBytes.Load() > pendingBound {
		if err := s.queues.writeOut(); err != nil {
			return false, s.queueTrouble(err)
		}
	}
	d.scan.pos, d.scan.limit = start, limit
	for range most {
		record, err := d.scan.next(&d.message, false)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.publish()
			return false, err
		}
		if err := s.dispatchRecord(record); err != nil {
			d.scan.pos -= int64(len(record)) // it is tried again: queue and index pass over what they have of it
			d.torn = true
			s.publish()
			return false, err
		}
		d.torn = false
		if d.scan.pos-start > dispatchBytes {
			break
		}
	}
	s.publish()
	return d.scan.pos < limit, nil
}

// publish announces what was dispatched since the last call.
func (s *Store) publish() {
	d := &s.dispatch
	if d.pos.Load() >= d.scan.pos {
		return
	}
	d.pos.Store(d.scan.pos)
	if len(d.arrivals) > 0 {
		if !s.recovering {
			s.o.OnArrive(d.arrivals)
		}
		clear(d.arrivals)
		d.arrivals = d.arrivals[:0]
	}
	if s.queues.pendingBytes.Load() > pendingWake {
		s.queueWake()
	}
}

// dispatchRecord feeds one record, decoded in d.message, to queue and index.
func (s *Store) dispatchRecord(record []byte) error {
	d := &s.dispatch
	m := &d.message
	if queueStep(m.SysFlag) > 0 && !s.orphaned(m) {
		q, err := s.dispatchQueue(m)
		if err != nil {
			return err
		}
		tags := s.tagsCode(m)
		if d.lastPut.keeps {
			if err := s.dispatchCompacted(record, tags); err != nil {
				return err
			}
		}
		u := unit{phy: m.PhysicalOffset, size: m.StoreSize, tags: tags}
		own := u // light queues have no extension, and queues of batches neither
		switch {
		case q.topic.layout.batch:
			own.batched(m)
		case s.tuning.Load().QueueExt:
			own.tags = s.queues.addExt(q, m, tags)
		}
		if err := s.queues.add(q, m.QueueOffset, own); err != nil {
			return err
		}
		d.arrivals = append(d.arrivals, Arrival{
			Topic: q.topic.name, QueueID: q.id, QueueOffset: m.QueueOffset, TagsCode: tags,
			StoreTime: m.StoreTimestamp, Physical: m.PhysicalOffset, Record: record,
		})
		if s.o.LightDispatch && s.lightList(m) != "" {
			if err := s.dispatchLight(m, u, record); err != nil {
				return err
			}
		}
	}
	if s.tuning.Load().Index {
		if err := s.index.add(m); err != nil {
			return err
		}
	}
	d.last.Store(m.PhysicalOffset)
	d.time.Store(m.StoreTimestamp)
	return nil
}

func (s *Store) dispatchQueue(m *codec.Message) (*queue, error) {
	c := &s.dispatch.lastPut
	if c.q != nil && c.id == m.QueueID && c.topic == m.Topic {
		return c.q, nil
	}
	q, err := s.queues.open(m.Topic, m.QueueID)
	if err != nil {
		return nil, err
	}
	c.q, c.topic, c.id = q, q.topic.name, q.id
	c.keeps = s.compacted != nil && s.compacted.is(c.topic)
	return q, nil
}

// tagsCode is what a message's consume queue entry carries: the hash of its tag, or in the schedule topic the time at which
// it is due (store-format §4.1).
func (s *Store) tagsCode(m *codec.Message) int64 {
	if m.Topic == protocol.TopicSchedule {
		if raw, ok := codec.Property(m.Properties, protocol.PropertyDelayLevel); ok {
			if level := parseLevel(raw); level > 0 {
				d, known := s.o.DelayTime(level)
				if !known {
					d = time.Second // upstream's ScheduleMessageService.computeDeliverTimestamp
				}
				return m.StoreTimestamp + d.Milliseconds()
			}
		}
	}
	tags, ok := codec.Property(m.Properties, protocol.PropertyTags)
	if !ok {
		return 0
	}
	return int64(compat.HashCode(tags))
}

// parseLevel reads a delay level; what is no number is no level.
func parseLevel(raw string) int {
	n := 0
	for i := range len(raw) {
		c := raw[i]
		if c < '0' || c > '9' || n > 1<<20 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// forgetQueue drops the dispatcher's shortcut when a topic is removed. running is held.
func (d *dispatcher) forgetQueue() { d.lastPut.q = nil }
