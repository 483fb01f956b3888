package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gantrymq/gantry/store/vfs"
)

// Layout of an index file (store-format §5).
const (
	indexHeaderSize = 40
	indexSlotSize   = 4
	indexEntrySize  = 20
	indexReserve    = 4 << 20 // blocks for entries are taken in steps of this
)

// indexHeader is the first 40 bytes of an index file.
type indexHeader struct {
	beginTime, endTime int64 // ms
	beginPhy, endPhy   int64
	usedSlots          int32
	count              int32 // number of the next entry; numbers start at 1
}

func (h *indexHeader) put(b []byte) {
	be := binary.BigEndian
	be.PutUint64(b, uint64(h.beginTime))
	be.PutUint64(b[8:], uint64(h.endTime))
	be.PutUint64(b[16:], uint64(h.beginPhy))
	be.PutUint64(b[24:], uint64(h.endPhy))
	be.PutUint32(b[32:], uint32(h.usedSlots))
	be.PutUint32(b[36:], uint32(h.count))
}

func decodeIndexHeader(b []byte) indexHeader {
	be := binary.BigEndian
	return indexHeader{
		beginTime: int64(be.Uint64(b)), endTime: int64(be.Uint64(b[8:])),
		beginPhy: int64(be.Uint64(b[16:])), endPhy: int64(be.Uint64(b[24:])),
		usedSlots: int32(be.Uint32(b[32:])), count: max(1, int32(be.Uint32(b[36:]))),
	}
}

// covers is upstream's IndexFile.isTimeMatched: whether a range of time and the file's overlap.
func (h *indexHeader) covers(begin, end int64) bool {
	return begin < h.beginTime && end > h.endTime ||
		begin >= h.beginTime && begin <= h.endTime ||
		end >= h.beginTime && end <= h.endTime
}

// indexShape is the configured size of index files.
type indexShape struct {
	slots, entries int32
}

func (p indexShape) entriesAt() int64 { return indexHeaderSize + indexSlotSize*int64(p.slots) }
func (p indexShape) size() int64      { return p.entriesAt() + indexEntrySize*int64(p.entries) }

// indexWriter is the newest index file, mapped for writing. The dispatcher alone uses it. Queries read the file by position,
// which sees the same pages.
type indexWriter struct {
	path     string
	file     vfs.File
	mapp     vfs.Mapping
	mem      []byte
	shape    indexShape
	header   indexHeader
	reserved int64 // file positions below have blocks
}

// openIndexWriter takes over a file of the full size. Its slots get their blocks now, since they are written at random.
func openIndexWriter(path string, f vfs.File, shape indexShape) (*indexWriter, error) {
	w := &indexWriter{path: path, file: f, shape: shape}
	var head [indexHeaderSize]byte
	_, err := f.ReadAt(head[:], 0)
	if err == nil {
		w.header = decodeIndexHeader(head[:])
		w.reserved = shape.entriesAt()
		err = vfs.Reserve(f, 0, w.reserved)
	}
	if err == nil {
		w.reserved = max(w.reserved, shape.entriesAt()+int64(w.header.count-1)*indexEntrySize)
		w.mapp, err = f.Map(0, shape.size(), true)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open index file %s: %w", path, err), f.Close())
	}
	w.mem = w.mapp.Bytes()
	return w, nil
}

func (w *indexWriter) close() error {
	return errors.Join(w.mapp.Close(), w.file.Close())
}

func (w *indexWriter) full() bool { return w.header.count >= w.shape.entries }

// reserve makes sure that one more entry can be written.
func (w *indexWriter) reserve() error {
	end := w.shape.entriesAt() + int64(w.header.count+1)*indexEntrySize
	if end <= w.reserved {
		return nil
	}
	to := min(max(end, w.reserved+indexReserve), w.shape.size())
	if err := vfs.Reserve(w.file, w.reserved, to-w.reserved); err != nil {
		return fmt.Errorf("no room for the index: %w: %w", errDiskFull, err)
	}
	w.reserved = to
	return nil
}

// put adds an entry to the chain of its slot. The header is changed in memory only: writeHeader publishes it.
func (w *indexWriter) put(hash int32, phy, storeTime int64) {
	be := binary.BigEndian
	h := &w.header
	slot := w.mem[indexHeaderSize+indexSlotSize*int64(hash%w.shape.slots):]
	prev := w.older(int32(be.Uint32(slot)))
	diff := (storeTime - h.beginTime) / 1000
	if h.beginTime <= 0 {
		diff = 0
	}
	entry := w.entry(h.count)
	be.PutUint32(entry, uint32(hash))
	be.PutUint64(entry[4:], uint64(phy))
	be.PutUint32(entry[12:], uint32(min(max(diff, 0), math.MaxInt32)))
	be.PutUint32(entry[16:], uint32(prev))
	be.PutUint32(slot, uint32(h.count))
	if h.count <= 1 {
		h.beginPhy, h.beginTime = phy, storeTime
	}
	if prev == 0 {
		h.usedSlots++
	}
	h.count++
	h.endPhy, h.endTime = phy, storeTime
}

// older returns the newest entry of a chain that the header counts. A process that was killed can leave entries in a chain
// that the header does not count yet; their numbers are given again, so the chain must be entered behind them.
func (w *indexWriter) older(number int32) int32 {
	for number >= w.header.count {
		if number >= w.shape.entries {
			return 0
		}
		next := int32(binary.BigEndian.Uint32(w.entry(number)[16:]))
		if next >= number {
			return 0
		}
		number = next
	}
	return max(number, 0)
}

func (w *indexWriter) entry(number int32) []byte {
	return w.mem[w.shape.entriesAt()+indexEntrySize*int64(number):]
}

// writeHeader publishes the entries that were put.
func (w *indexWriter) writeHeader() { w.header.put(w.mem) }

// indexChain walks the entries of a key hash in an index file, newest first, and yields the physical offsets of those whose time
// lies between begin and end, until yield says false. Upstream's IndexFile.selectPhyOffset.
func indexChain(f io.ReaderAt, shape indexShape, h indexHeader, hash int32, begin, end int64, yield func(phy int64) bool) error {
	be := binary.BigEndian
	var b [indexEntrySize]byte
	if _, err := f.ReadAt(b[:indexSlotSize], indexHeaderSize+indexSlotSize*int64(hash%shape.slots)); err != nil {
		return err
	}
	number := int32(be.Uint32(b[:]))
	for number > 0 && number < shape.entries {
		if _, err := f.ReadAt(b[:], shape.entriesAt()+indexEntrySize*int64(number)); err != nil {
			return err
		}
		diff := int32(be.Uint32(b[12:]))
		prev := int32(be.Uint32(b[16:]))
		if diff < 0 || prev >= number { // chains lead to smaller numbers: this one is damaged
			return nil
		}
		time := h.beginTime + int64(diff)*1000
		if int32(be.Uint32(b[:])) == hash && time >= begin && time <= end && !yield(int64(be.Uint64(b[4:]))) {
			return nil
		}
		if time < begin {
			return nil
		}
		number = prev
	}
	return nil
}
