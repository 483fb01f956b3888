package compaction

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

const (
	testTopic = "Compacted"
	testRoot  = "/store/compaction"
)

// testSizes are nine messages to a segment, of at most some 300 bytes.
var testSizes = func() Sizes {
	s, err := NewSizes(2300, 460)
	if err != nil {
		panic(err)
	}
	return s
}()

func testOptions(t testing.TB, fs vfs.FS) Options {
	return Options{
		Root: testRoot, FS: fs, Sizes: testSizes, MapBytes: 1 << 20, Workers: 1, Interval: time.Hour, Handles: 4, Trusted: true,
		Now:  func() time.Time { return time.UnixMilli(1000) },
		Rand: func(int64) int64 { return 0 },
		Event: func(text string, err error) {
			if err != nil {
				t.Logf("%s: %v", text, err)
			}
		},
	}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// message is one of the model's.
type message struct {
	key, body string
	offset    int64
}

// record makes the commit log's record of a message.
func (m message) record(t testing.TB) *Record {
	t.Helper()
	r := codec.Message{
		Topic: testTopic, QueueID: 0, QueueOffset: m.offset, PhysicalOffset: 10_000 + 1000*m.offset, BornTimestamp: 5, StoreTimestamp: 1000 + m.offset,
		BornHost: netip.MustParseAddrPort("127.0.0.1:1"), StoreHost: netip.MustParseAddrPort("127.0.0.1:2"),
		Body: []byte(m.body), Properties: "KEYS\x01" + m.key + "\x02TAGS\x01T\x02",
	}
	b, err := codec.AppendRecord(nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	return &Record{Bytes: b, QueueOffset: m.offset, TagsCode: 84, StoreTime: r.StoreTimestamp}
}

func appendAll(t testing.TB, s *Store, list []message) {
	t.Helper()
	for _, m := range list {
		if err := s.Append(testTopic, 0, m.record(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// cycle is n messages from an offset on, with keys that come again and again.
func cycle(from int64, n, keys int) []message {
	list := make([]message, n)
	for i := range list {
		off := from + int64(i)
		list[i] = message{key: fmt.Sprint("k", off%int64(keys)), body: fmt.Sprint("body ", off), offset: off}
	}
	return list
}

func readQuery(off int64) *Query {
	return &Query{
		Topic: testTopic, Offset: off, MaxCount: 32, MaxBytes: 1 << 20, InMemory: 1 << 30,
		MemBytes: 1 << 18, MemCount: 32, DiskBytes: 1 << 16, DiskCount: 8, Buffer: func(n int) []byte { return make([]byte, n) },
	}
}

// readAll reads a queue from an offset to its end, and checks the form of every answer.
func readAll(t testing.TB, s *Store, off int64) []message {
	t.Helper()
	var list []message
	var r Result
	for {
		if err := s.Get(readQuery(off), &r); err != nil {
			t.Fatal(err)
		}
		if r.Status != Found {
			if r.Status != OverflowOne && r.Status != NoMessage && r.Status != NoQueue {
				t.Fatalf("reading at %d ended with status %d, bounds %d and %d", off, r.Status, r.MinOffset, r.MaxOffset)
			}
			return list
		}
		rest := r.Data
		for i := range r.Offsets {
			var m codec.Message
			var err error
			if rest, err = codec.DecodeRecord(rest, &m, true); err != nil {
				t.Fatal(err)
			}
			if m.QueueOffset != r.Offsets[i] || m.StoreSize != r.Sizes[i] || m.QueueOffset < off {
				t.Fatalf("offset %d and size %d of a message that says %d and %d, read from %d", r.Offsets[i], r.Sizes[i], m.QueueOffset, m.StoreSize, off)
			}
			off = m.QueueOffset + 1
			list = append(list, message{key: keyOf(&m), body: string(m.Body), offset: m.QueueOffset})
		}
		if len(rest) > 0 || r.NextOffset != off {
			t.Fatalf("%d bytes are left, the next offset is %d where %d is expected", len(rest), r.NextOffset, off)
		}
	}
}

// decodeAll takes records apart.
func decodeAll(t testing.TB, b []byte) (list []message) {
	t.Helper()
	for len(b) > 0 {
		var m codec.Message
		var err error
		if b, err = codec.DecodeRecord(b, &m, true); err != nil {
			t.Fatal(err)
		}
		list = append(list, message{key: keyOf(&m), body: string(m.Body), offset: m.QueueOffset})
	}
	return list
}

// kept is what must at least be there: the newest message of each key that has a body.
func kept(all []message) []message {
	newest := map[string]message{}
	for _, m := range all {
		newest[m.key] = m
	}
	list := slices.Collect(maps.Values(newest))
	list = slices.DeleteFunc(list, func(m message) bool { return m.body == "" })
	slices.SortFunc(list, func(a, b message) int { return int(a.offset - b.offset) })
	return list
}

// check compares a queue with the model: nothing that was not sent, in order, and the newest of each key.
func check(t testing.TB, s *Store, all []message) {
	t.Helper()
	got := readAll(t, s, 0)
	sent := map[message]bool{}
	for _, m := range all {
		sent[m] = true
	}
	for i, m := range got {
		if !sent[m] {
			t.Fatalf("%+v was never sent", m)
		}
		if i > 0 && m.offset <= got[i-1].offset {
			t.Fatalf("%d follows %d", m.offset, got[i-1].offset)
		}
	}
	for _, m := range kept(all) {
		if !slices.Contains(got, m) {
			t.Fatalf("%+v is missing among %d messages", m, len(got))
		}
	}
}

func compactNow(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Compact(context.Background(), testTopic, 0); err != nil {
		t.Fatal(err)
	}
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
