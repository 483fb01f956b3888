package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// QuarantineDir is the folder below the root that keeps what was taken out of a store.
const QuarantineDir = "quarantine"

// RepairMark is a file that exists while a repair is under way. It holds Rebuild.KnownEnd in digits. A store that has it is
// opened with Options.Rebuild only: what proves where the log ends may be out of the way already.
const RepairMark = QuarantineDir + "/repair-under-way"

// placeholder is what stands in the log for bytes that were taken out: records of a system topic that nobody consumes, marked as
// rolled back, which no broker puts into a queue or the index.
const (
	placeholderTopic = protocol.TopicOffsetMoved
	placeholderNote  = "QUARANTINE" // property with the name of the file that has the bytes
	placeholderMost  = 1 << 20      // longest body
	placeholderLeast = 92           // no record with a topic is shorter
)

// takeOutAll takes damaged parts out of the log.
func (s *Store) takeOutAll(damage []span) error {
	for _, d := range damage {
		if err := s.takeOut(d.from, d.to); err != nil {
			return fmt.Errorf("the commit log is damaged from %d to %d, and taking that part out failed: %w", d.from, d.to, err)
		}
	}
	return nil
}

// takeOut keeps the log's bytes between two physical offsets in the quarantine and puts placeholders in their stead, so that
// every reader, the official broker's recovery included, walks past. At to a record begins; its store time becomes theirs.
func (s *Store) takeOut(from, to int64) error {
	head, err := s.log.readCopy(to, codec.RecordHeadSize, nil)
	if err != nil {
		return err
	}
	storeTime := codec.RecordStoreTimestamp(head)
	for _, g := range s.log.view.Load().segs {
		a, b := max(from, g.base), min(to, g.end())
		if a >= b {
			continue
		}
		name, err := s.keepAside(g, a, b)
		if err != nil {
			return err
		}
		if err := s.putPlaceholders(g, a, b, storeTime, path.Base(name)); err != nil {
			return err
		}
		s.o.Event(Event{Level: Fault, Text: fmt.Sprintf("the commit log was damaged from %d to %d: the bytes are kept as %s, and readers pass over their place", a, b, name)})
	}
	return nil
}

// keepTail keeps what was written behind the log's new end.
func (s *Store) keepTail(from, limit int64) error {
	for _, g := range s.log.view.Load().segs {
		a, b := max(from, g.base), min(limit, g.end())
		for a < b { // how far it was written
			n := min(b-a, scanBuffer)
			if blank, err := s.log.zeros(b-n, b); err != nil {
				return err
			} else if !blank {
				break
			}
			b -= n
		}
		if a >= b {
			continue
		}
		name, err := s.keepAside(g, a, b)
		if err != nil {
			return err
		}
		s.o.Event(Event{Level: Warning, Text: fmt.Sprintf("the commit log ends at %d: what lay behind is kept as %s", from, name)})
	}
	return nil
}

// keepAside copies a part of a segment to a file of its own, durably.
func (s *Store) keepAside(g *segment, from, to int64) (name string, err error) {
	dir := path.Join(s.o.Root, QuarantineDir)
	name = path.Join(dir, fmt.Sprintf("%s-%s", segmentName(from), segmentName(to)))
	if _, err := s.o.FS.Stat(name); err == nil {
		return name, nil // of a start that was cut short: what lies in the log now may be half a placeholder
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := vfs.MakeDir(s.o.FS, dir); err != nil {
		return "", fmt.Errorf("make the quarantine: %w", err)
	}
	begun := name + ".tmp"
	if err := s.o.FS.Remove(begun); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := s.o.FS.Create(begun)
	if err != nil {
		return "", fmt.Errorf("make a quarantine file: %w", err)
	}
	var buf []byte
	for at := from; at < to && err == nil; at += int64(len(buf)) {
		if buf, err = s.log.readCopy(at, int(min(to-at, scanBuffer)), buf); err == nil {
			_, err = f.WriteAt(buf, at-from)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.o.FS.Rename(begun, name)
	}
	if err == nil {
		err = s.o.FS.SyncDir(dir)
	}
	if err != nil {
		return "", fmt.Errorf("write quarantine file %s: %w", name, err)
	}
	return name, nil
}

// putPlaceholders overwrites a part of a segment: with a filler where it reaches to the segment's end, else with records that
// fill it exactly.
func (s *Store) putPlaceholders(g *segment, from, to, storeTime int64, note string) error {
	f, err := s.o.FS.Open(g.path, true)
	if err != nil {
		return err
	}
	defer f.Close()
	if to == g.end() {
		_, err = f.WriteAt(codec.AppendFiller(nil, int32(to-from)), from-g.base)
		return errors.Join(err, syncNow(f))
	}
	for at := from; at < to; {
		n := to - at
		if n > placeholderMost {
			n = min(placeholderMost, n-placeholderMost/2) // what is left is not too short for another one
		}
		b, err := s.placeholder(at, int(n), storeTime, note)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(b, at-g.base); err != nil {
			return err
		}
		at += n
	}
	return syncNow(f)
}

// syncNow syncs a file whose old content is believed by nobody any more.
func syncNow(f vfs.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errSyncFailed, err)
	}
	return nil
}

// placeholder is a record of exactly n bytes.
func (s *Store) placeholder(phy int64, n int, storeTime int64, note string) ([]byte, error) {
	if n < placeholderLeast {
		return nil, fmt.Errorf("%d bytes at %d are too few for a record", n, phy)
	}
	host := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	m := codec.Message{
		Topic: placeholderTopic, SysFlag: protocol.SysFlagTransactionRollback, PhysicalOffset: phy,
		BornTimestamp: storeTime, BornHost: host, StoreTimestamp: storeTime, StoreHost: host,
		Properties: string(codec.AppendProperty(nil, placeholderNote, note)),
	}
	crc := s.o.PropertyCRC
	if crc {
		m.Properties = withCRCRoom(m.Properties)
	}
	if size, err := codec.RecordSize(&m); err != nil || size > n {
		m.Properties, crc = "", false
	}
	if size, err := codec.RecordSize(&m); err != nil || size > n {
		m.Topic = m.Topic[:len(m.Topic)-(size-n)] // there is room for one byte of it at least
	}
	size, err := codec.RecordSize(&m)
	if err != nil {
		return nil, err
	}
	m.Body = bytes.Repeat([]byte{0}, n-size)
	b, err := codec.AppendRecord(nil, &m)
	if err == nil && crc {
		sealCRC(b)
	}
	return b, err
}
