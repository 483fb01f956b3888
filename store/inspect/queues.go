package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"sort"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// unitSize is the size of a consume queue entry.
const unitSize = 20

// unit is an entry of a consume queue: where the record lies, and the hash of its tag or the time at which it is due. In a queue
// of batches also when it was stored, the queue offset of its first message, and how many messages it has.
type unit struct {
	phy  int64
	size int32
	tags int64

	time  int64
	base  int64
	count int32
}

// valid is what every reader takes for an entry that was written.
func (u unit) valid() bool { return u.phy >= 0 && u.size > 0 }

// standsForNone reports whether a unit fills the place of a message that does not exist: before the first message of a queue,
// where entries were lost, or where a damaged part of the log was taken out (then it points across the end of a log file).
func (d *Dir) standsForNone(u unit) bool {
	if u.phy == 0 && u.size == math.MaxInt32 && u.tags == 0 {
		return true
	}
	return len(d.segments) > 0 && u.size == 2*codec.FillerSize && (u.phy+codec.FillerSize)%d.segments[0].Size == 0
}

func decodeUnit(b []byte) unit {
	be := binary.BigEndian
	return unit{phy: int64(be.Uint64(b)), size: int32(be.Uint32(b[8:])), tags: int64(be.Uint64(b[12:]))}
}

// queueName is a consume queue's topic and id.
type queueName struct {
	topic string
	id    int32
}

func (n queueName) String() string { return fmt.Sprintf("%s/%d", n.topic, n.id) }

// queue is a consume queue's files.
type queue struct {
	queueName
	dir   string
	files []file
	size  int64 // of each file
	unit  int64 // of each entry
	ext   extFiles
}

// begin is the number of the first entry that the files have room for, room of the one behind the last. It is the queue offset,
// except in a queue of batches.
func (q *queue) begin() int64 {
	if len(q.files) == 0 {
		return 0
	}
	return q.files[0].base / q.unit
}

func (q *queue) room() int64 {
	if n := len(q.files); n > 0 {
		return (q.files[n-1].base + q.size) / q.unit
	}
	return 0
}

// listQueues finds every consume queue, by topic and id.
func (d *Dir) listQueues() (err error) {
	if d.queues, err = d.queuesBelow(path.Join(d.root, "consumequeue"), unitSize); err != nil {
		return err
	}
	for _, q := range d.queues {
		if q.ext, err = d.listExt(q.queueName); err != nil {
			return err
		}
	}
	d.batches, err = d.queuesBelow(path.Join(d.root, store.BatchQueueDir), batchUnitSize)
	return err
}

func (d *Dir) queuesBelow(top string, unit int64) (queues []*queue, err error) {
	topics, err := d.o.FS.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list consume queues: %w", err)
	}
	for _, t := range topics {
		if !t.IsDir() {
			continue
		}
		ids, err := d.o.FS.ReadDir(path.Join(top, t.Name()))
		if err != nil {
			return nil, fmt.Errorf("list the queues of topic %s: %w", t.Name(), err)
		}
		for _, e := range ids {
			id, err := strconv.ParseInt(e.Name(), 10, 32)
			if err != nil || !e.IsDir() {
				continue
			}
			q := &queue{queueName: queueName{t.Name(), int32(id)}, dir: path.Join(top, t.Name(), e.Name()), unit: unit}
			list, err := d.numbered(q.dir)
			if err != nil {
				return nil, err
			}
			if q.files = d.whole(list); len(q.files) > 0 {
				q.size = q.files[0].size
			}
			d.checkShape(q)
			queues = append(queues, q)
		}
	}
	slices.SortFunc(queues, func(a, b *queue) int { return compareNames(a.queueName, b.queueName) })
	return queues, nil
}

func compareNames(a, b queueName) int {
	switch {
	case a.topic < b.topic:
		return -1
	case a.topic > b.topic:
		return 1
	}
	return int(a.id) - int(b.id)
}

// checkShape looks at a queue's file names and sizes.
func (d *Dir) checkShape(q *queue) {
	for i, f := range q.files {
		switch {
		case q.size%q.unit != 0 || f.base%q.size != 0:
			d.fault(Damage, "queue file", f.path, -1, "a file of %d bytes cannot begin at %d: files hold whole entries and begin at multiples of their size", q.size, f.base)
		case i > 0 && f.base != q.files[i-1].base+q.size:
			d.fault(Damage, "queue file", f.path, -1, "the queue lacks what lies before this file: the one before ends at %d", q.files[i-1].base+q.size)
		}
	}
}

// units reads entries of a queue from a number on, at most n; fewer at the end of a file, none where there is no file.
func (d *Dir) units(q *queue, off int64, n int) ([]unit, error) {
	at := off * q.unit
	i := sort.Search(len(q.files), func(i int) bool { return q.files[i].base+q.size > at })
	if i == len(q.files) || q.files[i].base > at || off < 0 {
		return nil, nil
	}
	f, err := d.o.FS.Open(q.files[i].path, false)
	if err != nil {
		return nil, fmt.Errorf("open consume queue file: %w", err)
	}
	defer f.Close()
	b := make([]byte, min(int64(n)*q.unit, q.files[i].base+q.size-at))
	if _, err := f.ReadAt(b, at-q.files[i].base); err != nil {
		return nil, fmt.Errorf("read consume queue file %s: %w", q.files[i].path, err)
	}
	list := make([]unit, int64(len(b))/q.unit)
	for k := range list {
		list[k] = q.decode(b[int64(k)*q.unit:])
	}
	return list, nil
}

// unit reads one entry; ok is false where there is none.
func (d *Dir) unit(q *queue, off int64) (u unit, ok bool, err error) {
	list, err := d.units(q, off, 1)
	if len(list) == 0 || err != nil {
		return unit{}, false, err
	}
	return list[0], q.valid(list[0]), nil
}

// end searches for the number behind the last entry.
func (d *Dir) end(q *queue) (int64, error) {
	var failed error
	lo := q.begin()
	n := sort.Search(int(q.room()-lo), func(i int) bool {
		_, ok, err := d.unit(q, lo+int64(i))
		if err != nil {
			failed = err
		}
		return !ok
	})
	return lo + int64(n), failed
}

// first searches for the first entry whose record the log still has.
func (d *Dir) first(q *queue, end int64) (int64, error) {
	logMin, _ := d.logRange()
	var failed error
	lo := q.begin()
	n := sort.Search(int(end-lo), func(i int) bool {
		u, ok, err := d.unit(q, lo+int64(i))
		if err != nil {
			failed = err
		}
		return ok && !d.standsForNone(u) && u.phy >= logMin
	})
	return lo + int64(n), failed
}

// inQueue reports whether a message has an entry in its consume queue: what is prepared or rolled back has none.
func inQueue(sysFlag int32) bool {
	kind := sysFlag & protocol.SysFlagTransactionMask
	return kind != protocol.SysFlagTransactionPrepared && kind != protocol.SysFlagTransactionRollback
}

// tagHash is the hash that an entry carries.
func tagHash(tags string) int64 { return int64(compat.HashCode(tags)) }
