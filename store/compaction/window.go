package compaction

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
)

// windowSize is how much is read at once by what goes through whole segments.
const windowSize = 1 << 20

// errPlace says that a record does not lie where it says.
var errPlace = errors.New("the record lies at another place than it says")

// window goes through the records of a segment in order.
type window struct {
	read func(pos int64, buf []byte) error // fills buf with the bytes at pos
	pos  int64                             // of the next record
	end  int64                             // nothing is read beyond
	once int                               // how much is read at once; 0 is windowSize

	buf []byte
	at  int64 // of buf
}

// next decodes the record at pos, with its checksum, and moves on. m is good until the following call. An error that isEnd knows says that no
// record is there.
func (w *window) next(m *codec.Message) error {
	if w.end-w.pos < codec.FillerSize {
		return codec.ErrRecordTruncated
	}
	if err := w.fill(codec.FillerSize); err != nil {
		return err
	}
	size, magic, _ := codec.RecordHead(w.buf[w.pos-w.at:])
	if magic != codec.MagicFiller && size > 0 && int64(size) <= w.end-w.pos {
		if err := w.fill(int(size)); err != nil {
			return err
		}
	}
	if _, err := codec.DecodeRecord(w.buf[w.pos-w.at:], m, true); err != nil {
		return err
	}
	if m.PhysicalOffset != w.pos {
		return fmt.Errorf("at %d: %w", w.pos, errPlace)
	}
	w.pos += int64(m.StoreSize)
	return nil
}

// record is the bytes of the record that next has just decoded.
func (w *window) record(m *codec.Message) []byte {
	from := m.PhysicalOffset - w.at
	return w.buf[from : from+int64(m.StoreSize)]
}

// fill sees to it that n bytes from pos on are in buf.
func (w *window) fill(n int) error {
	if have := w.at + int64(len(w.buf)); w.pos >= w.at && w.pos+int64(n) <= have {
		return nil
	}
	want := int(min(int64(max(n, cmp.Or(w.once, windowSize))), w.end-w.pos))
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	w.buf, w.at = w.buf[:want], w.pos
	return w.read(w.pos, w.buf)
}

// isEnd reports whether an error of next says that the records end here, rather than that they could not be read.
func isEnd(err error) bool {
	for _, end := range []error{
		codec.ErrRecordTruncated, codec.ErrRecordFiller, codec.ErrRecordMagic, codec.ErrRecordLength, codec.ErrRecordCRC, errPlace,
	} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
