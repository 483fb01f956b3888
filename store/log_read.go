package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// errGone says that the log does not hold a range: expired, or not written yet.
var errGone = errors.New("the commit log does not hold these bytes")

// readCopy copies n bytes at phy to buf, which grows as needed, from the mapping or the file.
func (l *commitLog) readCopy(phy int64, n int, buf []byte) ([]byte, error) {
	g, err := l.segmentOf(phy, n)
	if err != nil {
		return nil, err
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	return buf, l.readSegment(g, phy, buf)
}

// segmentOf finds the segment that holds n readable bytes at phy.
func (l *commitLog) segmentOf(phy int64, n int) (*segment, error) {
	g := l.view.Load().find(phy)
	if g == nil || n <= 0 || phy+int64(n) > min(g.end(), l.end.Load()) {
		return nil, fmt.Errorf("%d bytes at %d: %w", n, phy, errGone)
	}
	return g, nil
}

// mapped reports whether a record can be read without waiting for the disk. It may be unmapped the next moment.
func (l *commitLog) mapped(u unit) bool {
	g := l.view.Load().find(u.phy)
	return g == nil || g.hot.Load() != nil
}

// resident asks what the page cache has of a part of a segment.
func (l *commitLog) resident(g *segment, phy, n int64) (bool, error) {
	if h, ok := g.pin(); ok {
		defer h.unpin()
		return h.file.Resident(phy-g.base, n)
	}
	f, err := l.cache.acquire(g.path)
	if err != nil {
		return false, err
	}
	defer f.release()
	return f.Resident(phy-g.base, n)
}

// readSegment fills buf with the bytes at phy.
func (l *commitLog) readSegment(g *segment, phy int64, buf []byte) error {
	if h, ok := g.pin(); ok {
		defer h.unpin()
		return vfs.CopyOut(buf, h.mem[phy-g.base:])
	}
	f, err := l.cache.acquire(g.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%d bytes at %d, their file was removed: %w", len(buf), phy, errGone)
	}
	if err != nil {
		return err
	}
	defer f.release()
	l.adviseCold(f)
	_, err = f.ReadAt(buf, phy-g.base)
	return err
}

// readRecord copies the record at phy. errGone and the errors of codec.DecodeRecord say that there is none.
func (l *commitLog) readRecord(phy int64, buf []byte) ([]byte, error) {
	buf, err := l.readCopy(phy, codec.FillerSize, buf)
	if err != nil {
		return nil, err
	}
	size, magic, _ := codec.RecordHead(buf)
	if magic == codec.MagicFiller || size < codec.FillerSize {
		return nil, fmt.Errorf("no record begins at %d: %w", phy, errGone)
	}
	return l.readCopy(phy, int(size), buf)
}

// scanBuffer is how much of an unmapped segment a scanner reads at a time.
const scanBuffer = 1 << 20

// logScanner walks the records of the log in order. Mapped segments are read in place, others through a buffer.
type logScanner struct {
	log   *commitLog
	pos   int64
	limit int64 // the scan ends here

	seg *segment
	hot *hotSegment
	buf []byte // bytes of seg from bufAt on, when seg is not mapped
	at  int64
}

func (l *commitLog) scan(from, limit int64) *logScanner {
	return &logScanner{log: l, pos: from, limit: limit}
}

// window returns bytes from pos on, at least n of them unless the segment or the scan ends before. They are good until the
// next call.
func (s *logScanner) window(n int) ([]byte, error) {
	if s.seg == nil || s.pos >= s.seg.end() || s.pos < s.seg.base {
		s.close()
		if s.seg = s.log.view.Load().find(s.pos); s.seg == nil {
			return nil, fmt.Errorf("position %d: %w", s.pos, errGone)
		}
		if h, ok := s.seg.pin(); ok {
			s.hot = h
		}
	}
	end := min(s.seg.end(), s.limit)
	if s.hot != nil {
		return s.hot.mem[s.pos-s.seg.base : end-s.seg.base], nil
	}
	if have := s.at + int64(len(s.buf)); s.pos < s.at || have < min(s.pos+int64(n), end) {
		if err := s.fill(max(n, scanBuffer), end); err != nil {
			return nil, err
		}
	}
	return s.buf[s.pos-s.at : min(int64(len(s.buf)), end-s.at)], nil
}

// fill reads from pos on into the buffer.
func (s *logScanner) fill(n int, end int64) error {
	n = int(min(int64(n), end-s.pos))
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf, s.at = s.buf[:n], s.pos
	f, err := s.log.cache.acquire(s.seg.path)
	if err != nil {
		s.buf = s.buf[:0]
		return err
	}
	defer f.release()
	if _, err := f.ReadAt(s.buf, s.pos-s.seg.base); err != nil {
		s.buf = s.buf[:0]
		return fmt.Errorf("read commit log at %d: %w", s.pos, err)
	}
	return nil
}

// next decodes the record at pos into m, moves behind it and returns its bytes; fillers are passed over. io.EOF is the
// limit. On any other error pos is where the trouble is. Memory faults are errors.
func (s *logScanner) next(m *codec.Message, checkCRC bool) (record []byte, err error) {
	defer vfs.Catch("read the commit log", vfs.Arm(), &err)
	for s.pos < s.limit {
		b, err := s.window(codec.FillerSize)
		if err != nil {
			return nil, err
		}
		size, magic, ok := codec.RecordHead(b)
		if !ok {
			return nil, fmt.Errorf("%d bytes are left at %d: %w", len(b), s.pos, codec.ErrRecordTruncated)
		}
		if magic == codec.MagicFiller {
			s.pos = s.seg.end()
			continue
		}
		if magic != codec.MagicV1 && magic != codec.MagicV2 {
			return nil, fmt.Errorf("at %d: magic word %08X: %w", s.pos, magic, codec.ErrRecordMagic)
		}
		if int64(size) > s.seg.end()-s.pos || size < 0 {
			return nil, fmt.Errorf("at %d: record claims %d bytes in a file with %d left: %w", s.pos, size, s.seg.end()-s.pos, codec.ErrRecordLength)
		}
		if b, err = s.window(int(size)); err != nil {
			return nil, err
		}
		if _, err := codec.DecodeRecord(b, m, checkCRC); err != nil {
			return nil, fmt.Errorf("at %d: %w", s.pos, err)
		}
		// Upstream does not look at this field. Bytes left behind a truncation are whole records of another place, and only
		// this tells them apart.
		if m.PhysicalOffset != s.pos {
			return nil, fmt.Errorf("at %d: record says it belongs to %d: %w", s.pos, m.PhysicalOffset, errMisplaced)
		}
		s.pos += int64(m.StoreSize)
		return b[:m.StoreSize], nil
	}
	return nil, io.EOF
}

// errMisplaced marks a whole record that stands where it was not written to.
var errMisplaced = errors.New("record does not belong to this place")

// close gives back the scanner's pin. The scanner can go on after it.
func (s *logScanner) close() {
	if s.hot != nil {
		s.hot.unpin()
	}
	s.hot, s.seg = nil, nil
	s.buf = s.buf[:0]
}
