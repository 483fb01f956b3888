package inspect

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

// Layout of an index file.
const (
	indexHead  = 40
	indexEntry = 20
)

// indexHeader is the first 40 bytes of an index file.
type indexHeader struct {
	beginTime, endTime int64
	beginPhy, endPhy   int64
	slots              int32 // in use
	count              int32 // number of the next entry; the first is 1
}

// indexFile is one file of the key index.
type indexFile struct {
	path string
	head indexHeader
}

// listIndexes finds the index files, oldest first.
func (d *Dir) listIndexes() error {
	dir := path.Join(d.root, "index")
	entries, err := d.o.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list index files: %w", err)
	}
	want := indexHead + 4*int64(d.o.IndexSlots) + indexEntry*int64(d.o.IndexEntries)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
		switch {
		case e.IsDir():
		case len(e.Name()) != 17 || strings.Trim(e.Name(), "0123456789") != "":
			d.fault(Damage, "name", name, -1, "this is no name of an index file: the official broker does not start on it")
		case info.Size() == 0:
			d.fault(Note, "size", name, -1, "the file is empty: it was just being made")
		case info.Size() != want:
			d.fault(Damage, "index size", name, -1, "the file has %d bytes where %d slots and %d entries make %d: if the store was made with other numbers (maxHashSlotNum, maxIndexNum), name them", info.Size(), d.o.IndexSlots, d.o.IndexEntries, want)
		default:
			h, err := d.indexHeader(name)
			if err != nil {
				return err
			}
			d.indexes = append(d.indexes, indexFile{name, h})
		}
	}
	return nil
}

func (d *Dir) indexHeader(name string) (indexHeader, error) {
	f, err := d.o.FS.Open(name, false)
	if err != nil {
		return indexHeader{}, fmt.Errorf("open index file: %w", err)
	}
	defer f.Close()
	var b [indexHead]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return indexHeader{}, fmt.Errorf("read index file %s: %w", name, err)
	}
	be := binary.BigEndian
	return indexHeader{
		int64(be.Uint64(b[0:])), int64(be.Uint64(b[8:])), int64(be.Uint64(b[16:])), int64(be.Uint64(b[24:])),
		int32(be.Uint32(b[32:])), max(1, int32(be.Uint32(b[36:]))),
	}, nil
}

// indexCursor goes through the entries of all index files along with the walk through the log: both are in the log's order.
type indexCursor struct {
	d       *Dir
	files   []indexFile
	number  int32 // of the next entry in files[0]
	file    vfs.File
	buf     []byte // entries from number at on
	at      int32
	slots   []int32 // newest entry of each slot, as the entries so far make it
	began   bool
	logMin  int64
	taken   []takenOut
	skipped int64 // messages that have no entry at all
	skipPhy int64
}

// prepareIndex looks at the headers.
func (v *verification) prepareIndex(context.Context) error {
	logMin, _ := v.d.logRange()
	taken, err := v.d.takenOut()
	if err != nil {
		return err
	}
	v.index = &indexCursor{d: v.d, files: v.d.indexes, logMin: logMin, taken: taken}
	for i, x := range v.d.indexes {
		switch {
		case x.head.count > v.d.o.IndexEntries:
			v.report(Damage, "index", x.path, -1, "the header counts %d entries where %d fit", x.head.count-1, v.d.o.IndexEntries-1)
			v.index.files = v.index.files[:i]
			return nil
		case x.head.count > 1 && (x.head.endPhy < x.head.beginPhy || x.head.endTime < x.head.beginTime):
			v.report(Damage, "index", x.path, -1, "the header says that the file ends before it begins: offsets %d to %d", x.head.beginPhy, x.head.endPhy)
		}
	}
	return nil
}

// entry is one entry of the index.
type entry struct {
	hash, diff, prev int32
	phy              int64
	number           int32
	file             *indexFile
}

// peek returns the next entry without passing it. ok is false at the end.
func (x *indexCursor) peek(v *verification) (e entry, ok bool, err error) {
	for len(x.files) > 0 {
		f := &x.files[0]
		if x.file == nil {
			if x.file, err = x.d.o.FS.Open(f.path, false); err != nil {
				return e, false, fmt.Errorf("open index file: %w", err)
			}
			x.number, x.at, x.buf = 1, 1, nil
			x.slots = make([]int32, x.d.o.IndexSlots)
		}
		if x.number < f.head.count {
			e, err = x.read(f)
			return e, err == nil, err
		}
		if err := x.checkSlots(v, f); err != nil {
			return e, false, err
		}
		x.close()
		x.files = x.files[1:]
	}
	return e, false, nil
}

func (x *indexCursor) close() {
	if x.file != nil {
		x.file.Close()
		x.file = nil
	}
}

// read decodes the entry of the number.
func (x *indexCursor) read(f *indexFile) (entry, error) {
	const atOnce = 4096
	if x.buf == nil || x.number >= x.at+int32(len(x.buf)/indexEntry) {
		n := min(atOnce, f.head.count-x.number)
		x.buf, x.at = make([]byte, n*indexEntry), x.number
		from := indexHead + 4*int64(x.d.o.IndexSlots) + indexEntry*int64(x.number)
		if _, err := x.file.ReadAt(x.buf, from); err != nil {
			return entry{}, fmt.Errorf("read index file %s: %w", f.path, err)
		}
	}
	b := x.buf[(x.number-x.at)*indexEntry:]
	be := binary.BigEndian
	return entry{
		hash: int32(be.Uint32(b)), phy: int64(be.Uint64(b[4:])), diff: int32(be.Uint32(b[12:])), prev: int32(be.Uint32(b[16:])),
		number: x.number, file: f,
	}, nil
}

// pass goes on to the next entry, after having looked at the chain that e belongs to.
func (x *indexCursor) pass(v *verification, e entry) {
	x.number++
	v.Entries++
	if e.hash < 0 {
		v.report(Damage, "index", e.file.path, int64(e.number), "an entry with the hash %d, which no key has", e.hash)
		return
	}
	slot := e.hash % x.d.o.IndexSlots
	if e.prev != x.slots[slot] {
		v.report(v.late(e.phy), "index", e.file.path, int64(e.number), "the entry's chain goes on with entry %d where %d was the newest of its slot", e.prev, x.slots[slot])
	}
	x.slots[slot] = e.number
}

// checkSlots compares the slots of a file with what its entries make of them.
func (x *indexCursor) checkSlots(v *verification, f *indexFile) error {
	b := make([]byte, 4*len(x.slots))
	if _, err := x.file.ReadAt(b, indexHead); err != nil {
		return fmt.Errorf("read index file %s: %w", f.path, err)
	}
	var bad int64
	for i, want := range x.slots {
		got := int32(binary.BigEndian.Uint32(b[4*i:]))
		if got != want && got < f.head.count { // a killed process may have begun an entry that is not counted: readers pass over it
			bad++
		}
	}
	if bad > 0 {
		v.report(v.late(f.head.endPhy), "index", f.path, -1, "%d slots do not lead to the newest of their entries: some keys are not found", bad)
	}
	return nil
}

// compare takes the entries of one message and compares them with its keys.
func (x *indexCursor) compare(v *verification, m *codec.Message) error {
	if len(x.d.indexes) == 0 {
		return nil
	}
	var got []int32
	for {
		e, ok, err := x.peek(v)
		if err != nil {
			return err
		}
		if !ok || e.phy > m.PhysicalOffset {
			break
		}
		x.pass(v, e)
		x.began = true
		switch {
		case e.phy == m.PhysicalOffset:
			got = append(got, e.hash)
		case e.phy >= x.logMin:
			v.report(x.severity(v, e.phy), "index", e.file.path, int64(e.number), "the entry points at %d, where no message lies", e.phy)
		}
	}
	need, may := keyHashes(m)
	for _, h := range got {
		if !slices.Contains(need, h) && !slices.Contains(may, h) {
			v.report(x.severity(v, m.PhysicalOffset), "index", path.Join(x.d.root, "index"), m.PhysicalOffset, "the index has a key with the hash %d for this message, which has no such key", h)
		}
	}
	for _, h := range need {
		if x.began && !slices.Contains(got, h) {
			if x.skipped++; x.skipped == 1 {
				x.skipPhy = m.PhysicalOffset
			}
			break
		}
	}
	return nil
}

// takenOut is a damaged part of the log that was taken out by a start or by a repair, and is kept in the quarantine.
type takenOut struct{ from, to int64 }

// takenOut lists them.
func (d *Dir) takenOut() ([]takenOut, error) {
	entries, err := d.o.FS.ReadDir(path.Join(d.root, store.QuarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the quarantine: %w", err)
	}
	var list []takenOut
	for _, e := range entries {
		from, to, ok := strings.Cut(e.Name(), "-")
		a, err1 := strconv.ParseInt(from, 10, 64)
		b, err2 := strconv.ParseInt(to, 10, 64)
		if ok && err1 == nil && err2 == nil {
			list = append(list, takenOut{a, b})
		}
	}
	return list, nil
}

// severity of an entry without its message. Readers pass over those of messages that are known to be lost.
func (x *indexCursor) severity(v *verification, phy int64) Severity {
	if slices.ContainsFunc(x.taken, func(t takenOut) bool { return phy >= t.from && phy < t.to }) {
		return Note
	}
	return v.late(phy)
}

// finishIndex looks at entries behind the log's end.
func (v *verification) finishIndex(context.Context) error {
	x := v.index
	defer x.close()
	for {
		e, ok, err := x.peek(v)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		x.pass(v, e)
		if e.phy >= x.logMin {
			v.report(x.severity(v, e.phy), "index", e.file.path, int64(e.number), "the entry points at %d, where no message lies: the log ends at %d", e.phy, v.logEnd)
		}
	}
	if x.skipped > 0 {
		v.report(Note, "index", path.Join(x.d.root, "index"), x.skipPhy, "%d messages, the first of them here, are not found by all their keys; the official broker leaves such holes after a kill", x.skipped)
	}
	return nil
}

// keyHashes are the hashes under which a message is in the index: those that it must have, and that of its tag, which
// releases before 5.4 do not index.
func keyHashes(m *codec.Message) (need, may []int32) {
	if m.SysFlag&protocol.SysFlagTransactionMask == protocol.SysFlagTransactionRollback {
		return nil, nil
	}
	if unique, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey); unique != "" {
		need = append(need, keyHash(m.Topic+"#"+unique))
	}
	keys, _ := codec.Property(m.Properties, protocol.PropertyKeys)
	for key := range strings.SplitSeq(keys, protocol.KeySeparator) {
		if key != "" {
			need = append(need, keyHash(m.Topic+"#"+key))
		}
	}
	if tags, _ := codec.Property(m.Properties, protocol.PropertyTags); tags != "" {
		may = append(may, keyHash(m.Topic+"#"+protocol.IndexTypeTag+"#"+tags))
	}
	return need, may
}

// keyHash is the absolute value of Java's hash, and 0 for the one value that has none.
func keyHash(text string) int32 {
	h := compat.HashCode(text)
	if h < 0 {
		h = -h
	}
	return max(h, 0)
}
