package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
)

// judgeDamage decides what a position that holds no record means: the end of the log, or damage up to a record at next. A read
// error is neither: then nothing may be changed. Nor may it where messages that were synced are not there any more and nothing
// proves where they end. before is the store time of the record in front, 0 when there is none.
func (s *Store) judgeDamage(p *recoveryPlan, at, limit, before int64, cause error) (next int64, ends bool, err error) {
	if !noRecord(cause) {
		return 0, false, fmt.Errorf("the commit log cannot be read: %w", cause)
	}
	if !p.unclean && p.own {
		return 0, true, nil
	}
	c := &s.checkpoint
	next, t, found, err := s.log.findAhead(at, limit)
	if err != nil {
		return 0, false, fmt.Errorf("the commit log cannot be read: %w", err)
	}
	if r := s.o.Rebuild; r != nil {
		return next, !found || at >= r.KnownEnd, nil
	}
	unsynced := t > c.logTime
	if c.synced > 0 {
		unsynced = at >= c.synced
	}
	switch {
	case !found && at < c.synced:
		return 0, false, fmt.Errorf("the commit log is damaged at %d (%w): it had been synced up to %d, but no whole record follows: nothing was changed; mend it with `gantry store repair`", at, cause, c.synced)
	case !found:
		return 0, true, nil
	case !c.own && t < before:
		// The official broker does not clear what it truncates: records of an earlier life may stand behind the end of the log,
		// whole and in their old places. They are older than the last record; what follows it is not.
		s.o.Event(Event{Level: Info, Text: fmt.Sprintf("the commit log ends at %d; what stands behind, from %d on, is left over from before a truncation", at, next)})
		return 0, true, nil
	case unsynced:
		s.o.Event(Event{Level: Warning, Text: fmt.Sprintf("the commit log ends at %d, where a record was not written completely; later records that were not synced either, the first at %d, are dropped", at, next), Err: cause})
		return 0, true, nil
	}
	proved, err := s.log.provesBound(s.queues, next)
	if err != nil {
		return 0, false, err
	}
	// Where a record was there is room for one; at the end of a file a filler will do.
	if fits := next-at >= placeholderLeast || s.log.view.Load().find(at).end() <= next; !proved || !fits {
		return 0, false, fmt.Errorf("the commit log is damaged at %d (%w), and a record at %d, which had been synced, is intact, but nothing proves that the damage ends there: nothing was changed; mend it with `gantry store repair`", at, cause, next)
	}
	return next, false, nil
}

// noRecord reports whether an error says that what was read is no record, and not that it could not be read.
func noRecord(err error) bool {
	return errors.Is(err, codec.ErrRecordTruncated) || errors.Is(err, codec.ErrRecordMagic) || errors.Is(err, codec.ErrRecordLength) ||
		errors.Is(err, codec.ErrRecordCRC) || errors.Is(err, errMisplaced)
}

// provesBound reports whether what looks like a record at phy is one, and not bytes inside the body of a damaged one: its
// consume queue entry points at it, or records follow it without a break to the end of its file.
func (l *commitLog) provesBound(queues *queueSet, phy int64) (bool, error) {
	g := l.view.Load().find(phy)
	sc := l.scan(phy, g.end())
	defer sc.close()
	var m codec.Message
	record, err := sc.next(&m, true)
	if err != nil {
		return false, err
	}
	size := len(record)
	if queueStep(m.SysFlag) > 0 {
		q := &queue{topic: &topicQueues{name: m.Topic, layout: queues.layoutOf(m.Topic)}, id: m.QueueID}
		u, err := queues.unitOnDisk(q, m.QueueOffset)
		if err != nil {
			return false, err
		}
		if u.phy == phy && int(u.size) == size {
			return true, nil
		}
	}
	for err == nil {
		_, err = sc.next(&m, true)
	}
	if sc.pos >= g.end() { // a filler closes the file, or the records fill it
		return true, nil
	}
	_, _, more, err := l.findAhead(sc.pos, g.end())
	if err != nil || more {
		return false, err
	}
	return l.zeros(sc.pos, g.end())
}

// zeros reports whether a range of the log was never written.
func (l *commitLog) zeros(from, to int64) (bool, error) {
	var buf []byte
	for from < to {
		b, err := l.readCopy(from, int(min(to-from, scanBuffer)), buf)
		if err != nil {
			return false, err
		}
		if len(bytes.Trim(b, "\x00")) > 0 {
			return false, nil
		}
		buf = b
		from += int64(len(b))
	}
	return true, nil
}

// defaultLookAhead bounds the search for whole records behind a broken one, in each segment.
const defaultLookAhead = 64 << 20

// findAhead searches for a whole record after a position that holds none. With Options.Rebuild the search has no bound.
func (l *commitLog) findAhead(at, limit int64) (phy, storeTime int64, found bool, err error) {
	var buf []byte
	for _, g := range l.view.Load().segs {
		if g.end() <= at {
			continue
		}
		from := max(g.base, at+1)
		for to := min(g.end(), limit, from+l.lookAhead); from < to; {
			if buf, err = l.readCopy(from, int(min(to-from, scanBuffer)), buf); err != nil {
				return 0, 0, false, err
			}
			for _, i := range magicPlaces(buf) {
				pos := from + int64(i) - 4
				if pos <= at || pos < g.base || !l.holdsRecord(pos) {
					continue
				}
				head, err := l.readCopy(pos, codec.RecordHeadSize, nil)
				if err != nil {
					return 0, 0, false, err
				}
				return pos, codec.RecordStoreTimestamp(head), true, nil
			}
			if from += int64(len(buf)) - 3; len(buf) < scanBuffer { // a magic word may lie across two reads
				break
			}
		}
	}
	return 0, 0, false, nil
}

// magicPlaces lists where the magic word of a record stands in b, ascending.
func magicPlaces(b []byte) []int {
	word := binary.BigEndian.AppendUint32(nil, codec.MagicV1)[:3] // both versions begin with the same bytes
	var list []int
	for i := 0; ; i++ {
		k := bytes.Index(b[i:], word)
		if k < 0 || i+k+4 > len(b) {
			return list
		}
		i += k
		if magic := binary.BigEndian.Uint32(b[i:]); magic == codec.MagicV1 || magic == codec.MagicV2 {
			list = append(list, i)
		}
	}
}
