package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// oneTag takes messages of one tag.
type oneTag string

func (f oneTag) MatchUnit(tags int64) bool { return tags == int64(compat.HashCode(string(f))) }
func (oneTag) MatchRecord([]byte) bool     { return true }

// TestExtEntries: entries that point into consumequeue_ext are filtered by the tag hash that lies there; without the file they are
// taken.
func TestExtEntries(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	s := mustOpen(t, o)
	var times []int64
	for i := range 9 {
		r := mustAppend(t, s, message("topic", 0, i)) // tags T0, T1, T2 in turn
		times = append(times, r.StoreTimestamp)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const bitMap = 14
	var ext []byte
	queue, err := disk.Open("/store/consumequeue/topic/0/"+segmentName(0), true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(9) {
		u, err := (&layout{unit: queueUnit}).readUnitAt(queue, i)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(len(ext))
		ext = binary.BigEndian.AppendUint16(ext, 20+bitMap)
		ext = binary.BigEndian.AppendUint64(ext, uint64(u.tags))
		ext = binary.BigEndian.AppendUint64(ext, uint64(times[i]))
		ext = binary.BigEndian.AppendUint16(ext, bitMap)
		ext = append(ext, make([]byte, bitMap)...)
		u.tags = math.MinInt64 + at
		if _, err := queue.WriteAt(appendUnit(nil, u), i*queueUnit); err != nil {
			t.Fatal(err)
		}
	}
	queue.Close()
	const dir = "/store/consumequeue_ext/topic/0"
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create(dir + "/" + segmentName(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(ext, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = mustOpen(t, o)
	mustAppend(t, s, message("topic", 0, 10)) // T1, and a plain entry
	dispatchAll(t, s)
	get := func() []int64 {
		var r GetResult
		s.Get(&Query{Topic: "topic", MaxCount: 32, Filter: oneTag("T1")}, &r)
		defer r.Release()
		return append([]int64(nil), r.QueueOffsets...)
	}
	if got := get(); len(got) != 4 || got[0] != 1 || got[3] != 9 {
		t.Errorf("tag T1 is found at %v", got)
	}
	units, err := s.Units("topic", 0, 0, 9)
	if err != nil || len(units) != 9 || units[4].TagsCode != int64(compat.HashCode("T1")) {
		t.Errorf("%d entries, %v", len(units), err)
	}
	q, err := s.queues.find("topic", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.cache.forget(fileKey{q: q, ext: true})
	if err := disk.RemoveAll("/store/consumequeue_ext"); err != nil {
		t.Fatal(err)
	}
	if got := get(); len(got) != 10 {
		t.Errorf("without the file %v are taken", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// lengthMap is a bit map that tells messages apart, and of several lengths.
func lengthMap(dst []byte, topic, properties string) []byte {
	for i := range len(properties) % 7 {
		dst = append(dst, byte(i)^topic[len(topic)-1])
	}
	return dst
}

// checkExt compares what a queue's entries say, by themselves or by their ext units, with the messages.
func checkExt(t *testing.T, s *Store, topic string, id int32, want []*codec.Message) {
	t.Helper()
	q, err := s.queues.find(topic, id)
	if err != nil {
		t.Fatal(err)
	}
	var buf [extGuess]byte
	for _, m := range want {
		u, ok, err := s.queues.unitAt(q, m.QueueOffset)
		if !ok || err != nil {
			t.Fatalf("%s/%d has no entry %d: %v", topic, id, m.QueueOffset, err)
		}
		if !isExt(u.tags) {
			if tags := s.tagsCode(m); u.tags != tags {
				t.Fatalf("entry %d of %s/%d has the hash %d, want %d", m.QueueOffset, topic, id, u.tags, tags)
			}
			continue
		}
		got, err := s.queues.readExt(q, u.tags, buf[:])
		if err != nil {
			t.Fatalf("entry %d of %s/%d: %v", m.QueueOffset, topic, id, err)
		}
		if bits := lengthMap(nil, topic, m.Properties); got.tags != s.tagsCode(m) || got.storeTime != m.StoreTimestamp || !bytes.Equal(got.bitMap, bits) {
			t.Fatalf("entry %d of %s/%d: %+v, want the hash %d, the time %d, the bits %v", m.QueueOffset, topic, id, got, s.tagsCode(m), m.StoreTimestamp, bits)
		}
	}
}

// bitsOfTag is a bit map of one byte with a bit for each of the three tags of message.
func bitsOfTag(dst []byte, _, properties string) []byte {
	tag, _ := codec.Property(properties, protocol.PropertyTags)
	return append(dst, 1<<(tag[1]-'0'))
}

// tagByBits takes messages of the tag T1, by their bits, their hash, and in the end by themselves, which it counts.
type tagByBits struct {
	oneTag
	records int
}

func (*tagByBits) MatchBitMap(_ int64, bits []byte) bool {
	return len(bits) != 1 || bits[0]&(1<<1) != 0
}

func (f *tagByBits) MatchRecord(record []byte) bool {
	f.records++
	var m codec.Message
	_, err := codec.DecodeRecord(record, &m, false)
	return err == nil && bytes.Equal(bitsOfTag(nil, "", m.Properties), []byte{1 << 1})
}

// TestExtGarbage: whatever stands in the place of a unit, no message is hidden from its reader, while units that are whole save looking at
// the record.
func TestExtGarbage(t *testing.T) {
	const messages, unitSize = 300, extHead + 1
	for _, mapped := range []bool{true, false} {
		disk, rng := vfs.NewMemory(), rand.New(rand.NewPCG(1, 2))
		o := smallOptions(disk, "/store")
		o.QueueExtSize, o.BitMap, o.Tuning.QueueExt = 1<<20, bitsOfTag, true
		now := time.UnixMilli(1750000000000)
		o.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
		if !mapped { // but the last of several
			o.SegmentSize = 8 << 10
		}
		s := mustOpen(t, o)
		var want []int64
		for i := range messages {
			mustAppend(t, s, message("topic", 0, i))
			if i%3 == 1 {
				want = append(want, int64(i))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := disk.Open("/store/consumequeue_ext/topic/0/"+segmentName(0), true)
		if err != nil {
			t.Fatal(err)
		}
		whole := make([]byte, messages*unitSize)
		if _, err := f.ReadAt(whole, 0); err != nil {
			t.Fatal(err)
		}
		spoiled := 0
		for i := range messages {
			b := bytes.Clone(whole[i*unitSize : (i+1)*unitSize])
			switch rng.IntN(12) {
			case 0: // the unit of another message
				copy(b, whole[rng.IntN(messages)*unitSize:][:unitSize])
			case 1:
				clear(b)
			case 2:
				clear(b[2:])
			case 3: // another hash, other bits, another time
				clear(b[2:18])
				b[extHead] = 0
			case 4:
				binary.BigEndian.PutUint16(b, uint16(rng.IntN(1<<16)))
				b[extHead] = 0
			case 5:
				for k := range b {
					b[k] = byte(rng.Uint32())
				}
			default:
				continue
			}
			spoiled++
			if _, err := f.WriteAt(b, int64(i)*unitSize); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
		s = mustOpen(t, o)
		s.coolSegments()
		var got []int64
		var r GetResult
		filter := &tagByBits{oneTag: "T1"}
		cold := 0
		for q := (Query{Topic: "topic", MaxCount: 32, Filter: filter, NoWait: true}); q.Offset < messages; {
			s.Get(&q, &r)
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if q.NoWait = !r.Cold; r.Cold {
				cold++
				continue
			}
			got, q.Offset = append(got, r.QueueOffsets...), r.NextOffset
		}
		r.Release()
		if !slices.Equal(got, want) {
			t.Errorf("mapped %t: %v are found, want %v", mapped, got, want)
		}
		if most := 2*len(want) + spoiled; filter.records > most || filter.records == messages || mapped != (cold == 0) {
			t.Errorf("mapped %t: %d records were looked at, %d of %d units were spoiled, %d reads were cold", mapped, filter.records, spoiled, messages, cold)
		}
		units, err := s.Units("topic", 0, 0, messages)
		if err != nil || len(units) != messages {
			t.Fatalf("%d entries, %v", len(units), err)
		}
		for i, u := range units {
			if u.TagsCode != int64(compat.HashCode(fmt.Sprintf("T%d", i%3))) {
				t.Errorf("entry %d has the hash %d", i, u.TagsCode)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExtFiles: units go through the ends of files, stand as upstream wants them to, and files go when what they are about is
// gone, or deleted.
func TestExtFiles(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	o.QueueExtSize, o.BitMap, o.Tuning.QueueExt = 256, lengthMap, true
	s := mustOpen(t, o)
	var all []*codec.Message
	for i := range 300 {
		m := message("topic", 0, i)
		m.Body = make([]byte, 1000)
		mustAppend(t, s, m)
		all = append(all, m)
	}
	dispatchAll(t, s)
	checkExt(t, s, "topic", 0, all) // from memory
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	checkExt(t, s, "topic", 0, all)
	files := extFiles(t, disk)
	units := 0
	for i, base := range files {
		if base != int64(i)*o.QueueExtSize {
			t.Fatalf("the files begin at %v", files)
		}
		units += walkAsUpstream(t, disk, base, o.QueueExtSize)
	}
	if units != len(all) {
		t.Errorf("upstream would find %d units, want %d", units, len(all))
	}
	tuning := *s.tuning.Load()
	tuning.DeleteFilesBatch = 3
	if n, err := s.deleteSegments(t.Context(), &tuning, true); n != 3 || err != nil {
		t.Fatalf("%d segments went, %v", n, err)
	}
	if err := s.deleteDerived(); err != nil {
		t.Fatal(err)
	}
	lo, _, err := s.Bounds("topic", 0)
	if err != nil {
		t.Fatal(err)
	}
	checkExt(t, s, "topic", 0, all[lo:])
	if left := extFiles(t, disk); len(left) == 0 || len(left) > len(files)/2 {
		t.Errorf("%d of %d files are left, the queue begins at %d", len(left), len(files), lo)
	}
	if err := s.DeleteTopics([]string{"topic"}); err != nil {
		t.Fatal(err)
	}
	if left := extFiles(t, disk); len(left) != 0 {
		t.Errorf("files of a deleted topic are left: %v", left)
	}
	mustAppend(t, s, message("topic", 0, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := extFiles(t, disk); len(left) != 1 || left[0] != 0 || s.queues.pendingBytes.Load() != 0 {
		t.Errorf("the topic that was made again has the files %v, %d bytes are pending", left, s.queues.pendingBytes.Load())
	}
}

func extFiles(t *testing.T, disk *vfs.Memory) []int64 {
	t.Helper()
	entries, err := disk.ReadDir("/store/consumequeue_ext/topic/0")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var files []int64
	for _, e := range entries {
		base, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, base)
	}
	return files
}

// walkAsUpstream counts the units of a file as ConsumeQueueExt.recover does, which takes sizes as they come.
func walkAsUpstream(t *testing.T, disk *vfs.Memory, base, size int64) (units int) {
	t.Helper()
	f, err := disk.Open("/store/consumequeue_ext/topic/0/"+segmentName(base), false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatalf("the file at %d: %v", base, err)
	}
	for {
		n := int(int16(binary.BigEndian.Uint16(b)))
		if n <= 0 {
			return units
		}
		b = b[n:]
		units++
	}
}

// TestExtAfterLoss: entries that a crash took leave units behind, which must not be taken for others.
func TestExtAfterLoss(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	o.QueueExtSize, o.BitMap, o.Tuning.QueueExt = 256, lengthMap, true
	s := mustOpen(t, o)
	var all []*codec.Message
	for i := range 20 {
		m := message("topic", 0, i)
		mustAppend(t, s, m)
		all = append(all, m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	queue, err := disk.Open("/store/consumequeue/topic/0/"+segmentName(0), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Zero(3*queueUnit, 17*queueUnit); err != nil { // so that dispatching begins in the midst
		t.Fatal(err)
	}
	queue.Close()
	if err := disk.Remove("/store/checkpoint"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	dispatchAll(t, s)
	checkExt(t, s, "topic", 0, all)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	units := 0
	for _, base := range extFiles(t, disk) {
		units += walkAsUpstream(t, disk, base, o.QueueExtSize)
	}
	if units != len(all) {
		t.Errorf("%d units stand for %d messages", units, len(all))
	}
}

func FuzzExt(f *testing.F) {
	f.Add(appendExt(nil, extUnit{tags: -7, storeTime: 1750000000000, bitMap: []byte{1, 2, 3}}))
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, ok := decodeExt(b)
		if !ok {
			return
		}
		if u.size() > len(b) {
			t.Fatalf("%d bytes out of %d", u.size(), len(b))
		}
		again, ok := decodeExt(appendExt(nil, u))
		if !ok || again.tags != u.tags || again.storeTime != u.storeTime || !bytes.Equal(again.bitMap, u.bitMap) {
			t.Fatalf("%+v became %+v", u, again)
		}
	})
}

// TestOddRecords: records with IPv6 hosts and of topics that are too long for a V1 record are stored, found and recovered.
func TestOddRecords(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	s := mustOpen(t, o)
	long := "%RETRY%" + strings.Repeat("g", 200)
	v6 := netip.MustParseAddrPort("[2001:db8::7]:10911")
	var all []*codec.Message
	for i := range 40 {
		m := message([]string{"topic", long}[i%2], 0, i)
		if i%3 == 0 {
			m.BornHost = v6
		}
		if i%5 == 0 {
			m.StoreHost = v6
		}
		mustAppend(t, s, m)
		all = append(all, m)
	}
	disk.Inject(func(vfs.Op) error { return errCut })
	s.Close()
	o.FS = disk.Reboot()
	s = mustOpen(t, o)
	dispatchAll(t, s)
	for i, topic := range []string{"topic", long} {
		got := readAll(t, s, topic, 0)
		if len(got) != 20 {
			t.Fatalf("%d messages of %s", len(got), topic)
		}
		for k, m := range got {
			if want := all[2*k+i]; m.BornHost != want.BornHost || m.StoreHost != want.StoreHost || m.Topic != want.Topic {
				t.Errorf("message %d: %v, %v, %s", k, m.BornHost, m.StoreHost, m.Topic)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
