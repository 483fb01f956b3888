package timerwheel

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/store/vfs"
)

// Found is what Open came upon.
type Found struct {
	// Progress is how far the last run was, as far as it is known.
	Progress Progress
	// Entered are the physical offsets, ascending, of messages that have a unit behind the
	// mark of the checkpoint. Those that the queue offset of Progress does not count are
	// among them; they wait already.
	Entered []int64
	// Last is the newest unit of the log, when there is one.
	Last *Unit
	// Damaged says that the log ends before where the checkpoint says that it was
	// synced: units are missing, and their messages have to be read again.
	Damaged bool
	// Rebuilt says that the wheel was made anew from the log.
	Rebuilt bool
	// Fresh says that there is neither a checkpoint nor a log: nothing has waited yet.
	Fresh bool
}

// Open opens or makes the files and brings them into order, see the package's
// documentation. The caller puts right the queue offset and commits.
func Open(o Options) (*Files, Found, error) {
	o.complete()
	if o.Precision < 1 {
		return nil, Found{}, fmt.Errorf("a timer with steps of %d ms makes no sense (timerPrecisionMs)", o.Precision)
	}
	f := &Files{o: o, slots: map[int64]slot{}, touched: true} // by a process that was killed, perhaps
	found, err := f.open()
	if err != nil {
		return nil, Found{}, errors.Join(err, f.release())
	}
	return f, found, nil
}

// release closes what was opened of files that did not open.
func (f *Files) release() error {
	var errs []error
	if f.log != nil {
		errs = append(errs, f.log.close())
	}
	if f.wheel != nil {
		errs = append(errs, f.wheel.file.Close())
	}
	if f.file != nil {
		errs = append(errs, f.file.Close())
	}
	return errors.Join(errs...)
}

func (f *Files) open() (found Found, err error) {
	o := &f.o
	if err := vfs.MakeDir(o.FS, o.Root); err != nil {
		return found, fmt.Errorf("make the store directory: %w", err)
	}
	var own *ownPart
	if f.file, f.checkpoint, own, err = openCheckpoint(o.FS, o.Checkpoint, o.Distrust); err != nil {
		return found, err
	}
	if o.Distrust {
		own = nil
	}
	if f.log, err = openLog(o.FS, logPath(o.Root), o.FileSize); err != nil {
		return found, err
	}
	var made bool
	if f.wheel, made, err = openWheel(o.FS, wheelPath(o.Root), o.Slots, o.Precision); err != nil {
		return found, err
	}
	if o.Distrust {
		if err := f.forget(); err != nil {
			return found, err
		}
	}
	found.Fresh = len(f.log.files) == 0 && f.checkpoint == Checkpoint{} && own == nil
	found.Progress = Progress{ReadTime: f.checkpoint.ReadTime, QueueOffset: f.checkpoint.QueueOffset}
	if own != nil && (own.waiting >= 0 || own.bootID != "" && own.bootID == o.FS.BootID()) {
		found.Progress = own.progress
		if own.precision != o.Precision {
			found.Progress.Delivered = 0 // of a slot that is another now
		}
	}
	clean := own != nil && own.waiting >= 0
	end, err := f.recoverLog(!clean)
	if err != nil {
		return found, err
	}
	found.Damaged = f.checkpoint.LogFlushed > end
	if found.Entered, err = f.entered(); err != nil {
		return found, err
	}
	if clean && own.precision == o.Precision && end == f.checkpoint.LogFlushed && !made {
		f.waiting.Store(own.waiting)
		f.latest.Store(own.latest)
	} else {
		// The wheel of another program, or for steps of another length, is made anew.
		anew := made || own == nil || own.precision != o.Precision || found.Damaged
		if found.Rebuilt, err = f.restoreWheel(found.Progress.ReadTime, anew); err != nil {
			return found, err
		}
	}
	found.Last, err = f.lastUnit()
	return found, err
}

// forget drops what the page cache has of log and wheel.
func (f *Files) forget() error {
	errs := []error{f.wheel.file.Forget()}
	for _, l := range f.log.files {
		errs = append(errs, l.file.Forget())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("drop the page cache of the timer's files: %w", err)
	}
	return nil
}

// recoverLog finds the end of the log and cuts off what lies behind.
func (f *Files) recoverLog(unclean bool) (end int64, err error) {
	l := f.log
	if l.last() == nil {
		return 0, nil
	}
	sound := func(u Unit) bool { return f.o.Sound == nil || f.o.Sound(u) }
	start, err := f.trusted()
	if err != nil {
		return 0, err
	}
	end, err = l.scan(start, l.limit(), func(pos int64, u Unit) bool { return pos < f.checkpoint.LogFlushed || sound(u) })
	if err != nil {
		return 0, err
	}
	// The commit log may have lost records that the timer log, synced by itself, knows of.
	l.wrote = end
	for pos, ok := l.before(end); ok; pos, ok = l.before(end) {
		u, ok, err := l.unit(pos, true)
		if err != nil {
			return 0, err
		}
		if ok && sound(u) {
			break
		}
		end = pos
	}
	if err := l.cut(end, unclean); err != nil {
		return 0, err
	}
	return end, l.fillUp()
}

// trusted is where the search for the end begins: at the end as of the checkpoint
// when a unit stands before it, at the beginning otherwise.
func (f *Files) trusted() (int64, error) {
	l, at := f.log, f.checkpoint.LogFlushed
	if at < l.first() || at > l.limit() || at < l.limit() && !l.boundary(at) {
		return l.first(), nil
	}
	if pos, ok := l.before(at); ok {
		l.wrote = l.limit()
		if _, ok, err := l.unit(pos, true); !ok {
			return l.first(), err
		}
	}
	return at, nil
}

// restoreWheel makes the wheel agree with the log: it enters the units that were not
// synced, or all when the wheel cannot be trusted. Slots before readTime are over.
func (f *Files) restoreWheel(readTime int64, anew bool) (rebuilt bool, err error) {
	begin := f.wheel.floor(readTime)
	if !anew {
		if anew, err = f.countSlots(begin); err != nil {
			return false, err
		}
	}
	from := f.checkpoint.LogFlushed
	if anew {
		from, rebuilt = f.log.first(), f.log.wrote > f.log.first()
		f.waiting.Store(0)
		f.latest.Store(0)
		if err := f.wheel.reset(); err != nil {
			return false, err
		}
	}
	return rebuilt, f.enterAll(max(from, f.log.first()), begin)
}

// enterAll puts units into their slots, from a position on and unless they are
// there already or their slot is over.
func (f *Files) enterAll(from, begin int64) error {
	var failed error
	_, err := f.log.scan(from, f.log.wrote, func(pos int64, u Unit) bool {
		time := f.wheel.floor(u.Due())
		if time < begin {
			return true
		}
		s, ok := f.slots[time]
		if !ok {
			if s, failed = f.wheel.get(time); failed != nil {
				return false
			}
		}
		if s.last >= pos {
			return true
		}
		count := int32(1)
		if u.Has(Delete) {
			count = -1
		}
		s.enter(pos, count)
		f.slots[time] = s
		f.pending += int64(count)
		if len(f.slots) >= slotsAtOnce {
			failed = f.Write()
		}
		return failed == nil
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return f.Write()
}

// slotsAtOnce bounds the slots in memory while units are entered.
const slotsAtOnce = 16 << 10

// countSlots counts what waits in the wheel. beyond tells that a slot points behind the
// end of the log: it was synced and its units were not, or the log was taken away.
func (f *Files) countSlots(begin int64) (beyond bool, err error) {
	var waiting int64
	err = f.wheel.all(func(s slot) bool {
		beyond = s.last >= f.log.wrote
		if s.time >= begin && s.last >= 0 {
			waiting += int64(s.num)
			f.latest.Store(max(f.latest.Load(), s.time))
		}
		return !beyond
	})
	f.waiting.Store(waiting)
	return beyond, err
}

// entered lists the messages of the units behind the mark.
func (f *Files) entered() (list []int64, err error) {
	_, err = f.log.scan(max(f.checkpoint.LogFlushed, f.log.first()), f.log.wrote, func(_ int64, u Unit) bool {
		list = append(list, u.Physical)
		return true
	})
	return list, err
}

// lastUnit is the newest unit of the log.
func (f *Files) lastUnit() (*Unit, error) {
	pos, ok := f.log.before(f.log.wrote)
	if !ok {
		return nil, nil
	}
	u, ok, err := f.log.unit(pos, true)
	if err != nil || !ok {
		return nil, err
	}
	return &u, nil
}
