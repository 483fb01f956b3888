package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// syncedDisk is a disk with a store that lost its power after n messages were synced and before a checkpoint covered them, and
// those messages.
func syncedDisk(t *testing.T, n int) (*vfs.Memory, []*codec.Message) {
	t.Helper()
	disk := vfs.NewMemory()
	s := mustOpen(t, damageOptions(disk))
	var all []*codec.Message
	for i := range n {
		m := message(fmt.Sprintf("topic%d", i%2), int32(i%3), i)
		mustAppend(t, s, m)
		all = append(all, m)
		if i == 20 {
			if err := s.dispatchConfirmed(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.takeCheckpoint(); err != nil { // its position is behind the 21st message, what is synced is all
		t.Fatal(err)
	}
	disk.Inject(func(vfs.Op) error { return errCut })
	s.Close()
	return disk.Reboot(), all
}

func damageOptions(disk vfs.FS) Options {
	o := smallOptions(disk, "/store")
	o.SegmentSize = 16 << 10
	o.Event = func(Event) {}
	return o
}

// spoil overwrites bytes of the log.
func spoil(t *testing.T, disk vfs.FS, o Options, phy int64, b []byte) {
	t.Helper()
	for len(b) > 0 {
		base := phy / o.SegmentSize * o.SegmentSize
		n := min(int64(len(b)), base+o.SegmentSize-phy)
		f, err := disk.Open(path.Join("/store/commitlog", segmentName(base)), true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b[:n], phy-base); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		b, phy = b[n:], phy+n
	}
}

// writeQueues writes consume queue entries, as a broker would have done that did not come to a checkpoint.
func writeQueues(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) {
	t.Helper()
	for _, m := range all {
		at := m.QueueOffset * queueUnit
		base := at / o.QueueFileSize * o.QueueFileSize
		dir := fmt.Sprintf("/store/consumequeue/%s/%d", m.Topic, m.QueueID)
		if err := disk.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		name := path.Join(dir, segmentName(base))
		f, err := disk.Open(name, true)
		if errors.Is(err, fs.ErrNotExist) {
			if f, err = disk.Create(name); err == nil {
				err = f.Truncate(o.QueueFileSize)
			}
		}
		if err == nil {
			_, err = f.WriteAt(appendUnit(nil, unit{phy: m.PhysicalOffset, size: int32(recordEnd(t, m) - m.PhysicalOffset)}), at-base)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// recordEnd is the physical offset behind a message.
func recordEnd(t *testing.T, m *codec.Message) int64 {
	t.Helper()
	n, err := codec.RecordSize(m)
	if err != nil {
		t.Fatal(err)
	}
	return m.PhysicalOffset + int64(n)
}

// lastIn is the index of the last message before a physical offset.
func lastIn(all []*codec.Message, phy int64) int {
	return slices.IndexFunc(all, func(m *codec.Message) bool { return m.PhysicalOffset >= phy }) - 1
}

// TestDamageInTheMiddle: what was synced and is damaged is taken out and kept, everything else stays readable under its offset,
// and the next messages get the offsets that they would have got.
func TestDamageInTheMiddle(t *testing.T) {
	const n = 300
	const seg = 16 << 10
	zeros := func(k int64) []byte { return make([]byte, k) }
	tests := []struct {
		name  string
		spoil func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) (lost []int)
	}{
		{"a byte of a body", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, all[50].PhysicalOffset+88, []byte{0})
			return []int{50}
		}},
		{"a length", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, all[50].PhysicalOffset, []byte{0, 0, 0x30})
			return []int{50}
		}},
		{"ones in place of three records", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, all[60].PhysicalOffset+10, bytes.Repeat([]byte{0xFF}, int(all[62].PhysicalOffset-all[60].PhysicalOffset)))
			return []int{60, 61, 62}
		}},
		{"the first record after the checkpoint", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, all[21].PhysicalOffset, zeros(30))
			return []int{21}
		}},
		{"the first record of a file", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			i := lastIn(all, seg) + 1
			spoil(t, disk, o, all[i].PhysicalOffset, zeros(100))
			return []int{i}
		}},
		{"the last record of a file", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			i := lastIn(all, 2*seg)
			spoil(t, disk, o, all[i].PhysicalOffset+4, zeros(4))
			return []int{i}
		}},
		{"the filler of a file", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, recordEnd(t, all[lastIn(all, 2*seg)]), bytes.Repeat([]byte{7}, 8))
			return nil
		}},
		{"across two files", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			i := lastIn(all, 2*seg)
			from := all[i].PhysicalOffset
			spoil(t, disk, o, from, zeros(recordEnd(t, all[i+1])-from))
			return []int{i, i + 1}
		}},
		{"two places in two files", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, all[100].PhysicalOffset+90, zeros(9))
			spoil(t, disk, o, all[200].PhysicalOffset+4, zeros(9))
			return []int{100, 200}
		}},
		{"two places in a file, with consume queues on disk", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			writeQueues(t, disk, o, all)
			spoil(t, disk, o, all[100].PhysicalOffset+90, zeros(9))
			spoil(t, disk, o, all[110].PhysicalOffset+4, zeros(9))
			return []int{100, 110}
		}},
		{"a whole file", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) []int {
			spoil(t, disk, o, seg, zeros(seg))
			var lost []int
			for i, m := range all {
				if m.PhysicalOffset >= seg && m.PhysicalOffset < 2*seg {
					lost = append(lost, i)
				}
			}
			return lost
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk, all := syncedDisk(t, n)
			o := damageOptions(disk)
			lost := tt.spoil(t, disk, o, all)
			before := map[int64][]byte{}
			for base := int64(0); base < all[n-1].PhysicalOffset; base += seg {
				before[base] = memoryFiles(t, disk, "/store/commitlog")["/"+segmentName(base)]
			}
			x := sent{}
			for i, m := range all {
				if !slices.Contains(lost, i) {
					key := fmt.Sprintf("%s %d", m.Topic, m.QueueID)
					x[key] = append(x[key], m)
				}
			}
			s := mustOpen(t, o)
			x.checkAround(t, s)
			for queue := range int32(3) {
				m := message("topic0", queue, 1000)
				r := mustAppend(t, s, m)
				if want := int64(50); r.QueueOffset != want {
					t.Errorf("the next message of queue %d gets offset %d, want %d", queue, r.QueueOffset, want)
				}
				key := fmt.Sprintf("topic0 %d", queue)
				x[key] = append(x[key], m)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkQuarantine(t, disk, before)
			s = mustOpen(t, o)
			x.checkAround(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if open := disk.OpenFiles(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// checkAround reads every queue from its begin, over the places of lost messages.
func (x sent) checkAround(t *testing.T, s *Store) {
	t.Helper()
	dispatchAll(t, s)
	for key, want := range x {
		var topic string
		var queue int32
		fmt.Sscan(key, &topic, &queue)
		q := Query{Topic: topic, QueueID: queue, MaxCount: 32}
		var r GetResult
		var got []int64
		for {
			s.Get(&q, &r)
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if r.Status == OffsetOverflowOne {
				break
			}
			if r.NextOffset <= q.Offset {
				t.Fatalf("%s: a reader at %d is stuck: %v", key, q.Offset, r.Status)
			}
			got = append(got, r.QueueOffsets...)
			q.Offset = r.NextOffset
			r.Release()
		}
		var offs []int64
		for _, m := range want {
			offs = append(offs, m.QueueOffset)
			if b, err := s.ReadRecord(m.PhysicalOffset); err != nil || !bytes.Contains(b, m.Body) {
				t.Errorf("message at %d: %v", m.PhysicalOffset, err)
			}
		}
		if !slices.Equal(got, offs) {
			t.Errorf("%s: offsets %v are read, want %v", key, got, offs)
		}
	}
}

// checkQuarantine: what lies there is what lay in the log.
func checkQuarantine(t *testing.T, disk vfs.FS, before map[int64][]byte) {
	t.Helper()
	const seg = 16 << 10
	files := memoryFiles(t, disk, "/store/"+QuarantineDir)
	if len(files) == 0 {
		t.Error("nothing is in quarantine")
	}
	for name, b := range files {
		var from, to int64
		if _, err := fmt.Sscanf(name, "/%020d-%020d", &from, &to); err != nil {
			t.Errorf("quarantine has %s", name)
			continue
		}
		base := from / seg * seg
		if !bytes.Equal(b, before[base][from-base:to-base]) {
			t.Errorf("%s does not hold what lay there", name)
		}
	}
}

// TestDamageCutAnywhere takes damage out with the disk cut off at every operation, again and again, until it gets through.
func TestDamageCutAnywhere(t *testing.T) {
	disk, all := syncedDisk(t, 200)
	o := damageOptions(disk)
	i := lastIn(all, 16<<10)
	spoil(t, disk, o, all[i].PhysicalOffset, make([]byte, recordEnd(t, all[i+1])-all[i].PhysicalOffset))
	before := map[int64][]byte{}
	for base := int64(0); base <= 16<<10; base += 16 << 10 {
		before[base] = memoryFiles(t, disk, "/store/commitlog")["/"+segmentName(base)]
	}
	h := newHistory(t, 1)
	for n := 0; ; n++ {
		left := n
		disk.Inject(func(op vfs.Op) error {
			if !op.Changes() {
				return nil
			}
			if left--; left < 0 {
				return errCut
			}
			return nil
		})
		o.FS = disk
		s, err := Open(o)
		if err == nil {
			disk.Inject(nil)
			x := sent{}
			for k, m := range all {
				if k != i && k != i+1 {
					x[fmt.Sprintf("%s %d", m.Topic, m.QueueID)] = append(x[fmt.Sprintf("%s %d", m.Topic, m.QueueID)], m)
				}
			}
			x.checkAround(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkQuarantine(t, disk, before)
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if n%2 == 0 {
			disk = disk.Kill()
		} else {
			disk = disk.Crash(h.rng)
		}
	}
}

// TestDamageWithoutProof: nothing is changed where it is not certain how far the damage goes.
func TestDamageWithoutProof(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message)
	}{
		{"nothing whole follows", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) {
			spoil(t, disk, o, all[150].PhysicalOffset, make([]byte, (all[199].PhysicalOffset/(16<<10)+1)*(16<<10)-all[150].PhysicalOffset))
		}},
		{"a record inside a damaged body", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) {
			m := *all[40]
			m.PhysicalOffset = all[60].PhysicalOffset + 200
			fake, err := codec.AppendRecord(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, disk, o, all[60].PhysicalOffset, make([]byte, all[70].PhysicalOffset-all[60].PhysicalOffset))
			spoil(t, disk, o, m.PhysicalOffset, fake)
		}},
		{"nothing whole follows, behind what could be taken out", func(t *testing.T, disk vfs.FS, o Options, all []*codec.Message) {
			spoil(t, disk, o, all[50].PhysicalOffset+88, []byte{0})
			spoil(t, disk, o, all[150].PhysicalOffset, make([]byte, (all[199].PhysicalOffset/(16<<10)+1)*(16<<10)-all[150].PhysicalOffset))
		}},
		{"a read error", func(_ *testing.T, disk vfs.FS, _ Options, all []*codec.Message) {
			disk.(*vfs.Memory).Inject(func(op vfs.Op) error {
				if op.Kind == vfs.OpRead && strings.Contains(op.Name, "/commitlog/") && op.Off > 0 {
					return errors.New("input/output error")
				}
				return nil
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk, all := syncedDisk(t, 200)
			o := damageOptions(disk)
			tt.spoil(t, disk, o, all)
			before := memoryState(t, disk)
			s, err := Open(o)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			disk.Inject(nil)
			if after := memoryState(t, disk); after != before {
				t.Error("the refusal has changed the disk")
			}
			if tt.name != "a read error" && !strings.Contains(err.Error(), "gantry store repair") {
				t.Errorf("the refusal does not say what to do: %v", err)
			}
		})
	}
}

// memoryState is everything below the root, as one string.
func memoryState(t *testing.T, disk vfs.FS) string {
	t.Helper()
	var b strings.Builder
	for _, c := range contents(t, memoryFiles(t, disk, "/store")) {
		fmt.Fprintf(&b, "%s %q\n", c.name, c.data)
	}
	return b.String()
}

// TestLeftovers: behind the end of an official broker's log whole records of before a truncation may stand. They are not taken
// for the log, and nothing is taken out.
func TestLeftovers(t *testing.T) {
	disk, all := syncedDisk(t, 100)
	o := damageOptions(disk)
	const k = 70 // the official broker truncated here once, and has stored one shorter message since
	m := *all[k]
	m.Body, m.StoreTimestamp = []byte("after the truncation"), all[99].StoreTimestamp+1000
	record, err := codec.AppendRecord(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	codec.StampRecord(record, m.QueueOffset, m.PhysicalOffset, m.StoreTimestamp)
	spoil(t, disk, o, m.PhysicalOffset, record)
	point, err := disk.Open("/store/checkpoint", true)
	if err != nil {
		t.Fatal(err)
	}
	words := checkpoint{logTime: m.StoreTimestamp, queueTime: m.StoreTimestamp, queuePhy: all[k-1].PhysicalOffset}
	b := words.encode()
	clear(b[checkpointOwn:])
	if _, err := point.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	point.Close()
	s := mustOpen(t, o)
	if _, end := s.LogRange(); end != m.PhysicalOffset+int64(len(record)) {
		t.Errorf("the log ends at %d, want %d", end, m.PhysicalOffset+int64(len(record)))
	}
	x := sent{}
	for _, one := range append(all[:k:k], &m) {
		key := fmt.Sprintf("%s %d", one.Topic, one.QueueID)
		x[key] = append(x[key], one)
	}
	x.check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Stat("/store/" + QuarantineDir); err == nil {
		t.Error("something was taken out")
	}
}
