package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

const officialDir = "../testdata/official-5.5.0"

// The sizes that the recorded official directory was made with.
func officialShape(fsys vfs.FS) Options {
	return Options{FS: fsys, IndexSlots: 50, IndexEntries: 120}
}

// official is a disk with the recorded official directory.
func official(t *testing.T) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	err := filepath.WalkDir(officialDir, func(name string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(filepath.ToSlash(name), officialDir)
		if err != nil || d.IsDir() || path.Ext(rel) != "" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return writeFile(disk, "/store"+rel, b)
	})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

func writeFile(disk vfs.FS, name string, b []byte) error {
	if err := disk.MkdirAll(path.Dir(name)); err != nil {
		return err
	}
	f, err := disk.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Close()
}

// ours are the options of a store with small files.
func ours(disk vfs.FS) store.Options {
	o := store.NewOptions("/store")
	o.FS = disk
	o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries = 16<<10, 20*unitSize, 50, 200
	o.StoreHost = netip.MustParseAddrPort("127.0.0.1:10911")
	now := time.UnixMilli(1750000000000)
	o.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
	return o
}

func oursShape(fsys vfs.FS) Options {
	return Options{FS: fsys, IndexSlots: 50, IndexEntries: 200}
}

// filled is a disk with a store of n messages that was stopped cleanly, over two topics of two queues.
func filled(t *testing.T, n int) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	fill(t, ours(disk), n)
	return disk
}

func fill(t *testing.T, o store.Options, n int) {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := &codec.Message{
			Topic: fmt.Sprintf("t%d", i%2), QueueID: int32(i / 2 % 2), BornTimestamp: 1750000000000,
			BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Body: []byte(fmt.Sprintf("body %d %s", i, strings.Repeat("x", i%200))),
			Properties: fmt.Sprintf("UNIQ_KEY\x01U%d\x02KEYS\x01k%d all\x02TAGS\x01T%d\x02", i, i, i%3),
		}
		if r, err := s.Append(m); err != nil || r.Status != store.PutOK {
			t.Fatal(r.Status, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t *testing.T, o Options) *Dir {
	t.Helper()
	d, err := Open("/store", o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustVerify(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := mustOpen(t, o).Verify(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lines(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// snapshot is every file's content.
func snapshot(t *testing.T, disk vfs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := disk.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				all[name] = "directory"
				walk(name)
				continue
			}
			all[name] = string(content(t, disk, name))
		}
	}
	walk("/")
	return all
}

func content(t *testing.T, disk vfs.FS, name string) []byte {
	t.Helper()
	b, err := (&Dir{o: Options{FS: disk}}).readFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVerifyIntact(t *testing.T) {
	tests := []struct {
		name           string
		disk           *vfs.Memory
		shape          func(vfs.FS) Options
		records, units int64
	}{
		{"official", official(t), officialShape, 63, 63},
		{"ours", filled(t, 500), oursShape, 500, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := snapshot(t, tt.disk)
			r := mustVerify(t, tt.shape(tt.disk))
			if len(r.List) > 0 {
				t.Errorf("found in an intact store:\n%s", lines(r.List))
			}
			if r.Records != tt.records || r.Units != tt.units || r.Entries < r.Records {
				t.Errorf("%d records, %d units, %d index entries were compared; want %d, %d and at least as many", r.Records, r.Units, r.Entries, tt.records, tt.units)
			}
			if after := snapshot(t, tt.disk); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("looking has changed the disk")
			}
			if open := tt.disk.OpenFiles(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// overwrite changes bytes of a file.
func overwrite(t *testing.T, disk vfs.FS, name string, off int64, b []byte) {
	t.Helper()
	f, err := disk.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if off < 0 {
		size, _ := f.Size()
		off += size
	}
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// cut changes a file's length.
func cut(t *testing.T, disk vfs.FS, name string, size int64) {
	t.Helper()
	f, err := disk.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

const (
	firstSegment  = "/store/commitlog/00000000000000000000"
	secondSegment = "/store/commitlog/00000000000000016384"
	firstQueue    = "/store/consumequeue/t0/0/00000000000000000000"
)

// indexName is the first index file.
func indexName(t *testing.T, disk vfs.FS) string {
	t.Helper()
	entries, err := disk.ReadDir("/store/index")
	if err != nil || len(entries) == 0 {
		t.Fatal("no index file", err)
	}
	return "/store/index/" + entries[0].Name()
}

func word(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// spoiled is one thing that is wrong in a good store.
type spoiled struct {
	name  string
	spoil func(t *testing.T, d *vfs.Memory)
	want  []string // parts of the text of a damage each
}

// ways are ways to spoil a store of 500 messages.
func ways() []spoiled {
	return []spoiled{
		{"a byte of a body", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstSegment, 90, []byte{0}) }, []string{"hold no whole record"}},
		{"zeros in the second segment", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, secondSegment, 3000, make([]byte, 2000)) }, []string{"hold no whole record"}},
		{"a segment of zeros", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, secondSegment, 0, make([]byte, 16384)) }, []string{"hold no whole record"}},
		{"a segment gone", func(t *testing.T, d *vfs.Memory) { d.Remove(secondSegment) }, []string{"the log lacks what lies before"}},
		{"a short segment", func(t *testing.T, d *vfs.Memory) { cut(t, d, secondSegment, 100) }, []string{"100 bytes where its neighbours"}},
		{"a stray file in the log", func(t *testing.T, d *vfs.Memory) { writeFile(d, "/store/commitlog/x.tmp", []byte("x")) }, []string{"no name of a file that belongs here"}},
		{"a unit that points elsewhere", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstQueue, 3*unitSize, word(77)) }, []string{"where its message lies at"}},
		{"a unit that points ahead", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstQueue, 3*unitSize, word(7777)) }, []string{"where no message of this queue"}},
		{"a wrong tag hash", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstQueue, 3*unitSize+12, word(77)) }, []string{"tag hash is 77"}},
		{"zeros in a queue", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstQueue, 3*unitSize, make([]byte, 40)) }, []string{"2 messages have no entry"}},
		{"a queue file gone", func(t *testing.T, d *vfs.Memory) { d.Remove(firstQueue) }, []string{"messages have no entry"}},
		{"a queue gone", func(t *testing.T, d *vfs.Memory) { d.RemoveAll("/store/consumequeue/t0/0") }, []string{"messages have no entry"}},
		{"an entry behind the log", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, "/store/consumequeue/t0/0/00000000000000002400", 5*unitSize, append(word(1<<40), 0, 0, 1, 0))
		}, []string{"behind the end of the log"}},
		{"an index entry", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, indexName(t, d), 40+4*50+20*7+4, word(5)) }, []string{"where no message lies"}},
		{"an index hash", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, indexName(t, d), 40+4*50+20*7, []byte{0, 0, 0, 1}) }, []string{"has no such key"}},
		{"an index slot", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, indexName(t, d), 40, make([]byte, 4*50)) }, []string{"50 slots do not lead"}},
		{"a checkpoint from the future", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, "/store/checkpoint", 0, word(1<<60)) }, []string{"in the future"}},
		{"a checkpoint beyond the log", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, "/store/checkpoint", 40, word(1<<40)) }, []string{"but the log ends"}},
		{"a short checkpoint", func(t *testing.T, d *vfs.Memory) { cut(t, d, "/store/checkpoint", 10) }, []string{"10 bytes where 4096"}},
		{"a consumer ahead", func(t *testing.T, d *vfs.Memory) {
			writeFile(d, "/store/config/consumerOffset.json", []byte(`{"offsetTable":{"t0@g":{0:5,1:999}}}`))
		}, []string{"group g has consumed t0/1 up to 999"}},
		{"configuration without a copy", func(t *testing.T, d *vfs.Memory) {
			writeFile(d, "/store/config/topics.json", []byte(`{"dataVersion":`))
		}, []string{"nor can its copy"}},
	}
}

// TestVerifyDamage spoils one thing in a good store and expects it to be found.
func TestVerifyDamage(t *testing.T) {
	for _, tt := range ways() {
		t.Run(tt.name, func(t *testing.T) {
			d := filled(t, 500)
			tt.spoil(t, d)
			r := mustVerify(t, oursShape(d))
			for _, want := range tt.want {
				found := false
				for _, f := range r.List {
					found = found || f.Severity == Damage && strings.Contains(f.Text, want)
				}
				if !found {
					t.Errorf("no damage says %q:\n%s", want, lines(r.List))
				}
			}
			if r.Damaged == 0 {
				t.Error("nothing counts as damage")
			}
		})
	}
}

// TestVerifyHarmless: what the next start puts right, and what needs nothing, is no damage.
func TestVerifyHarmless(t *testing.T) {
	killed := func(t *testing.T) *vfs.Memory {
		disk := vfs.NewMemory()
		s, err := store.Open(ours(disk))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			m := &codec.Message{Topic: "t0", BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Body: []byte(fmt.Sprint(i)), Properties: fmt.Sprintf("KEYS\x01k%d\x02", i)}
			if _, err := s.Append(m); err != nil {
				t.Fatal(err)
			}
		}
		disk.Inject(func(vfs.Op) error { return errors.New("killed") })
		s.Close()
		return disk.Kill()
	}
	tests := []struct {
		name string
		disk func(t *testing.T) *vfs.Memory
		note string
	}{
		{"killed", killed, ""},
		{"killed, a torn tail", func(t *testing.T) *vfs.Memory {
			d := killed(t)
			r := mustVerify(t, oursShape(d))
			overwrite(t, d, fmt.Sprintf("/store/commitlog/%020d", r.LogEnd/16384*16384), r.LogEnd%16384, bytes.Repeat([]byte{7}, 60))
			return d
		}, "overwrites"},
		{"a topic deleted", func(t *testing.T) *vfs.Memory {
			d := filled(t, 100)
			d.RemoveAll("/store/consumequeue/t0")
			return d
		}, "was deleted"},
		{"no queues", func(t *testing.T) *vfs.Memory {
			d := filled(t, 100)
			d.RemoveAll("/store/consumequeue")
			return d
		}, "no consume queues"},
		{"configuration with a copy", func(t *testing.T) *vfs.Memory {
			d := filled(t, 100)
			writeFile(d, "/store/config/topics.json", []byte(`{"dataVersion":`))
			writeFile(d, "/store/config/topics.json.bak", []byte(`{"dataVersion":{"counter":1}}`))
			return d
		}, "its copy .bak can"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mustVerify(t, oursShape(tt.disk(t)))
			if r.Damaged > 0 {
				t.Errorf("counts as damage:\n%s", lines(r.List))
			}
			if !strings.Contains(lines(r.List), tt.note) {
				t.Errorf("nothing says %q:\n%s", tt.note, lines(r.List))
			}
		})
	}
}

// TestTopicMadeAnew: a topic that was deleted and made again has messages with the same offsets twice in the log.
func TestTopicMadeAnew(t *testing.T) {
	disk := vfs.NewMemory()
	s, err := store.Open(ours(disk))
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int) {
		for i := range n {
			m := &codec.Message{Topic: "t0", BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Body: []byte(fmt.Sprint(i))}
			if _, err := s.Append(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(40)
	if err := s.DeleteTopics([]string{"t0"}); err != nil {
		t.Fatal(err)
	}
	put(15)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, oursShape(disk)); len(r.List) > 0 {
		t.Errorf("found:\n%s", lines(r.List))
	}
}

func TestDump(t *testing.T) {
	disk := filled(t, 500)
	tests := []struct {
		name   string
		filter Filter
		want   int
	}{
		{"all", Filter{Queue: -1}, 500},
		{"a topic", Filter{Topic: "t1", Queue: -1}, 250},
		{"a queue", Filter{Topic: "t1", Queue: 1}, 125},
		{"a key", Filter{Queue: -1, Key: "k77"}, 1},
		{"a unique key", Filter{Queue: -1, Key: "U78"}, 1},
		{"a key of many", Filter{Topic: "t0", Queue: -1, Key: "all"}, 250},
		{"a tag", Filter{Queue: -1, Tag: "T0"}, 167},
		{"a limit", Filter{Queue: -1, Limit: 7}, 7},
		{"nothing", Filter{Topic: "other", Queue: -1}, 0},
		{"from the second file on", Filter{Queue: -1, Begin: 16384}, 500 - 60},
		{"before the first", Filter{Queue: -1, To: 1}, 0},
		{"after the last", Filter{Queue: -1, From: 1 << 50}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			tt.filter.Body = true
			n, err := mustOpen(t, oursShape(disk)).Dump(t.Context(), tt.filter, &out, func(from, to int64, cause error) { t.Errorf("hole from %d to %d: %v", from, to, cause) })
			if err != nil {
				t.Fatal(err)
			}
			dec := json.NewDecoder(&out)
			got := 0
			for dec.More() {
				var r Record
				if err := dec.Decode(&r); err != nil {
					t.Fatal(err)
				}
				got++
				if tt.filter.Topic != "" && r.Topic != tt.filter.Topic || r.Body == nil || len(*r.Body) != r.BodySize || r.Properties["UNIQ_KEY"] == "" {
					t.Errorf("%+v", r)
				}
			}
			if int64(got) != n {
				t.Errorf("%d lines, %d are said to be written", got, n)
			}
			if tt.name == "from the second file on" {
				if got == 0 || got == 500 {
					t.Errorf("%d messages", got)
				}
			} else if got != tt.want {
				t.Errorf("%d messages, want %d", got, tt.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	disk := filled(t, 500)
	l, err := mustOpen(t, oursShape(disk)).List()
	if err != nil {
		t.Fatal(err)
	}
	if l.Unclean || len(l.Queues) != 4 || len(l.Indexes) == 0 || !l.Checkpoint.Own || len(l.Findings) > 0 {
		t.Errorf("%+v", l)
	}
	for _, q := range l.Queues {
		if q.Min != 0 || q.Max != 125 || q.First == 0 || q.Last <= q.First {
			t.Errorf("%+v", q)
		}
	}
	if g := l.Segments[1]; g.Base != 16384 || g.First <= l.Segments[0].First {
		t.Errorf("%+v", g)
	}
}

func TestOpenRefusals(t *testing.T) {
	disk := vfs.NewMemory()
	writeFile(disk, "/file", nil)
	disk.MkdirAll("/empty")
	for name, want := range map[string]string{"/none": "not exist", "/file": "is a file", "/empty": "holds no message store"} {
		if _, err := Open(name, Options{FS: disk}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", name, err, want)
		}
	}
}
