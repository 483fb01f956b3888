package timerwheel

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/store/vfs"
)

// Options say where the files are. The names in brackets are the official keys.
type Options struct {
	FS         vfs.FS // vfs.OS when nil
	Root       string // [storePathRootDir]: holds timerwheel and timerlog
	Checkpoint string // path of timercheck
	Precision  int64  // [timerPrecisionMs] ms between two slots
	FileSize   int64  // [mappedFileSizeTimerLog]
	Slots      int64  // OfficialSlots when 0; another number is for tests

	// Distrust says that a sync has failed before the last stop: what the page cache shows
	// is not believed, nor what was noted and not committed.
	Distrust bool

	// Sound tells whether the commit log has the record that a unit is about. Units
	// that were not synced when the last run ended are asked for; the first that is
	// not sound ends the log.
	Sound func(Unit) bool
}

// Files are the open files of the timer.
type Files struct {
	o     Options
	wheel *wheel
	log   *unitLog
	file  vfs.File // of the checkpoint

	slots   map[int64]slot // changed by Add, by time; not written yet
	touched bool           // the wheel was written since its last sync
	waiting atomic.Int64   // units in the slots that have not been delivered
	latest  atomic.Int64   // no slot after this time has units
	pending int64          // what Write will add to waiting
	held    bool           // see Hold
	failed  error          // wraps ErrSync: a sync has failed, and nothing counts any more

	mu         sync.Mutex // guards checkpoint
	checkpoint Checkpoint
}

// ErrSync is wrapped by what Commit, Finish and Note return once a sync has failed. It is
// final: the system takes pages for written then that are not, so that a later sync, which
// works, proves nothing.
var ErrSync = errors.New("the disk did not take what the timer has written")

// Waiting is the number of messages that wait in the wheel (upstream's
// timerCongestNum).
func (f *Files) Waiting() int64 { return f.waiting.Load() }

// Num is the number of messages in the slot of a time.
func (f *Files) Num(time int64) (int64, error) {
	s, err := f.wheel.get(time)
	return int64(s.num), err
}

// Checkpoint is what the official part of the file says.
func (f *Files) Checkpoint() Checkpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.checkpoint
}

// Add collects a unit for the slot of u.Due; Prev is set here. Write has to follow
// before anything else. An error concerns this unit only.
func (f *Files) Add(u Unit) error {
	pos, err := f.log.next()
	if err != nil {
		return err
	}
	time := f.wheel.floor(u.Due())
	s, ok := f.slots[time]
	if !ok {
		if s, err = f.wheel.get(time); err != nil {
			return err
		}
	}
	u.Prev = s.last
	f.log.add(u)
	count := int64(1)
	if u.Has(Delete) {
		count = -1
	}
	s.enter(pos, int32(count))
	f.slots[time] = s
	f.pending += count
	return nil
}

// enter puts a unit at the end of a slot.
func (s *slot) enter(pos int64, count int32) {
	if s.first < 0 {
		s.first = pos
	}
	s.last = pos
	s.num += count
}

// Write writes the units that Add collected, and then their slots. When it returns
// nil they survive the end of the process. After an error it has to be called again.
func (f *Files) Write() error {
	if err := f.log.write(); err != nil {
		return err
	}
	for time, s := range f.slots {
		if err := f.wheel.put(s); err != nil {
			return err
		}
		f.touched = true
		f.latest.Store(max(f.latest.Load(), time))
		delete(f.slots, time)
	}
	f.waiting.Add(f.pending)
	f.pending = 0
	return nil
}

// NextBusy is the time of the first slot that is not empty, from a time on and
// before another.
func (f *Files) NextBusy(from, to int64) (time int64, ok bool, err error) {
	err = f.wheel.each(from, to, func(s slot) bool {
		time, ok = s.time, true
		return false
	})
	return time, ok, err
}

// Latest is a time after which no slot has units.
func (f *Files) Latest() int64 { return f.latest.Load() }

// Passed notes that the slot of a time has been delivered: its messages wait no more.
func (f *Files) Passed(time int64) error {
	s, err := f.wheel.get(time)
	if err == nil {
		f.waiting.Add(-int64(s.num))
	}
	return err
}

// Chain is where the units of a slot are in the log, oldest first.
type Chain struct {
	Units   []int64
	Deletes []int64 // those that only delete others
}

// Chain reads where the units of a slot are; the room of c is used again. Where the
// chain of the slot does not hold, the whole log is searched for its units.
func (f *Files) Chain(c *Chain, time int64) error {
	c.Units, c.Deletes = c.Units[:0], c.Deletes[:0]
	s, err := f.wheel.get(time)
	if err != nil {
		return err
	}
	f.log.forget()
	for pos := s.last; pos >= 0; {
		u, ok, err := f.log.unit(pos, true)
		if err != nil {
			return err
		}
		if pos < f.log.first() {
			break // expired, together with the messages
		}
		if !ok || f.wheel.floor(u.Due()) != s.time || u.Prev >= pos {
			return f.search(c, s.time)
		}
		c.take(pos, u)
		pos = u.Prev
	}
	slices.Reverse(c.Units)
	slices.Reverse(c.Deletes)
	return nil
}

func (c *Chain) take(pos int64, u Unit) {
	if u.Has(Delete) && !u.Has(Rolled) {
		c.Deletes = append(c.Deletes, pos)
		return
	}
	c.Units = append(c.Units, pos)
}

// search looks for the units of a slot in the whole log.
func (f *Files) search(c *Chain, time int64) error {
	c.Units, c.Deletes = c.Units[:0], c.Deletes[:0]
	_, err := f.log.scan(f.log.first(), f.log.wrote, func(pos int64, u Unit) bool {
		if f.wheel.floor(u.Due()) == time {
			c.take(pos, u)
		}
		return true
	})
	return err
}

// Unit reads the unit at a position of a Chain.
func (f *Files) Unit(pos int64) (Unit, error) {
	u, ok, err := f.log.unit(pos, false)
	if err == nil && !ok {
		err = fmt.Errorf("the timer log has no unit at %d", pos)
	}
	return u, err
}

// Clear empties the slots from a time up to before another, all of which have been
// delivered.
func (f *Files) Clear(from, to int64) error {
	f.touched = true
	return f.wheel.clear(from, to)
}

// Note writes how far the delivery is, without a sync: it is believed as long as
// the machine has not been started again.
func (f *Files) Note(p Progress) error {
	if f.failed != nil {
		return f.failed
	}
	c := f.Checkpoint()
	return f.writeCheckpoint(&c, p, -1)
}

// Commit makes everything durable: log, wheel, and a checkpoint that says so. The
// caller vouches that whatever was delivered before p is durable in the commit log.
// The data version is counted on; now goes into it.
func (f *Files) Commit(p Progress, now int64) error {
	return f.commit(p, now, -1)
}

func (f *Files) commit(p Progress, now, waiting int64) error {
	if f.failed != nil {
		return f.failed
	}
	if len(f.slots) > 0 {
		return errors.New("slots of the timer wheel are not written yet")
	}
	if err := f.log.sync(); err != nil {
		return f.syncFailed(err)
	}
	if f.touched {
		if err := f.wheel.sync(); err != nil {
			return f.syncFailed(err)
		}
		f.touched = false
	}
	c := f.Checkpoint()
	if !f.held {
		c.LogFlushed = f.log.wrote
	}
	if c.ReadTime != p.ReadTime || c.QueueOffset != p.QueueOffset {
		c.StateVersion, c.Timestamp, c.Counter = 0, now, c.Counter+1
	}
	c.ReadTime, c.QueueOffset, c.MasterQueueOffset = p.ReadTime, p.QueueOffset, p.QueueOffset
	if err := f.writeCheckpoint(&c, p, waiting); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return f.syncFailed(fmt.Errorf("sync the timer's checkpoint: %w", err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checkpoint = c
	return nil
}

func (f *Files) syncFailed(err error) error {
	f.failed = fmt.Errorf("%w: %w", ErrSync, err)
	return f.failed
}

func (f *Files) writeCheckpoint(c *Checkpoint, p Progress, waiting int64) error {
	own := ownPart{precision: f.o.Precision, progress: p, waiting: waiting, latest: f.latest.Load(), bootID: f.o.FS.BootID()}
	if _, err := f.file.WriteAt(encodeCheckpoint(c, &own), 0); err != nil {
		return fmt.Errorf("write the timer's checkpoint: %w", err)
	}
	return nil
}

// Hold keeps the checkpoint's mark in the log where it is, or lets it go. Every unit of
// a message that the queue offset does not count has to be behind the mark, so that
// Open finds it; while messages before such a one are still to be read, the mark is held.
func (f *Files) Hold(hold bool) { f.held = hold }

// Expire removes files of the log that are about records before logMin only.
func (f *Files) Expire(logMin int64) (removed int, err error) { return f.log.expire(logMin) }

// Finish commits as Commit does and marks the stop as clean.
func (f *Files) Finish(p Progress, now int64) error {
	return f.commit(p, now, f.waiting.Load())
}

// Close closes the files. What was not committed is found by the next Open.
func (f *Files) Close() error {
	return errors.Join(f.log.close(), f.wheel.file.Close(), f.file.Close())
}

func wheelPath(root string) string { return path.Join(root, "timerwheel") }
func logPath(root string) string   { return path.Join(root, "timerlog") }
