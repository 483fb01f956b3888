package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"time"
)

// checkpoint is the file of that name. Times are ms, positions are physical offsets.
type checkpoint struct {
	there     bool
	logTime   int64 // newest synced record
	queueTime int64 // newest synced consume queue entry
	indexTime int64 // end of the newest full index file
	queuePhy  int64 // record of the newest synced consume queue entry, 0 is unknown

	own      bool  // Gantry wrote it last
	position int64 // Gantry's: everything before is in log, queues and index
}

const (
	checkpointSize = 4096
	ownAt          = 64  // Gantry's part: magic, position, index position, boot id, synced, queues
	ownEnd         = 160 // its checksum, which covers everything before
)

func (d *Dir) readCheckpoint() error {
	name := path.Join(d.root, "checkpoint")
	b, err := d.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		d.fault(Note, "checkpoint", name, -1, "there is none: the next start checks the log from far back")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	if len(b) != checkpointSize {
		d.fault(Damage, "checkpoint", name, -1, "the file has %d bytes where %d are expected", len(b), checkpointSize)
	}
	if len(b) < ownEnd+4 {
		return nil
	}
	be := binary.BigEndian
	word := func(at int) int64 { return int64(be.Uint64(b[at:])) }
	d.point = checkpoint{there: true, logTime: word(0), queueTime: word(8), indexTime: word(16), queuePhy: word(40)}
	if string(b[ownAt:ownAt+8]) == "GANTRY01" && be.Uint32(b[ownEnd:]) == crc32.ChecksumIEEE(b[:ownEnd]) {
		d.point.own, d.point.position = true, word(ownAt+8)
	}
	return nil
}

// recoverFrom is the place in the log from which the next start looks at everything again; before it nothing will change by
// itself. After a clean stop that is the log's end.
func (d *Dir) recoverFrom() int64 {
	lo, hi := d.logRange()
	switch {
	case !d.unclean:
		return hi
	case d.point.own:
		return max(lo, d.point.position)
	case d.point.queuePhy > 0 && len(d.segments) > 0:
		i := min(d.segmentOf(d.point.queuePhy), len(d.segments)-1)
		return max(lo, d.segments[i].Base)
	}
	return lo
}

// checkPoint compares the checkpoint with what was found in the log.
func (v *verification) checkPoint(now time.Time) {
	name := path.Join(v.d.root, "checkpoint")
	p := &v.d.point
	tomorrow := now.Add(24 * time.Hour).UnixMilli()
	if p.own && p.position > v.logEnd {
		v.report(Damage, "checkpoint", name, -1, "it says that the log is complete up to %d, but it ends at %d", p.position, v.logEnd)
	}
	if p.queuePhy > v.logEnd {
		v.report(Damage, "checkpoint", name, -1, "it names a message at %d, but the log ends at %d", p.queuePhy, v.logEnd)
	}
	for _, t := range []struct {
		what string
		at   int64
	}{{"log", p.logTime}, {"consume queue", p.queueTime}, {"index", p.indexTime}} {
		if t.at > tomorrow {
			v.report(Damage, "checkpoint", name, -1, "its %s time is in the future: %s", t.what, formatTime(t.at))
		}
	}
}

// formatTime shows a time of the store.
func formatTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
