package inspect

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// compactedUnit is the length of a unit of a compacted queue (docs/format/compaction.md).
const compactedUnit = 46

// compactedQueue is one queue of a compacted topic.
type compactedQueue struct {
	queueName
	logs, units []file
}

// CompactedInfo is one queue of a compacted topic: the messages that are kept, and the offsets of the first and behind the last.
type CompactedInfo struct {
	Topic    string `json:"topic"`
	ID       int32  `json:"queueId"`
	Files    int    `json:"files"`
	Messages int64  `json:"messages"`
	Bytes    int64  `json:"bytes"`
	Min      int64  `json:"minOffset"`
	Max      int64  `json:"maxOffset"`
}

// compactedDir is a folder of compacted queues, of records or of units.
func (d *Dir) compactedDir(folder string) string { return path.Join(d.root, "compaction", folder) }

// listCompacted finds the queues of compacted topics.
func (d *Dir) listCompacted() error {
	root := d.compactedDir("compactionLog")
	topics, err := d.o.FS.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", root, err)
	}
	for _, t := range topics {
		if !t.IsDir() {
			continue
		}
		ids, err := d.o.FS.ReadDir(path.Join(root, t.Name()))
		if err != nil {
			return fmt.Errorf("list %s: %w", path.Join(root, t.Name()), err)
		}
		for _, e := range ids {
			id, err := strconv.ParseInt(e.Name(), 10, 32)
			if err != nil || !e.IsDir() {
				continue
			}
			q := &compactedQueue{queueName: queueName{t.Name(), int32(id)}}
			if q.logs, err = d.compactedFiles("compactionLog", q); err != nil {
				return err
			}
			if q.units, err = d.compactedFiles("compactionCq", q); err != nil {
				return err
			}
			d.compacted = append(d.compacted, q)
		}
	}
	slices.SortFunc(d.compacted, func(a, b *compactedQueue) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.id, b.id)) })
	return nil
}

// compactedFiles lists the files of a queue in one of the two folders. What a start of Gantry finishes or removes is a note.
func (d *Dir) compactedFiles(folder string, q *compactedQueue) ([]file, error) {
	dir := path.Join(d.compactedDir(folder), q.topic, strconv.Itoa(int(q.id)))
	entries, err := d.o.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var list []file
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			d.fault(Note, "compaction", name, -1, "a compaction was cut short: the next start of Gantry finishes it or takes it back; let it do so before an official broker starts")
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, err)
		}
		base, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || len(e.Name()) != 20 || base < 0 {
			d.fault(Note, "compaction", name, -1, "the file is left from a compaction of the official broker that was cut short: the next start of Gantry puts that right, the official broker does not start on it")
			continue
		}
		list = append(list, file{name, base, info.Size(), info.ModTime()})
	}
	return list, nil
}

// compactedWalk goes through the units of a queue, segment by segment, up to the first that is none. See may be nil.
func (d *Dir) compactedWalk(q *compactedQueue, see func(log file, u []byte) error) error {
	for _, units := range q.units {
		i := slices.IndexFunc(q.logs, func(f file) bool { return f.base == units.base })
		if i < 0 {
			continue // reported
		}
		f, err := d.o.FS.Open(units.path, false)
		if err != nil {
			return err
		}
		err = eachCompactedUnit(f, units.size, func(u []byte) error { return see(q.logs[i], u) })
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", units.path, err)
		}
	}
	return nil
}

func eachCompactedUnit(f vfs.File, size int64, see func(u []byte) error) error {
	buf := make([]byte, 1000*compactedUnit)
	for at := int64(0); at+compactedUnit <= size; {
		n := min(int64(len(buf)), (size-at)/compactedUnit*compactedUnit)
		if _, err := f.ReadAt(buf[:n], at); err != nil {
			return err
		}
		for u := range slices.Chunk(buf[:n], compactedUnit) {
			be := binary.BigEndian
			if int64(be.Uint64(u)) < 0 || int32(be.Uint32(u[8:])) <= 0 || int64(be.Uint64(u[28:])) < 0 || int16(be.Uint16(u[36:])) <= 0 {
				return nil
			}
			if err := see(u); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// compactedInfo counts what a queue keeps.
func (d *Dir) compactedInfo(q *compactedQueue) (CompactedInfo, error) {
	info := CompactedInfo{Topic: q.topic, ID: q.id, Files: len(q.logs), Min: -1}
	err := d.compactedWalk(q, func(_ file, u []byte) error {
		off := int64(binary.BigEndian.Uint64(u[28:]))
		if info.Messages == 0 {
			info.Min = off
		}
		info.Messages++
		info.Bytes += int64(int32(binary.BigEndian.Uint32(u[8:])))
		info.Max = off + 1
		return nil
	})
	return info, err
}

// checkCompacted compares the units of compacted queues with their records.
func (v *verification) checkCompacted(ctx context.Context) error {
	for _, q := range v.d.compacted {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := v.checkCompactedQueue(q); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) checkCompactedQueue(q *compactedQueue) error {
	severity := Damage
	if v.d.unclean { // the next start compares it with the log, and makes units that are missing
		severity = Note
	}
	names := func(list []file) (bases []int64) {
		for _, f := range list {
			bases = append(bases, f.base)
		}
		return bases
	}
	if !slices.Equal(names(q.logs), names(q.units)) {
		v.report(severity, "compaction", v.compactedName(q), -1, "there are %d files of records and %d of units, which do not have the same names", len(q.logs), len(q.units))
	}
	for _, list := range [][]file{q.logs, q.units} {
		for i, f := range list {
			if f.size != list[0].size {
				v.report(severity, "compaction", list[i].path, -1, "the file has %d bytes where its neighbours have %d", f.size, list[0].size)
			}
		}
	}
	before := int64(-1)
	return v.d.compactedWalk(q, func(log file, u []byte) error {
		v.Compacted++
		off := int64(binary.BigEndian.Uint64(u[28:]))
		if off <= before {
			v.report(severity, "compaction", v.compactedName(q), off, "the message follows message %d", before)
		}
		before = off
		if why := v.compactedFault(q, log, u); why != nil {
			v.report(severity, "compaction", log.path, off, "the record of this message is not what its unit says: %v", why)
		}
		return nil
	})
}

func (v *verification) compactedName(q *compactedQueue) string {
	return path.Join(v.d.compactedDir("compactionLog"), q.topic, strconv.Itoa(int(q.id)))
}

// compactedFault compares a unit with its record.
func (v *verification) compactedFault(q *compactedQueue, log file, u []byte) error {
	be := binary.BigEndian
	pos, size := int64(be.Uint64(u)), int64(int32(be.Uint32(u[8:])))
	if pos < log.base || pos+size > log.base+log.size {
		return fmt.Errorf("%d bytes at %d are not in the file", size, pos)
	}
	f, err := v.d.o.FS.Open(log.path, false)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, pos-log.base); err != nil {
		return err
	}
	var m codec.Message
	rest, err := codec.DecodeRecord(b, &m, true)
	switch {
	case err != nil:
		return err
	case len(rest) > 0 || m.PhysicalOffset != pos || m.QueueOffset != int64(be.Uint64(u[28:])):
		return fmt.Errorf("it has %d bytes, lies at %d and is message %d", m.StoreSize, m.PhysicalOffset, m.QueueOffset)
	case m.Topic != q.topic || m.QueueID != q.id:
		return fmt.Errorf("it is of queue %d of topic %s", m.QueueID, m.Topic)
	}
	return nil
}
