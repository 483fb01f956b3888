package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
)

// An official broker with enableConsumeQueueExt keeps the tag hash and a filter bit map in consumequeue_ext, and in the consume
// queue the place of that instead of the hash (store-format §4.6). Such entries are read; none are written: an official broker
// takes plain ones as well.
//
//	 0 i16 size of the unit, 20 and the length of the bit map
//	 2 i64 tag hash
//	10 i64 store time
//	18 i16 length of the bit map
//	20     bit map

// extAddress is the greatest value of an entry that is such a place: the position in the queue's ext files counted from the
// least number there is. Hashes have 32 bits and lie above.
const extAddress = math.MinInt32 - 1

// tagHash is the tag hash of an entry, wherever it is kept.
func (s *queueSet) tagHash(q *queue, tags int64) (int64, error) {
	if tags > extAddress {
		return tags, nil
	}
	at := tags - math.MinInt64
	dir := path.Join(path.Dir(s.dir), "consumequeue_ext", q.topic.name, strconv.Itoa(int(q.id)))
	name, base, err := s.extFile(dir, at)
	if err != nil {
		return 0, err
	}
	f, err := s.cache.acquire(name)
	if err != nil {
		return 0, err
	}
	defer f.release()
	var b [10]byte
	if _, err := f.ReadAt(b[:], at-base); err != nil {
		return 0, fmt.Errorf("read %s at %d: %w", name, at-base, err)
	}
	if int16(binary.BigEndian.Uint16(b[:])) < 20 {
		return 0, fmt.Errorf("%s has no unit at %d, where a consume queue entry points", name, at-base)
	}
	return int64(binary.BigEndian.Uint64(b[2:])), nil
}

// errNoExt says that an entry points to an ext file that is not there.
var errNoExt = errors.New("the file of consumequeue_ext that has its tag hash is missing")

// extFile finds the ext file that holds a position.
func (s *queueSet) extFile(dir string, at int64) (name string, base int64, err error) {
	entries, err := s.fs.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", 0, err
	}
	base = -1
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil && n <= at {
			base = max(base, n)
		}
	}
	if base < 0 {
		return "", 0, fmt.Errorf("%s: %w", dir, errNoExt)
	}
	return path.Join(dir, segmentName(base)), base, nil
}

// matches asks a filter about an entry. An entry whose tag hash cannot be found is taken: clients filter once more, and a message
// too many does less harm than one that never comes.
func (s *queueSet) matches(q *queue, f Filter, u unit) bool {
	if u.tags > extAddress {
		return f.MatchUnit(u.tags)
	}
	tags, err := s.tagHash(q, u.tags)
	return err != nil || f.MatchUnit(tags)
}
