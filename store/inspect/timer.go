package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Sizes of the timer's files.
const (
	timerUnitSize   = 52
	timerFillerSize = 16
	timerSlotSize   = 32
	timerSlots      = 2 * 7 * 86_400 // seconds of two weeks
	timerCheckSize  = 4096
	timerCheckWords = 7 * 8
)

// timerFiles are the files of messages with a delivery time of their own, as far as a listing shows them.
type timerFiles struct {
	log   []file // files of timerlog
	wheel bool   // there is a wheel of the right size
	check timerCheck
}

// timerCheck is config/timercheck.
type timerCheck struct {
	there       bool
	readTime    int64 // ms: every slot before has been delivered
	flushed     int64 // the timer log is synced up to here
	queueOffset int64 // messages of the timer topic before it have been dealt with
}

func (d *Dir) wheelPath() string { return path.Join(d.root, "timerwheel") }
func (d *Dir) timerLog() string  { return path.Join(d.root, "timerlog") }
func (d *Dir) timerCheckPath() string {
	return path.Join(d.root, "config", "timercheck")
}

// listTimer finds the timer's files.
func (d *Dir) listTimer() error {
	list, err := d.numbered(d.timerLog())
	if err != nil {
		return err
	}
	list = d.whole(list)
	for i, f := range list {
		if i > 0 && f.base != list[i-1].base+list[i-1].size {
			d.fault(Damage, "timer log", f.path, -1, "the timer log lacks what lies before this file: the one before ends at %d", list[i-1].base+list[i-1].size)
		}
	}
	d.timer.log = list
	info, err := d.o.FS.Stat(d.wheelPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if len(list) > 0 {
			d.fault(Note, "timer wheel", d.wheelPath(), -1, "there is none, or only snapshots of it (timerWheelSnapshotFlush): Gantry makes it from the timer log when it starts")
		}
	case err != nil:
		return fmt.Errorf("look at the timer wheel: %w", err)
	case info.Size == 0:
		d.fault(Note, "timer wheel", d.wheelPath(), -1, "the file is empty: it was just being made, and the next start fills it")
	case info.Size != timerSlots*timerSlotSize:
		d.fault(Damage, "timer wheel", d.wheelPath(), -1, "the file has %d bytes where %d are expected", info.Size, timerSlots*timerSlotSize)
	default:
		d.timer.wheel = true
	}
	return d.readTimerCheck()
}

func (d *Dir) readTimerCheck() error {
	b, err := d.readFile(d.timerCheckPath())
	if errors.Is(err, fs.ErrNotExist) {
		if len(d.timer.log) > 0 {
			d.fault(Note, "timer checkpoint", d.timerCheckPath(), -1, "there is none: nobody knows what has been delivered, and messages of the last days may be delivered again")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the timer's checkpoint: %w", err)
	}
	if len(b) != timerCheckSize {
		d.fault(Damage, "timer checkpoint", d.timerCheckPath(), -1, "the file has %d bytes where %d are expected", len(b), timerCheckSize)
	}
	if len(b) < timerCheckWords {
		return nil
	}
	word := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	d.timer.check = timerCheck{true, word(0), word(8), word(16)}
	return nil
}

// timerUnit is an entry of the timer log.
type timerUnit struct {
	prev     int64
	due      int64 // time of its slot, ms
	physical int64
	size     int32
	topic    int32 // hash of the name
}

// decodeTimerUnit reads an entry; ok is false for bytes that are none.
func decodeTimerUnit(b []byte) (u timerUnit, ok bool) {
	be := binary.BigEndian
	marks := be.Uint32(b[12:])
	u = timerUnit{
		prev: int64(be.Uint64(b[4:])), due: int64(be.Uint64(b[16:])) + int64(int32(be.Uint32(b[24:]))),
		physical: int64(be.Uint64(b[28:])), size: int32(be.Uint32(b[36:])), topic: int32(be.Uint32(b[40:])),
	}
	return u, be.Uint32(b) == timerUnitSize && marks&^0xF == 0 && u.physical >= 0 && u.size > 0
}

// timerUnits visits the entries of the timer log in order and returns the position behind the last one.
func (d *Dir) timerUnits(visit func(pos int64, u timerUnit) error) (end int64, err error) {
	buf := make([]byte, 1<<20/timerUnitSize*timerUnitSize)
	for i, f := range d.timer.log {
		if i > 0 && f.base != end {
			return end, nil // a file is missing, which was reported
		}
		done, err := d.timerFile(f, buf, visit)
		if end = f.base + done; err != nil || done < f.size {
			return end, err
		}
	}
	return end, nil
}

// timerFile visits the entries of one file. done is the file's size when it is full.
func (d *Dir) timerFile(f file, buf []byte, visit func(pos int64, u timerUnit) error) (done int64, err error) {
	h, err := d.o.FS.Open(f.path, false)
	if err != nil {
		return 0, fmt.Errorf("open a timer log file: %w", err)
	}
	defer h.Close()
	units := (f.size - timerFillerSize) / timerUnitSize * timerUnitSize // behind is room for the filler only
	for done < units {
		b := buf[:min(int64(len(buf)), units-done)]
		if _, err := h.ReadAt(b, done); err != nil {
			return done, fmt.Errorf("read %s at %d: %w", f.path, done, err)
		}
		for ; len(b) > 0; b = b[timerUnitSize:] {
			u, ok := decodeTimerUnit(b)
			if !ok {
				return done, nil
			}
			if err := visit(f.base+done, u); err != nil {
				return done, err
			}
			done += timerUnitSize
		}
	}
	return f.size, nil
}

// timerSlot is a slot of the wheel.
type timerSlot struct {
	index       int64
	time        int64 // in steps
	first, last int64
}

// wheelSlots visits the slots that were ever used.
func (d *Dir) wheelSlots(visit func(s timerSlot)) error {
	f, err := d.o.FS.Open(d.wheelPath(), false)
	if err != nil {
		return fmt.Errorf("open the timer wheel: %w", err)
	}
	defer f.Close()
	const atOnce = 8192
	buf := make([]byte, atOnce*timerSlotSize)
	be := binary.BigEndian
	for i := int64(0); i < timerSlots; i += atOnce {
		b := buf[:min(atOnce, timerSlots-i)*timerSlotSize]
		if _, err := f.ReadAt(b, i*timerSlotSize); err != nil {
			return fmt.Errorf("read the timer wheel: %w", err)
		}
		if allZero(b) {
			continue
		}
		for k := int64(0); len(b) > 0; k, b = k+1, b[timerSlotSize:] {
			if s := (timerSlot{i + k, int64(be.Uint64(b)), int64(be.Uint64(b[8:])), int64(be.Uint64(b[16:]))}); s.time != 0 {
				visit(s)
			}
		}
	}
	return nil
}
