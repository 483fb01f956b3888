package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"

	"github.com/gantrymq/gantry/codec"
)

// With enableConsumeQueueExt the tag hash of a message is kept, with its store time and a filter bit map, in consumequeue_ext, and
// in the consume queue, instead of the hash, the place of that (store-format §4.6). Entries of either kind may follow each other
// in one queue, and are read whatever the setting says now.
//
//	 0 i16 size of the unit, 20 and the length of the bit map
//	 2 i64 tag hash
//	10 i64 store time
//	18 i16 length of the bit map
//	20     bit map
//
// A unit lies whole in one file, and ends at least four bytes before the file does; where the next one would not, −1 stands
// instead of its size.
const (
	extHead    = 20
	extMost    = math.MaxInt16 // longest unit
	extFileEnd = 4             // bytes at a file's end that no unit may use
)

// extAddress is the greatest value of an entry that is such a place: the position in the queue's ext files counted from the
// least number there is. Hashes have 32 bits and lie above.
const extAddress = math.MinInt32 - 1

func isExt(tags int64) bool { return tags <= extAddress }

// extUnit is what consumequeue_ext has of a message.
type extUnit struct {
	tags      int64
	storeTime int64
	bitMap    []byte // nil when none was noted
}

func (u extUnit) size() int { return extHead + len(u.bitMap) }

func appendExt(dst []byte, u extUnit) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(u.size()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(u.tags))
	dst = binary.BigEndian.AppendUint64(dst, uint64(u.storeTime))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(u.bitMap)))
	return append(dst, u.bitMap...)
}

// extSize is the size that a unit says it has; 0 where none is. b has at least two bytes.
func extSize(b []byte) int {
	if n := int(int16(binary.BigEndian.Uint16(b))); n >= extHead {
		return n
	}
	return 0
}

// decodeExt reads the unit at the begin of b. The bit map is a view into b; ok is false where there is no unit, or not all of it, and
// where its two lengths contradict each other.
func decodeExt(b []byte) (u extUnit, ok bool) {
	if len(b) < extHead {
		return extUnit{}, false
	}
	n := int(int16(binary.BigEndian.Uint16(b[18:])))
	if n < 0 || extHead+n != extSize(b) || extHead+n > len(b) {
		return extUnit{}, false
	}
	u.tags, u.storeTime = int64(binary.BigEndian.Uint64(b[2:])), int64(binary.BigEndian.Uint64(b[10:]))
	if n > 0 {
		u.bitMap = b[extHead : extHead+n : extHead+n]
	}
	return u, true
}

// extRoot is the directory of all queues' ext files.
func (s *queueSet) extRoot() string { return path.Join(path.Dir(s.simple.dir), "consumequeue_ext") }

func (s *queueSet) extDir(q *queue) string {
	return path.Join(s.extRoot(), q.topic.name, strconv.Itoa(int(q.id)))
}

func (s *queueSet) extPath(q *queue, base int64) string {
	return path.Join(s.extDir(q), segmentName(base))
}

// extGuess is how much of a unit is read at first: all of it, with a bit map for some hundred groups.
const extGuess = 256

// readExt reads the unit that an entry points to. buf is memory to use, of at least extGuess bytes; the bit map may lie in it.
func (s *queueSet) readExt(q *queue, tags int64, buf []byte) (extUnit, error) {
	at := tags - math.MinInt64
	if b, ok := q.extPending(at, buf); ok {
		if u, ok := decodeExt(b); ok {
			return u, nil
		}
		return extUnit{}, fmt.Errorf("consume queue %s/%d points to %d in consumequeue_ext, where no unit begins", q.topic.name, q.id, at)
	}
	base := at / s.extFileSize * s.extFileSize
	f, err := s.extFile(q, base)
	if err != nil {
		return extUnit{}, err
	}
	defer f.release()
	buf = buf[:min(extGuess, base+s.extFileSize-at)]
	n, err := f.ReadAt(buf, at-base)
	if err != nil && !errors.Is(err, io.EOF) {
		return extUnit{}, fmt.Errorf("read %s at %d: %w", s.extPath(q, base), at-base, err)
	}
	buf = buf[:n]
	if len(buf) >= 2 && extSize(buf) > len(buf) && at+int64(extSize(buf)) <= base+s.extFileSize {
		buf = make([]byte, extSize(buf))
		if _, err := f.ReadAt(buf, at-base); err != nil {
			return extUnit{}, fmt.Errorf("read %s at %d: %w", s.extPath(q, base), at-base, err)
		}
	}
	u, ok := decodeExt(buf)
	if !ok {
		return extUnit{}, fmt.Errorf("%s has no unit at %d, where a consume queue entry points", s.extPath(q, base), at-base)
	}
	return u, nil
}

// extFile returns a queue's open ext file that begins at a position. fs.ErrNotExist comes through.
func (s *queueSet) extFile(q *queue, base int64) (*openFile, error) {
	key := fileKey{q: q, base: base, ext: true}
	if f := s.cache.cached(key); f != nil {
		return f, nil
	}
	return s.cache.open(key, s.extPath(q, base))
}

// tagHash is the tag hash of an entry, wherever it is kept. What consumequeue_ext does not have, or not provably of this message, is
// worked out from the message: times of delivery are kept as hashes too. It is 0 where that is not there either.
func (s *Store) tagHash(q *queue, u unit) (int64, error) {
	if !isExt(u.tags) {
		return u.tags, nil
	}
	var buf [extGuess]byte
	ext, err := s.queues.readExt(q, u.tags, buf[:])
	if err == nil && (u.phy < s.log.min() || s.log.storedAt(u.phy, ext.storeTime, buf[:])) {
		return ext.tags, nil
	}
	record, err := s.log.readRecord(u.phy, nil)
	if errors.Is(err, errGone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, false); err != nil {
		return 0, nil
	}
	return s.tagsCode(&m), nil
}

// passesOver asks a filter whether an entry's message is none of its. A message whose tag hash cannot be found is not passed over, and
// what consumequeue_ext says against one has to be proved to be about it: clients filter once more, and a message too many does less
// harm than one that never comes. cold says that the proof is on a disk that the query must not wait for. buf is memory for readExt.
func (s *Store) passesOver(q *queue, query *Query, u unit, buf []byte) (over, cold bool) {
	f := query.Filter
	if !isExt(u.tags) {
		return !f.MatchUnit(u.tags), false
	}
	ext, err := s.queues.readExt(q, u.tags, buf)
	if err != nil {
		return false, false
	}
	if bits, ok := f.(ExtFilter); (!ok || bits.MatchBitMap(ext.storeTime, ext.bitMap)) && f.MatchUnit(ext.tags) {
		return false, false
	}
	switch {
	case u.phy < s.log.min():
		return true, false // nobody can miss it
	case query.NoWait && !s.log.mapped(u):
		return false, true
	}
	return s.log.storedAt(u.phy, ext.storeTime, buf), false
}

// storedAt reports whether the record at phy says that it was stored at a time. buf is memory for it.
func (l *commitLog) storedAt(phy, storeTime int64, buf []byte) bool {
	head := buf[:codec.RecordHeadSize]
	g, err := l.segmentOf(phy, len(head))
	return err == nil && l.readSegment(g, phy, head) == nil && codec.RecordStoreTimestamp(head) == storeTime
}
