package timerwheel

import (
	"errors"
	"fmt"
	"path"
)

// first is the position of the log's first byte.
func (l *unitLog) first() int64 {
	if len(l.files) == 0 {
		return 0
	}
	return l.files[0].base
}

// limit is the position behind the last file.
func (l *unitLog) limit() int64 {
	if f := l.last(); f != nil {
		return f.base + l.fileSize
	}
	return 0
}

// boundary tells whether a unit, or the filler, can begin at a position.
func (l *unitLog) boundary(pos int64) bool { return pos%l.fileSize%unitSize == 0 || pos == l.limit() }

// scan yields the units from a position on, up to before another, until yield
// returns false or something is no unit, and returns the position of that.
func (l *unitLog) scan(from, to int64, yield func(pos int64, u Unit) bool) (end int64, err error) {
	l.forget()
	for pos := from; ; {
		f := l.find(pos)
		if f == nil || pos >= to {
			return pos, nil
		}
		left := f.base + l.fileSize - pos
		if left < unitSize {
			// Only the filler can be here. A file may have been cut off before it was
			// written; what follows then is in the next file all the same.
			pos += left
			continue
		}
		b, err := l.read(pos, unitSize, false)
		if err != nil {
			return pos, err
		}
		if left < unitSize+fillerSize && isFiller(b) {
			pos += left
			continue
		}
		u, ok := decodeUnit(b)
		if !ok || !yield(pos, u) {
			return pos, nil
		}
		pos += unitSize
	}
}

// fillUp writes the filler into full files that lack it: upstream's recovery takes
// anything else there for the end of the log.
func (l *unitLog) fillUp() error {
	for _, f := range l.files {
		at := f.base + (l.fileSize-fillerSize)/unitSize*unitSize
		if at >= l.wrote {
			return nil
		}
		b, err := l.read(at, fillerSize, false)
		if err != nil || isFiller(b) {
			if err != nil {
				return err
			}
			continue
		}
		l.forget()
		if _, err := f.file.WriteAt(appendFiller(nil, f.base+l.fileSize-at), at-f.base); err != nil {
			return fmt.Errorf("end a file of the timer log: %w", err)
		}
		f.sync = true
	}
	return nil
}

// cut ends the log at a position. Files behind are removed, the last first. With
// zero, what lies behind in its file reads as zeros, so that no later start takes
// what a lost write left there for units.
func (l *unitLog) cut(end int64, zero bool) error {
	l.forget()
	for len(l.files) > 1 && l.last().base > end {
		f := l.last()
		if err := errors.Join(l.fs.Remove(path.Join(l.dir, fileName(f.base))), l.fs.SyncDir(l.dir), f.file.Close()); err != nil {
			return fmt.Errorf("remove a file behind the end of the timer log: %w", err)
		}
		l.files = l.files[:len(l.files)-1]
	}
	l.end, l.wrote = end, end
	f := l.last()
	if f == nil || end >= f.base+l.fileSize || !zero {
		return nil
	}
	if err := errors.Join(f.file.Zero(end-f.base, f.base+l.fileSize-end), f.file.Sync()); err != nil {
		return fmt.Errorf("clear what lies behind the end of the timer log: %w", err)
	}
	return nil
}

// before is the position of the unit before a position, which may be the beginning of
// a file. ok is false at the log's first.
func (l *unitLog) before(pos int64) (at int64, ok bool) {
	if pos <= l.first() {
		return 0, false
	}
	base := (pos-1-l.first())/l.fileSize*l.fileSize + l.first()
	used := min(pos-base, (l.fileSize-fillerSize)/unitSize*unitSize)
	if used < unitSize {
		return 0, false
	}
	return base + used/unitSize*unitSize - unitSize, true
}
