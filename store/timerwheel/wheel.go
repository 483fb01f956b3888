package timerwheel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/store/vfs"
)

// OfficialSlots is how many slots a wheel has: 14 days of seconds, whatever the
// length of a step. Half of them may lie ahead (upstream's TIMER_WHEEL_TTL_DAY).
const OfficialSlots = 2 * 7 * 86_400

const slotSize = 32

// slot is one step of time.
//
//	 0 i64  its time / precision; a slot of another time is an empty one
//	 8 i64  position of its first unit
//	16 i64  position of its last unit
//	24 i32  units, those that delete counted as -1
//	28 i32  unused
type slot struct {
	time        int64 // ms, a multiple of the precision
	first, last int64
	num, unused int32
}

// wheel is the file of slots.
type wheel struct {
	file      vfs.File
	slots     int64
	precision int64
}

// openWheel opens or makes the file. made is true when it has just been made, or
// was by a start that did not get far.
func openWheel(fsys vfs.FS, name string, slots, precision int64) (w *wheel, made bool, err error) {
	w = &wheel{slots: slots, precision: precision}
	w.file, err = fsys.Open(name, true)
	if errors.Is(err, fs.ErrNotExist) {
		w.file, err = fsys.Create(name)
	}
	if err != nil {
		return nil, false, fmt.Errorf("open the timer wheel: %w", err)
	}
	size, err := w.file.Size()
	if err == nil && size == 0 {
		made = true
		err = errors.Join(w.file.Truncate(slots*slotSize), fsys.SyncDir(path.Dir(name)))
	} else if err == nil {
		err = w.checkSize(name, size)
	}
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("open the timer wheel: %w", err), w.file.Close())
	}
	return w, made, nil
}

func (w *wheel) checkSize(name string, size int64) error {
	if want := w.slots * slotSize; size != want {
		return fmt.Errorf("%s has %d bytes where %d are expected: move it away, it is then made from the timer log", name, size, want)
	}
	return nil
}

// floor is the time of the slot that a time belongs to.
func (w *wheel) floor(ms int64) int64 { return ms / w.precision * w.precision }

func (w *wheel) at(time int64) int64 { return time / w.precision % w.slots * slotSize }

// get reads the slot of a time; one that holds another time is empty.
func (w *wheel) get(time int64) (slot, error) {
	time = w.floor(time)
	var b [slotSize]byte
	if _, err := w.file.ReadAt(b[:], w.at(time)); err != nil {
		return slot{}, fmt.Errorf("read the timer wheel: %w", err)
	}
	if s := w.decode(b[:]); s.time == time {
		return s, nil
	}
	return slot{time: time, first: -1, last: -1}, nil
}

func (w *wheel) decode(b []byte) slot {
	be := binary.BigEndian
	return slot{
		time: int64(be.Uint64(b)) * w.precision, first: int64(be.Uint64(b[8:])), last: int64(be.Uint64(b[16:])),
		num: int32(be.Uint32(b[24:])), unused: int32(be.Uint32(b[28:])),
	}
}

func (w *wheel) put(s slot) error {
	be := binary.BigEndian
	b := make([]byte, 0, slotSize)
	b = be.AppendUint64(b, uint64(s.time/w.precision))
	b = be.AppendUint64(b, uint64(s.first))
	b = be.AppendUint64(b, uint64(s.last))
	b = be.AppendUint32(b, uint32(s.num))
	b = be.AppendUint32(b, uint32(s.unused))
	if _, err := w.file.WriteAt(b, w.at(s.time)); err != nil {
		return fmt.Errorf("write the timer wheel: %w", err)
	}
	return nil
}

// each yields the slots from a time on that are not empty, up to before another
// time and once around at most, in order of time, until yield returns false. It
// reads through a window.
func (w *wheel) each(from, to int64, yield func(slot) bool) error {
	from = w.floor(from)
	left := min((to-from+w.precision-1)/w.precision, w.slots)
	buf := make([]byte, min(left, 2048)*slotSize)
	for left > 0 {
		at := w.at(from)
		n := min(left, int64(len(buf))/slotSize, w.slots-at/slotSize)
		if _, err := w.file.ReadAt(buf[:n*slotSize], at); err != nil {
			return fmt.Errorf("read the timer wheel: %w", err)
		}
		for i := range n {
			s := w.decode(buf[i*slotSize:])
			if s.time == from+i*w.precision && s.last >= 0 && !yield(s) {
				return nil
			}
		}
		from, left = from+n*w.precision, left-n
	}
	return nil
}

// all yields every slot that was ever written, whatever its time, until yield returns
// false.
func (w *wheel) all(yield func(slot) bool) error {
	buf := make([]byte, min(w.slots, 2048)*slotSize)
	for at := int64(0); at < w.slots*slotSize; at += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), w.slots*slotSize-at)]
		if _, err := w.file.ReadAt(b, at); err != nil {
			return fmt.Errorf("read the timer wheel: %w", err)
		}
		for ; len(b) > 0; b = b[slotSize:] {
			if binary.BigEndian.Uint64(b) != 0 && !yield(w.decode(b)) {
				return nil
			}
		}
	}
	return nil
}

// clear empties the slots from a time up to before another.
func (w *wheel) clear(from, to int64) error {
	from = w.floor(from)
	left := min((to-from+w.precision-1)/w.precision, w.slots)
	zeros := make([]byte, max(0, min(left, 2048))*slotSize)
	for left > 0 {
		at := w.at(from)
		n := min(left, int64(len(zeros))/slotSize, w.slots-at/slotSize)
		if _, err := w.file.WriteAt(zeros[:n*slotSize], at); err != nil {
			return fmt.Errorf("clear the timer wheel: %w", err)
		}
		from, left = from+n*w.precision, left-n
	}
	return nil
}

// reset empties the whole wheel and gives its blocks back.
func (w *wheel) reset() error {
	if err := w.file.Zero(0, w.slots*slotSize); err != nil {
		return fmt.Errorf("clear the timer wheel: %w", err)
	}
	return nil
}

func (w *wheel) sync() error {
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync the timer wheel: %w", err)
	}
	return nil
}
