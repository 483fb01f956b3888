package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// IndexResult is what QueryIndex found.
type IndexResult struct {
	Records        [][]byte // copies, oldest first
	LastUpdateTime int64    // store time of the newest indexed message, ms; 0 when no entry has the key's hash, as upstream
	LastUpdatePhy  int64    // its physical offset, or 0 likewise
}

// QueryIndex finds messages of a topic by key: with kind protocol.IndexTypeKey or IndexTypeUnique among keys and unique
// keys, with IndexTypeTag among tags. Messages stored before begin or after end, in ms and to the second, are left out. At
// most limit are returned, newest preferred, and never more than Tuning.MaxQueryCount.
//
// Upstream leaves it to clients to drop messages that only share the key's hash; here those are dropped (intended difference 33).
func (s *Store) QueryIndex(topic, kind, key string, limit int, begin, end int64) (IndexResult, error) {
	var r IndexResult
	limit = min(limit, s.tuning.Load().MaxQueryCount)
	text := appendIndexKey(nil, topic, kind, key)
	seen := map[int64]bool{}
	matched := false
	take := func(phy int64) bool {
		matched = true
		if seen[phy] {
			return len(r.Records) < limit
		}
		seen[phy] = true
		b, err := s.log.readRecord(phy, nil)
		if err != nil {
			return len(r.Records) < limit // expired, or not a record: an entry outlives its message
		}
		if hasKey(b, topic, kind, key) {
			r.Records = append(r.Records, b)
		}
		return len(r.Records) < limit
	}
	if limit <= 0 {
		return r, nil
	}
	var newest indexHeader
	for i, f := range s.index.snapshot() {
		h, err := s.index.search(f, indexHash(text), begin, end, take)
		if err != nil {
			return r, err
		}
		if i == 0 {
			newest = h
		}
		if h.beginTime < begin || len(r.Records) >= limit {
			break
		}
	}
	if matched {
		r.LastUpdateTime, r.LastUpdatePhy = newest.endTime, newest.endPhy
	}
	slices.SortFunc(r.Records, func(a, b []byte) int {
		return int(min(max(codec.RecordPhysicalOffset(a)-codec.RecordPhysicalOffset(b), -1), 1))
	})
	return r, nil
}

// snapshot lists the files, newest first.
func (x *keyIndex) snapshot() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var paths []string
	if x.newest != nil {
		paths = append(paths, x.newest.path)
	}
	for _, f := range slices.Backward(x.sealed) {
		paths = append(paths, f.path)
	}
	return paths
}

// search walks one file and returns its header.
func (x *keyIndex) search(name string, hash int32, begin, end int64, take func(phy int64) bool) (indexHeader, error) {
	f, err := x.cache.acquire(name)
	if errors.Is(err, fs.ErrNotExist) {
		return indexHeader{}, nil // expired just now
	}
	if err != nil {
		return indexHeader{}, fmt.Errorf("open index file: %w", err)
	}
	defer f.release()
	var b [indexHeaderSize]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return indexHeader{}, fmt.Errorf("read index file %s: %w", name, err)
	}
	h := decodeIndexHeader(b[:])
	if !h.covers(begin, end) {
		return h, nil
	}
	if err := indexChain(f, x.shape, h, hash, begin, end, take); err != nil {
		return h, fmt.Errorf("read index file %s: %w", name, err)
	}
	return h, nil
}

// hasKey reports whether a record is a message of the topic that carries the key.
func hasKey(record []byte, topic, kind, key string) bool {
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, false); err != nil || m.Topic != topic {
		return false
	}
	if kind == protocol.IndexTypeTag {
		tags, _ := codec.Property(m.Properties, protocol.PropertyTags)
		return tags == key
	}
	if unique, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey); unique == key {
		return true
	}
	keys, _ := codec.Property(m.Properties, protocol.PropertyKeys)
	for one := range strings.SplitSeq(keys, protocol.KeySeparator) {
		if one == key {
			return true
		}
	}
	return false
}
