package inspect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

// Plan is what a repair would do.
type Plan struct {
	Report *Report  // what was found
	Steps  []string // what Apply does, in order; empty when there is nothing to mend
	Manual []string // what it cannot do, and who can

	d      *Dir
	v      *verification
	aside  string           // folder for what is taken out
	walk   bool             // the log is walked and what comes of it made again
	moves  map[string]bool  // files to move aside
	extend map[string]int64 // segments to bring to their full size
	blanks []int64          // begins of segments that are missing
}

// PlanRepair verifies the directory and says what Apply would do. It changes nothing. Unlike in Verify, what the next start would
// put right counts as damage: the repair does it.
func (d *Dir) PlanRepair(ctx context.Context, now time.Time) (*Plan, error) {
	v := d.verification()
	v.recoverFrom = 1<<63 - 1
	if err := v.run(ctx, now); err != nil {
		return nil, err
	}
	p := &Plan{
		Report: &v.Report, d: d, v: v, moves: map[string]bool{}, extend: map[string]int64{},
		aside: path.Join(d.root, store.QuarantineDir, "repair-"+now.UTC().Format("20060102T150405.000")),
	}
	if v.Damaged == 0 {
		return p, nil
	}
	p.planFiles()
	p.planLog()
	if err := p.planQueues(); err != nil {
		return nil, err
	}
	p.planIndex()
	if p.walk = len(p.Steps) > 0; p.walk {
		p.moves[path.Join(d.root, "checkpoint")] = true
		p.Steps = append(p.Steps, "walk the whole commit log, complete consume queues and index from it, and write a new checkpoint")
	}
	return p, p.planTimer()
}

func (p *Plan) step(format string, args ...any) {
	p.Steps = append(p.Steps, fmt.Sprintf(format, args...))
}

// planFiles deals with files that are wrong as such.
func (p *Plan) planFiles() {
	for _, f := range p.v.damage {
		inLog := slices.Contains(p.d.o.CommitLog, path.Dir(f.Where))
		switch {
		case f.Kind == "name":
			p.moves[f.Where] = true
			p.step("move %s aside, which does not belong there", f.Where)
		case f.Kind == "size" && inLog && p.short(f.Where):
			p.extend[f.Where] = p.d.segments[0].Size
			p.step("bring %s to its full size of %d bytes", f.Where, p.d.segments[0].Size)
		case f.Kind == "size" && inLog:
			p.Manual = append(p.Manual, fmt.Sprintf("%s: %s: bring it back from a copy", f.Where, f.Text))
		case f.Kind == "repair":
			p.step("go on with the repair that was cut short")
		case f.Kind == "checkpoint":
			p.step("move the checkpoint aside: %s", f.Text)
		case f.Kind == "queues", f.Kind == "config", f.Kind == "offset", f.Kind == "index size", f.Kind == "twin", f.Kind == "compaction":
			p.Manual = append(p.Manual, f.String())
		}
	}
}

// logDir is the directory of the commit log's newest file, which brokers write to; others may be for reading only.
func (p *Plan) logDir() string {
	if n := len(p.d.segments); n > 0 {
		return path.Dir(p.d.segments[n-1].Path)
	}
	return p.d.o.CommitLog[0]
}

// short reports whether a segment is shorter than its neighbours.
func (p *Plan) short(name string) bool {
	info, err := p.d.o.FS.Stat(name)
	return err == nil && len(p.d.segments) > 0 && info.Size < p.d.segments[0].Size
}

// planLog deals with missing segments and damaged spans.
func (p *Plan) planLog() {
	extended := map[string]bool{} // wherever they lie
	for name := range p.extend {
		extended[path.Base(name)] = true
	}
	var last int64
	for i, g := range p.d.segments {
		for base := last; i > 0 && base < g.Base; base += g.Size {
			name := path.Join(p.logDir(), fmt.Sprintf("%020d", base))
			if !extended[path.Base(name)] {
				p.blanks = append(p.blanks, base)
				p.step("make an empty file in the place of %s, which is missing: its messages are lost", name)
			}
		}
		last = g.End()
	}
	for _, s := range p.v.spans {
		if s.last {
			p.step("end the commit log at %d: the messages behind, up to %d at least, are lost", s.from, p.v.known)
			continue
		}
		p.step("take %d bytes that hold no whole record out of the commit log, at %d, and keep them in %s", s.to-s.from, s.from, path.Join(p.d.root, store.QuarantineDir))
	}
}

// planQueues moves wrong queues out of the way: they are made from the log again.
func (p *Plan) planQueues() error {
	tops := []string{path.Join(p.d.root, "consumequeue") + "/", path.Join(p.d.root, store.BatchQueueDir) + "/"}
	dirs := map[string]bool{}
	for _, f := range p.v.damage {
		switch f.Kind {
		case "queue", "offsets":
			dirs[f.Where] = true
		case "queue file", "size":
			if strings.HasPrefix(f.Where, tops[0]) || strings.HasPrefix(f.Where, tops[1]) {
				dirs[path.Dir(f.Where)] = true
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries, err := p.d.o.FS.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("list %s: %w", dir, err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				p.moves[path.Join(dir, e.Name())] = true
			}
		}
		p.step("make consume queue %s again from the log, and keep what is there aside", strings.TrimPrefix(strings.TrimPrefix(dir, tops[0]), tops[1]))
	}
	return nil
}

// planIndex moves the first wrong index file and all newer ones out of the way: those are made again, in their order.
func (p *Plan) planIndex() {
	first := ""
	for _, f := range p.v.damage {
		if f.Kind != "index" {
			continue
		}
		name := f.Where
		if path.Base(name) == "index" && len(p.d.indexes) > 0 { // the finding names a message
			name = p.d.indexes[0].path
		}
		if first == "" || name < first {
			first = name
		}
	}
	if first == "" {
		return
	}
	for _, x := range p.d.indexes {
		if x.path >= first {
			p.moves[x.path] = true
		}
	}
	p.step("make the index again from %s on, and keep what is there aside", path.Base(first))
}

// Apply does what the plan says. It takes the directory's lock, so no broker may use it. What is taken out lies below quarantine
// in the root afterwards. If it is cut short, do it again: it begins anew. The options for the store are the sizes that the
// directory shows, and what change adds to them; change may be nil.
func (p *Plan) Apply(ctx context.Context, change func(*store.Options)) error {
	if len(p.Steps) == 0 {
		return nil
	}
	o := p.storeOptions()
	if change != nil {
		change(&o)
	}
	if err := p.prepare(); err != nil {
		return fmt.Errorf("repair the store: %w", err)
	}
	if err := ctx.Err(); err != nil || !p.walk {
		return err
	}
	s, err := store.Open(o)
	if err != nil {
		return fmt.Errorf("repair the store: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	mark := path.Join(p.d.root, store.RepairMark)
	return errors.Join(p.d.o.FS.Remove(mark), p.d.o.FS.SyncDir(path.Dir(mark)))
}

// storeOptions describes the store as its files do.
func (p *Plan) storeOptions() store.Options {
	o := store.NewOptions(p.d.root)
	o.FS, o.CommitLog = p.d.o.FS, strings.Join(p.d.o.CommitLog, ",")
	if len(p.d.segments) > 0 {
		o.SegmentSize = p.d.segments[0].Size
	}
	for _, q := range p.d.queues {
		if q.size > 0 && q.size%unitSize == 0 {
			o.QueueFileSize = q.size
			break
		}
	}
	for _, q := range p.d.batches {
		if q.size > 0 && q.size%batchUnitSize == 0 {
			o.BatchQueueFileSize = q.size
			break
		}
	}
	topics := p.v.batchTopics
	o.BatchQueues = func(topic string) bool { return topics[topic] }
	o.IndexSlots, o.IndexEntries = p.d.o.IndexSlots, p.d.o.IndexEntries
	o.Rebuild = &store.Rebuild{KnownEnd: p.v.known}
	return o
}

// prepare brings the files into a state that a store can be opened on, under the lock. The mark of an unclean stop comes first.
func (p *Plan) prepare() (err error) {
	fsys := p.d.o.FS
	lock, err := fsys.Lock(path.Join(p.d.root, "lock"))
	if err != nil {
		return fmt.Errorf("lock the directory, which a broker may be using: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if p.walk {
		if err := p.mark(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.moves)) {
		if err := p.moveAside(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.extend)) {
		if err := resize(fsys, name, p.extend[name], false); err != nil {
			return err
		}
	}
	for _, base := range p.blanks {
		if err := resize(fsys, path.Join(p.logDir(), fmt.Sprintf("%020d", base)), p.d.segments[0].Size, true); err != nil {
			return err
		}
	}
	for _, dir := range p.d.o.CommitLog {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// mark leaves the marks of a repair and of a store that was not stopped cleanly.
func (p *Plan) mark() error {
	fsys := p.d.o.FS
	if err := vfs.MakeDir(fsys, path.Join(p.d.root, store.QuarantineDir)); err != nil {
		return err
	}
	for _, x := range []struct{ name, text string }{{store.RepairMark, strconv.FormatInt(p.v.known, 10)}, {"abort", ""}} {
		name := path.Join(p.d.root, x.name)
		f, err := fsys.Create(name)
		if errors.Is(err, fs.ErrExist) {
			f, err = fsys.Open(name, true)
		}
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte(x.text), 0)
		if err := errors.Join(err, f.Sync(), f.Close(), fsys.SyncDir(path.Dir(name))); err != nil {
			return err
		}
	}
	return nil
}

// resize brings a file to a size, and makes it when it is to be blank: then a filler closes it at once.
func resize(fsys vfs.FS, name string, size int64, blank bool) error {
	var f vfs.File
	var err error
	if blank {
		f, err = fsys.Create(name)
	} else {
		f, err = fsys.Open(name, true)
	}
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	if err == nil && blank {
		_, err = f.WriteAt(codec.AppendFiller(nil, int32(size)), 0)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
