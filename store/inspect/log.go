package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// windowSize is how much of the log is read at a time.
const windowSize = 4 << 20

// span is a part of the log in which no record begins. At the end of the log that is as it should be.
type span struct {
	from, to int64 // to is where the next record begins, or the end of the files
	last     bool  // no record follows
	blank    bool  // it holds zeros only
	cause    error // why there is no record at from; nil for bytes of a file that is missing
}

// walker reads the log's records in order.
type walker struct {
	d    *Dir
	file vfs.File
	seg  int   // index of the open segment
	at   int64 // physical offset of buf
	buf  []byte
}

func (d *Dir) walker() *walker { return &walker{d: d, seg: -1} }

func (w *walker) close() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// segmentOf finds the segment that holds a physical offset, or the one after it.
func (d *Dir) segmentOf(phy int64) int {
	return sort.Search(len(d.segments), func(i int) bool { return d.segments[i].End() > phy })
}

// window returns bytes of the segment i from pos on, at least n unless the segment ends before. They are good until the next
// call.
func (w *walker) window(i int, pos int64, n int) ([]byte, error) {
	g := w.d.segments[i]
	if w.seg != i || w.file == nil {
		w.close()
		f, err := w.d.o.FS.Open(g.Path, false)
		if err != nil {
			return nil, fmt.Errorf("open commit log file: %w", err)
		}
		w.file, w.seg, w.buf = f, i, w.buf[:0]
	}
	end := g.End()
	if have := w.at + int64(len(w.buf)); pos >= w.at && (have >= end || have-pos >= int64(n)) && pos < have {
		return w.buf[pos-w.at:], nil
	}
	n = int(min(int64(max(n, windowSize)), end-pos))
	if cap(w.buf) < n {
		w.buf = make([]byte, n)
	}
	w.buf, w.at = w.buf[:n], pos
	if _, err := w.file.ReadAt(w.buf, pos-g.Base); err != nil {
		w.buf = w.buf[:0]
		return nil, fmt.Errorf("read %s at %d: %w", g.Path, pos-g.Base, err)
	}
	return w.buf, nil
}

// errPlace marks a whole record that says it belongs elsewhere.
var errPlace = errors.New("record belongs to another place")

// record decodes the record at pos into m. size 0 without an error is a filler.
func (w *walker) record(i int, pos int64, m *codec.Message) (size int64, err error) {
	left := w.d.segments[i].End() - pos
	b, err := w.window(i, pos, codec.FillerSize)
	if err != nil {
		return 0, err
	}
	n, magic, ok := codec.RecordHead(b)
	switch {
	case !ok:
		return 0, codec.ErrRecordTruncated
	case magic == codec.MagicFiller:
		return 0, nil
	case magic != codec.MagicV1 && magic != codec.MagicV2:
		return 0, fmt.Errorf("magic word %08X: %w", magic, codec.ErrRecordMagic)
	case n < codec.FillerSize || int64(n) > left:
		return 0, fmt.Errorf("record claims %d bytes in a file with %d left: %w", n, left, codec.ErrRecordLength)
	}
	if b, err = w.window(i, pos, int(n)); err != nil {
		return 0, err
	}
	if _, err := codec.DecodeRecord(b, m, true); err != nil {
		return 0, err
	}
	if m.PhysicalOffset != pos {
		return 0, fmt.Errorf("it says %d: %w", m.PhysicalOffset, errPlace)
	}
	return int64(m.StoreSize), nil
}

// isFormat tells a fault of the bytes from a fault of the disk.
func isFormat(err error) bool {
	for _, e := range []error{codec.ErrRecordTruncated, codec.ErrRecordMagic, codec.ErrRecordLength, codec.ErrRecordCRC, errPlace} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// walk visits every record from a record's place on, or from the first segment's begin, and each span between them in which
// there is none. What visit gets is lent until it returns. With an error of either the walk ends.
func (d *Dir) walk(ctx context.Context, what string, from int64, visit func(m *codec.Message) error, hole func(s span) error) error {
	w := d.walker()
	defer w.close()
	lo, hi := d.logRange()
	pos := max(from, lo)
	total, begin := hi-pos, pos
	report := pos
	var m codec.Message
	for pos < hi {
		if pos >= report {
			if err := ctx.Err(); err != nil {
				return err
			}
			d.o.Progress(Progress{What: what, Done: pos - begin, Total: total})
			report = pos + 16<<20
		}
		i := d.segmentOf(pos)
		if base := d.segments[i].Base; pos < base { // a file is missing
			if err := hole(span{from: pos, to: base}); err != nil {
				return err
			}
			pos = base
			continue
		}
		size, err := w.record(i, pos, &m)
		switch {
		case err == nil && size == 0:
			pos = d.segments[i].End()
			continue
		case err == nil:
			if err := visit(&m); err != nil {
				return err
			}
			pos += size
			continue
		case !isFormat(err):
			return err
		}
		s, err2 := w.skip(ctx, pos)
		if err2 != nil {
			return err2
		}
		s.cause = err
		if err := hole(s); err != nil {
			return err
		}
		pos = s.to
	}
	d.o.Progress(Progress{What: what, Done: total, Total: total})
	return nil
}

// skip searches for the next whole record behind pos.
func (w *walker) skip(ctx context.Context, pos int64) (span, error) {
	s := span{from: pos, blank: true}
	magics := [][]byte{binary.BigEndian.AppendUint32(nil, codec.MagicV1), binary.BigEndian.AppendUint32(nil, codec.MagicV2)}
	var m codec.Message
	for i := w.d.segmentOf(pos); i < len(w.d.segments); i++ {
		g := w.d.segments[i]
		for at := max(pos, g.Base); at < g.End(); {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			b, err := w.window(i, at, codec.FillerSize)
			if err != nil {
				return s, err
			}
			n := len(b)
			if !allZero(b) {
				for _, k := range places(b, magics) {
					try := at + int64(k) - 4
					if try <= pos || try < g.Base {
						continue
					}
					size, err := w.record(i, try, &m)
					if err != nil && !isFormat(err) {
						return s, err
					}
					if err == nil && size > 0 {
						s.to, s.blank = try, false
						return s, nil
					}
				}
				s.blank = false
			}
			if at += int64(n); at < g.End() {
				at -= 3 // a magic word may lie across two windows
			}
		}
	}
	s.last = true
	_, s.to = w.d.logRange()
	return s, nil
}

// places lists where one of several words stands in b, ascending for each word.
func places(b []byte, words [][]byte) []int {
	var list []int
	for _, word := range words {
		for i := 0; ; i++ {
			k := bytes.Index(b[i:], word)
			if k < 0 {
				break
			}
			i += k
			list = append(list, i)
		}
	}
	sort.Ints(list)
	return list
}

func allZero(b []byte) bool {
	const step = 4096
	var zeros [step]byte
	for len(b) > 0 {
		n := min(step, len(b))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
