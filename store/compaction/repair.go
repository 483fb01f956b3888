package compaction

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// mend finishes or takes back a compaction that was cut short, and reports whether the units have to be made again.
//
// The official broker leaves no word of what it was about. It renames the old log files to *.delete, moves the new ones in,
// removes the old ones, and then does the same with the units. So, if old log files are still there, the new ones in compacting tell
// whether all have been moved: if some have not, everything is taken back, and the units are untouched. If none is left there, the log files are
// the new ones, and the units may be old.
func (q *queue) mend() (remake bool, err error) {
	mark, err := q.readReplacing()
	if err != nil {
		return false, err
	}
	if mark != nil && q.s.o.Trusted {
		q.s.o.Event(fmt.Sprintf("finishing a compaction of %s", q), nil)
		return false, q.finish(mark)
	}
	var found [4]listing
	for i, dir := range []string{q.logDir, q.queueDir, path.Join(q.logDir, subFolder), path.Join(q.queueDir, subFolder)} {
		size := q.s.o.Sizes.Log
		if i%2 == 1 {
			size = q.s.o.Sizes.Queue
		}
		if found[i], err = q.s.list(dir, size); err != nil {
			return false, err
		}
	}
	logs, units, newLogs, newUnits := found[0], found[1], found[2], found[3]
	if len(logs.doomed) > 0 && len(newLogs.bases) > 0 {
		if err := q.takeBack(logs, units); err != nil {
			return false, err
		}
		logs.doomed = nil
	}
	remake = len(logs.doomed)+len(units.doomed) > 0 || len(newUnits.bases) > 0 && len(newLogs.bases) == 0
	return remake, q.sweep(logs, units)
}

// takeBack undoes the renames of log files.
func (q *queue) takeBack(logs, units listing) error {
	q.s.o.Event(fmt.Sprintf("taking back a compaction of %s that the official broker did not finish", q), nil)
	for _, base := range logs.bases {
		if slices.Contains(logs.doomed, base) || slices.Contains(units.bases, base) {
			continue
		}
		if err := q.s.o.FS.Remove(path.Join(q.logDir, fileName(base))); err != nil {
			return err
		}
	}
	for _, base := range logs.doomed {
		name := path.Join(q.logDir, fileName(base))
		if err := q.s.o.FS.Rename(name+doomedSuffix, name); err != nil {
			return err
		}
	}
	return q.s.o.FS.SyncDir(q.logDir)
}

// sweep removes what a compaction has left: old files, and the folders compacting, that of the units first, because units there
// without records would mean something.
func (q *queue) sweep(logs, units listing) error {
	for _, base := range units.doomed {
		if err := q.s.o.FS.Remove(path.Join(q.queueDir, fileName(base)+doomedSuffix)); err != nil {
			return err
		}
	}
	for _, base := range logs.doomed {
		if err := q.s.o.FS.Remove(path.Join(q.logDir, fileName(base)+doomedSuffix)); err != nil {
			return err
		}
	}
	return q.dropWork()
}

// dropWork removes the folders compacting, and before anything else the decision that may be in them.
func (q *queue) dropWork() error {
	work := path.Join(q.logDir, subFolder)
	err := q.s.o.FS.Remove(path.Join(work, replacingFile))
	if err == nil || errors.Is(err, fs.ErrNotExist) { // who removed it may not have come to syncing that
		err = q.s.o.FS.SyncDir(work)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", work, err)
	}
	for _, dir := range []string{q.queueDir, q.logDir} {
		work := path.Join(dir, subFolder)
		if _, err := q.s.o.FS.Stat(work); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := errors.Join(q.s.o.FS.RemoveAll(work), q.s.o.FS.SyncDir(dir)); err != nil {
			return fmt.Errorf("remove %s: %w", work, err)
		}
	}
	return nil
}

// remake makes the units of some log files again, from the records. Until all are in their place they are in compacting, so that a crash
// makes the next start do it again.
func (q *queue) remake(bases []int64) error {
	q.s.o.Event(fmt.Sprintf("making the units of %s again from its records", q), nil)
	work := path.Join(q.queueDir, subFolder)
	if err := vfs.MakeDir(q.s.o.FS, work); err != nil {
		return err
	}
	for _, base := range bases {
		g := &segment{base: base, logDir: q.logDir, queueDir: work}
		if err := q.remakeSegment(g); err != nil {
			return fmt.Errorf("make %s again: %w", path.Join(q.queueDir, fileName(base)), err)
		}
	}
	old, err := q.s.list(q.queueDir, q.s.o.Sizes.Queue)
	if err != nil {
		return err
	}
	for _, base := range old.bases {
		if !slices.Contains(bases, base) {
			if err := q.s.o.FS.Remove(path.Join(q.queueDir, fileName(base))); err != nil {
				return err
			}
		}
	}
	for _, base := range bases {
		if err := q.s.o.FS.Rename(path.Join(work, fileName(base)), path.Join(q.queueDir, fileName(base))); err != nil {
			return err
		}
	}
	return errors.Join(q.s.o.FS.SyncDir(q.queueDir), q.dropWork())
}

// remakeSegment writes the units of a segment's records, up to the first place where none is.
func (q *queue) remakeSegment(g *segment) error {
	units, err := makeFile(q.s.o.FS, g.queuePath(), q.s.o.Sizes.Queue)
	if err != nil {
		return err
	}
	log, err := q.s.o.FS.Open(g.logPath(), false)
	if err != nil {
		return errors.Join(err, units.Close())
	}
	h := &handle{seg: g, log: log, queue: units}
	return errors.Join(q.writeUnits(h), units.Sync(), h.close())
}

func (q *queue) writeUnits(h *handle) error {
	w := window{read: h.readRecords, pos: h.seg.base, end: h.seg.base + q.s.o.Sizes.Log}
	var m codec.Message
	var buf []byte
	newest := int64(-1)
	for at := int64(0); ; at += unitSize {
		err := w.next(&m)
		filler := errors.Is(err, codec.ErrRecordFiller)
		if err != nil && !filler && !isEnd(err) {
			return err
		}
		if filler && at < q.s.o.Sizes.Queue {
			_, err = h.queue.WriteAt(appendEnd(buf[:0]), at)
			return err
		}
		if err != nil || m.Topic != q.topic || m.QueueID != q.id || m.QueueOffset <= newest || at >= q.s.o.Sizes.Queue-unitSize {
			if q.s.o.Doubt > 0 || at >= q.s.o.Sizes.Queue-unitSize {
				return nil // what a crash has left there, the commit log tells
			}
			if err == nil {
				w.pos = m.PhysicalOffset
			}
			pos, ok, err := q.resync(h, w.pos, newest)
			if err != nil || !ok {
				return err
			}
			w.pos = pos
			at -= unitSize
			continue
		}
		newest = m.QueueOffset
		buf = unitOf(&m).append(buf[:0])
		if _, err := h.queue.WriteAt(buf, at); err != nil {
			return err
		}
	}
}

// unitOf is the unit of a record that was read from its place.
func unitOf(m *codec.Message) unit {
	return unit{pos: m.PhysicalOffset, size: m.StoreSize, tags: tagsOf(m), time: m.StoreTimestamp, offset: m.QueueOffset}
}

// tagsOf is the hash of a message's tag (MessageExtBrokerInner.tagsString2tagsCode).
func tagsOf(m *codec.Message) int64 {
	tags, _ := codec.Property(m.Properties, protocol.PropertyTags)
	return int64(compat.HashCode(tags))
}
