package timerwheel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/store/vfs"
)

// unitLog is the timer log: files of one size, named by the position of their
// first byte. Units are collected and then written together.
type unitLog struct {
	fs       vfs.FS
	dir      string
	fileSize int64

	files []*logFile // by base; positions between them may be missing only at the front
	end   int64      // where the next unit goes
	wrote int64      // everything before has been written
	buf   []byte     // units from wrote up to end

	window []byte // of the file at windowAt; nil when nothing is read
	from   int64
}

type logFile struct {
	base int64
	file vfs.File
	sync bool // it may have been written since the last sync
}

// windowSize is how much of the log one read takes.
const windowSize = 64 << 10

func fileName(base int64) string { return fmt.Sprintf("%020d", base) }

// openLog lists and opens the files. What is named like no file of the log is
// passed over; a file of the wrong size is refused, as upstream refuses it.
func openLog(fsys vfs.FS, dir string, fileSize int64) (*unitLog, error) {
	if fileSize < 2*unitSize+fillerSize {
		return nil, fmt.Errorf("timer log files of %d bytes are too small (mappedFileSizeTimerLog)", fileSize)
	}
	l := &unitLog{fs: fsys, dir: dir, fileSize: fileSize}
	if err := vfs.MakeDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("make the timer log: %w", err)
	}
	bases, err := l.list()
	if err != nil {
		return nil, err
	}
	for _, base := range bases {
		if err := l.openFile(base); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

// list finds the files and looks at their sizes. The last may have no byte when the
// start that made it was cut off.
func (l *unitLog) list() (bases []int64, err error) {
	entries, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list the timer log: %w", err)
	}
	for i, e := range entries {
		if e.IsDir() {
			continue
		}
		name := path.Join(l.dir, e.Name())
		base, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || fileName(base) != e.Name() {
			return nil, fmt.Errorf("%s is no file of the timer log: move it out of the store", name)
		}
		info, err := l.fs.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("look at a file of the timer log: %w", err)
		}
		if info.Size != l.fileSize && (info.Size != 0 || i < len(entries)-1) {
			return nil, fmt.Errorf("%s has %d bytes where mappedFileSizeTimerLog says %d", name, info.Size, l.fileSize)
		}
		if n := len(bases); n > 0 && base != bases[n-1]+l.fileSize {
			return nil, fmt.Errorf("the timer log %s has no file %s: move the folder away, what waits is then taken from the commit log", l.dir, fileName(bases[n-1]+l.fileSize))
		}
		bases = append(bases, base)
	}
	return bases, nil
}

func (l *unitLog) openFile(base int64) error {
	name := path.Join(l.dir, fileName(base))
	f, err := l.fs.Open(name, true)
	if err != nil {
		return fmt.Errorf("open a file of the timer log: %w", err)
	}
	size, err := f.Size()
	if err == nil && size == 0 {
		err = errors.Join(f.Truncate(l.fileSize), f.Sync())
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	// A process that was killed may have written what nobody has synced.
	l.files = append(l.files, &logFile{base: base, file: f, sync: true})
	return nil
}

// find returns the file that has a position, or nil.
func (l *unitLog) find(pos int64) *logFile {
	if len(l.files) == 0 || pos < l.files[0].base {
		return nil
	}
	if i := (pos - l.files[0].base) / l.fileSize; i < int64(len(l.files)) {
		return l.files[i]
	}
	return nil
}

// last is the file that is written to, or nil.
func (l *unitLog) last() *logFile {
	if len(l.files) == 0 {
		return nil
	}
	return l.files[len(l.files)-1]
}

// next is where the next unit goes; it makes a new file when the last is full. What
// was collected before is written then.
func (l *unitLog) next() (pos int64, err error) {
	f := l.last()
	if f != nil {
		left := f.base + l.fileSize - l.end
		if left >= unitSize+fillerSize {
			return l.end, nil
		}
		if left > 0 {
			l.buf = appendFiller(l.buf, left)
			l.end += fillerSize
			if err := l.write(); err != nil {
				return 0, err
			}
			l.end = f.base + l.fileSize
			l.wrote = l.end
		}
	}
	if f == nil || l.end == f.base+l.fileSize {
		if err := l.create(); err != nil {
			return 0, err
		}
	}
	return l.end, nil
}

// create makes the file that begins at the log's end.
func (l *unitLog) create() error {
	base := int64(0)
	if f := l.last(); f != nil {
		base = f.base + l.fileSize
	}
	name := path.Join(l.dir, fileName(base))
	f, err := l.fs.Create(name)
	if errors.Is(err, fs.ErrExist) { // from an attempt that failed
		f, err = l.fs.Open(name, true)
	}
	if err != nil {
		return fmt.Errorf("make a file of the timer log: %w", err)
	}
	// The length is made durable now: a file that has none must be the last.
	if err := errors.Join(f.Truncate(l.fileSize), f.Sync(), l.fs.SyncDir(l.dir)); err != nil {
		return errors.Join(fmt.Errorf("make a file of the timer log: %w", err), f.Close())
	}
	l.files = append(l.files, &logFile{base: base, file: f})
	l.end, l.wrote = base, base
	return nil
}

// add collects a unit for the position that next gave.
func (l *unitLog) add(u Unit) {
	l.buf = u.append(l.buf)
	l.end += unitSize
}

// write writes what was collected.
func (l *unitLog) write() error {
	if len(l.buf) == 0 {
		return nil
	}
	f := l.last()
	if _, err := f.file.WriteAt(l.buf, l.wrote-f.base); err != nil {
		return fmt.Errorf("write the timer log: %w", err)
	}
	f.sync = true
	l.buf, l.wrote = l.buf[:0], l.end
	return nil
}

// sync makes everything that was written durable.
func (l *unitLog) sync() error {
	for _, f := range l.files {
		if !f.sync {
			continue
		}
		if err := f.file.Sync(); err != nil {
			return fmt.Errorf("sync the timer log: %w", err)
		}
		f.sync = false
	}
	return nil
}

// unit reads the unit at a position. back says that those before it will be wanted
// next, not those behind. ok is false when there is none.
func (l *unitLog) unit(pos int64, back bool) (u Unit, ok bool, err error) {
	if pos < 0 || pos+unitSize > l.wrote {
		return Unit{}, false, nil
	}
	b, err := l.read(pos, unitSize, back)
	if err != nil || b == nil {
		return Unit{}, false, err
	}
	u, ok = decodeUnit(b)
	return u, ok, nil
}

// read returns n bytes at a position through the window, or nil where the file ends
// or is missing.
func (l *unitLog) read(pos, n int64, back bool) ([]byte, error) {
	f := l.find(pos)
	if f == nil || pos+n > f.base+l.fileSize {
		return nil, nil
	}
	if pos < l.from || pos+n > l.from+int64(len(l.window)) {
		from := pos
		if back {
			from = max(f.base, pos+n-windowSize)
		}
		size := min(windowSize, f.base+l.fileSize-from)
		l.window = slices.Grow(l.window[:0], int(size))[:size]
		if _, err := f.file.ReadAt(l.window, from-f.base); err != nil && err != io.EOF {
			l.forget()
			return nil, fmt.Errorf("read the timer log: %w", err)
		}
		l.from = from
	}
	return l.window[pos-l.from:][:n], nil
}

// forget drops the window: what it shows may have been written since.
func (l *unitLog) forget() { l.window, l.from = l.window[:0], 0 }

// expire removes files whose last unit is about a record that the commit log no
// longer has. The last file stays.
func (l *unitLog) expire(logMin int64) (removed int, err error) {
	for len(l.files) > 1 {
		f := l.files[0]
		l.forget()
		// The last unit of a full file is the last that leaves room for the filler.
		pos := f.base + (l.fileSize-fillerSize)/unitSize*unitSize - unitSize
		u, ok, err := l.unit(pos, false)
		if err != nil || !ok || u.Physical >= logMin {
			return removed, err
		}
		if err := l.fs.Remove(path.Join(l.dir, fileName(f.base))); err != nil {
			return removed, fmt.Errorf("remove an old file of the timer log: %w", err)
		}
		l.files = slices.Delete(l.files, 0, 1)
		if err := f.file.Close(); err != nil {
			return removed, fmt.Errorf("close an old file of the timer log: %w", err)
		}
		removed++
	}
	return removed, nil
}

func (l *unitLog) close() error {
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.file.Close())
	}
	l.files = nil
	return errors.Join(errs...)
}
