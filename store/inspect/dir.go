package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// Sizes of the official index file, which a file's length alone does not tell apart.
const (
	officialSlots   = 5_000_000
	officialEntries = 20_000_000
)

// Options says what a directory does not say itself.
type Options struct {
	FS           vfs.FS         // nil is the operating system's
	CommitLog    []string       // storePathCommitLog and read-only paths; none is <root>/commitlog
	IndexSlots   int32          // maxHashSlotNum; 0 is the official number
	IndexEntries int32          // maxIndexNum; 0 is the official number
	Progress     func(Progress) // told how far long work is, from the calling goroutine; may be nil
}

// Progress is how far a long task has come.
type Progress struct {
	What        string
	Done, Total int64 // bytes
}

// Segment is a file of the commit log.
type Segment struct {
	Path     string
	Base     int64 // physical offset of its first byte, and its name
	Size     int64
	Modified time.Time
}

// End is the physical offset behind the file.
func (g Segment) End() int64 { return g.Base + g.Size }

// Dir is a store's directory as it was when it was opened. It is not safe for concurrent use.
type Dir struct {
	root      string
	o         Options
	segments  []Segment
	queues    []*queue
	batches   []*queue // queues of batches
	indexes   []indexFile
	compacted []*compactedQueue
	timer     timerFiles
	point     checkpoint
	unclean   bool // there is an abort file
	faults    []Finding
}

// Open lists a directory. What is wrong with single files does not fail it: Verify tells.
func Open(root string, o Options) (*Dir, error) {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if len(o.CommitLog) == 0 {
		o.CommitLog = []string{path.Join(root, "commitlog")}
	}
	if o.IndexSlots == 0 {
		o.IndexSlots = officialSlots
	}
	if o.IndexEntries == 0 {
		o.IndexEntries = officialEntries
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	d := &Dir{root: root, o: o}
	info, err := o.FS.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("look into the store directory: %w", err)
	}
	if !info.Dir {
		return nil, fmt.Errorf("%s is a file: name the store's directory (storePathRootDir)", root)
	}
	for _, load := range []func() error{d.refuseForeign, d.listLog, d.listQueues, d.listIndexes, d.listTimer, d.listCompacted, d.readCheckpoint} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	if len(d.segments) == 0 && len(d.queues) == 0 && len(d.batches) == 0 {
		return nil, fmt.Errorf("%s holds no message store: there is neither a commit log nor a consume queue below it", root)
	}
	return d, nil
}

// refuseForeign tells of formats that cannot be read.
func (d *Dir) refuseForeign() error {
	for _, name := range []string{"consumequeue/CURRENT", "consumequeue_rocksdb/CURRENT"} {
		if _, err := d.o.FS.Stat(path.Join(d.root, name)); err == nil {
			d.fault(Damage, "queues", path.Join(d.root, name), -1, "the consume queues are a RocksDB, which cannot be read: only the commit log is looked at")
		}
	}
	_, err := d.o.FS.Stat(path.Join(d.root, "abort"))
	d.unclean = err == nil
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// InUse tells whether a broker has the directory open.
func (d *Dir) InUse() (bool, error) { return d.o.FS.Locked(path.Join(d.root, "lock")) }

// file is an entry of a directory of numbered files.
type file struct {
	path     string
	base     int64
	size     int64
	modified time.Time
}

// numbered lists the files of a directory whose names are 20 digits, by number. Anything else there is a fault, since the
// official broker does not start on it. A directory that does not exist is empty.
func (d *Dir) numbered(dir string) ([]file, error) {
	entries, err := d.o.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var list []file
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		name := path.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, err)
		}
		base, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || len(e.Name()) != 20 || base < 0 {
			d.fault(Damage, "name", name, -1, "this is no name of a file that belongs here: no broker starts on it")
			continue
		}
		list = append(list, file{name, base, info.Size(), info.ModTime()})
	}
	slices.SortFunc(list, func(a, b file) int { return cmp.Compare(a.base, b.base) })
	return list, nil
}

// whole leaves the files that have the size of the first, and reports the others. An empty last file was just being made.
func (d *Dir) whole(list []file) []file {
	if n := len(list); n > 0 && list[n-1].size == 0 {
		d.fault(Note, "size", list[n-1].path, -1, "the last file is empty: it was just being made, and the next start removes it")
		list = list[:n-1]
	}
	if len(list) == 0 {
		return nil
	}
	size := list[0].size
	return slices.DeleteFunc(list, func(f file) bool {
		if f.size != size {
			d.fault(Damage, "size", f.path, -1, "the file has %d bytes where its neighbours have %d", f.size, size)
		}
		return f.size != size
	})
}

// listLog finds the segments in all directories of the log.
func (d *Dir) listLog() error {
	var all []file
	for _, dir := range d.o.CommitLog {
		list, err := d.numbered(dir)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b file) int { return cmp.Compare(a.base, b.base) })
	for _, f := range d.whole(all) {
		g := Segment{f.path, f.base, f.size, f.modified}
		n := len(d.segments)
		switch {
		case n > 0 && d.segments[n-1].Base == g.Base:
			d.fault(Damage, "twin", g.Path, g.Base, "%s is the same part of the log: one of them does not belong here", d.segments[n-1].Path)
			continue
		case n > 0 && d.segments[n-1].End() != g.Base:
			d.fault(Damage, "gap", g.Path, g.Base, "the log lacks what lies before this file: the one before ends at %d", d.segments[n-1].End())
		}
		d.segments = append(d.segments, g)
	}
	return nil
}

// logRange is where the files of the log begin and end.
func (d *Dir) logRange() (lo, hi int64) {
	if len(d.segments) == 0 {
		return 0, 0
	}
	return d.segments[0].Base, d.segments[len(d.segments)-1].End()
}

// readFile reads a small file.
func (d *Dir) readFile(name string) ([]byte, error) {
	f, err := d.o.FS.Open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if size == 0 {
		return b, nil
	}
	_, err = f.ReadAt(b, 0)
	return b, err
}
