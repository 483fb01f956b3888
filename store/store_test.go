package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testHost = netip.MustParseAddrPort("127.0.0.1:10911")

// smallOptions is a store whose files are so small that tests cross their ends.
func smallOptions(fs vfs.FS, root string) Options {
	o := NewOptions(root)
	o.FS = fs
	o.SegmentSize = 64 << 10
	o.QueueFileSize = 100 * queueUnit
	o.IndexSlots, o.IndexEntries = 50, 200
	o.OpenFiles = 16
	o.StoreHost = testHost
	return o
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Event == nil {
		o.Event = func(e Event) { t.Logf("event: %s %v", e.Text, e.Err) }
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running runs a store until the test ends or stop is called; stop closes it too.
func running(t testing.TB, s *Store) (stop func()) {
	cancel := runOnly(t, s)
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// runOnly runs a store until cancel, which waits for the end.
func runOnly(t testing.TB, s *Store) (cancel func()) {
	ctx, end := context.WithCancelCause(context.Background())
	why := errors.New("the test is over")
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != why {
			t.Errorf("run returned %v", err)
		}
	})
	return func() {
		end(why)
		wg.Wait()
	}
}

// message is a message that can be told from others by its body.
func message(topic string, queue int32, n int) *codec.Message {
	return &codec.Message{
		Topic: topic, QueueID: queue, BornTimestamp: 1750000000000, BornHost: testHost,
		Body:       []byte(fmt.Sprintf("%s/%d: message %d ", topic, queue, n) + strings.Repeat("x", n%97)),
		Properties: fmt.Sprintf("UNIQ_KEY\x01U%s%d.%d\x02KEYS\x01k%d all\x02TAGS\x01T%d\x02", topic, queue, n, n, n%3),
	}
}

func mustAppend(t testing.TB, s *Store, m *codec.Message) AppendResult {
	t.Helper()
	r, err := s.Append(m)
	if err != nil || r.Status != PutOK {
		t.Fatalf("append: %v, %v", r.Status, err)
	}
	return r
}

// readAll reads a queue from its first message to its end.
func readAll(t testing.TB, s *Store, topic string, queue int32) []codec.Message {
	t.Helper()
	lo, _, err := s.Bounds(topic, queue)
	if err != nil {
		t.Fatal(err)
	}
	var list []codec.Message
	var r GetResult
	q := Query{Topic: topic, QueueID: queue, Offset: lo, MaxCount: 32}
	for {
		s.Get(&q, &r)
		if r.Status != Found {
			if r.Status != OffsetOverflowOne && r.Status != NoMessageInQueue || r.Err != nil {
				t.Fatalf("get at %d: %v, %v", q.Offset, r.Status, r.Err)
			}
			return list
		}
		b := bytes.Clone(bytes.Join(r.Buffers, nil))
		offs := append([]int64(nil), r.QueueOffsets...)
		for len(b) > 0 {
			var m codec.Message
			if b, err = codec.DecodeRecord(b, &m, true); err != nil {
				t.Fatalf("record of %s/%d: %v", topic, queue, err)
			}
			if m.QueueOffset != offs[0] && !isLightEntry(&m, topic, queue, offs[0]) {
				t.Fatalf("record says queue offset %d where %d was asked for", m.QueueOffset, offs[0])
			}
			offs = offs[1:]
			list = append(list, m)
		}
		if len(offs) != 0 {
			t.Fatalf("%d records are missing in the buffers", len(offs))
		}
		q.Offset = r.NextOffset
		r.Release()
	}
}

// checkQueue compares a queue with the messages that were sent to it.
func checkQueue(t testing.TB, s *Store, topic string, queue int32, want []*codec.Message) {
	t.Helper()
	got := readAll(t, s, topic, queue)
	if len(got) != len(want) {
		t.Fatalf("%s/%d has %d messages, want %d", topic, queue, len(got), len(want))
	}
	for i := range got {
		g, w := &got[i], want[i]
		if g.Topic != w.Topic || g.QueueID != w.QueueID || !bytes.Equal(g.Body, w.Body) || g.Properties != w.Properties ||
			g.PhysicalOffset != w.PhysicalOffset || g.QueueOffset != w.QueueOffset || g.StoreTimestamp != w.StoreTimestamp {
			t.Fatalf("%s/%d: message %d of %d is at %d, offset %d, %.30q; want it at %d, offset %d, %.30q", topic, queue, i, len(got),
				g.PhysicalOffset, g.QueueOffset, g.Body, w.PhysicalOffset, w.QueueOffset, w.Body)
		}
	}
}

// fill appends n messages over some queues and returns them by queue.
type sent map[string][]*codec.Message

func (x sent) fill(t testing.TB, s *Store, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		m := message(fmt.Sprintf("topic%d", i%3), int32(i%2), i)
		mustAppend(t, s, m)
		key := fmt.Sprintf("%s %d", m.Topic, m.QueueID)
		x[key] = append(x[key], m)
	}
}

func (x sent) check(t testing.TB, s *Store) {
	t.Helper()
	for key, want := range x {
		var topic string
		var queue int32
		fmt.Sscan(key, &topic, &queue)
		checkQueue(t, s, topic, queue, want)
	}
}

// dispatchAll waits until everything appended so far can be read.
func dispatchAll(t testing.TB, s *Store) {
	t.Helper()
	if s.o.FlushMode == SyncFlush {
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.dispatchConfirmed(); err != nil {
		t.Fatal(err)
	}
}

// disks are the file systems that a test should work on alike.
func disks(t *testing.T, test func(t *testing.T, fs vfs.FS, root string)) {
	t.Run("memory", func(t *testing.T) {
		m := vfs.NewMemory()
		test(t, m, "/store")
		if open := m.OpenFiles(); len(open) > 0 {
			t.Errorf("left open: %v", open)
		}
		if bad := m.UnallocatedWrites(); len(bad) > 0 {
			t.Errorf("written through a mapping without having been allocated: %v", bad)
		}
	})
	t.Run("os", func(t *testing.T) { test(t, vfs.OS{}, t.TempDir()) })
}

func TestAppendGetReopen(t *testing.T) {
	disks(t, func(t *testing.T, fs vfs.FS, root string) {
		x := sent{}
		next := 0
		for range 3 { // each round opens what the one before left; together they fill several segments and queue files
			s := mustOpen(t, smallOptions(fs, root))
			x.check(t, s)
			stop := running(t, s)
			x.fill(t, s, next, 1000)
			next += 1000
			dispatchAll(t, s)
			x.check(t, s)
			stop()
			if _, err := fs.Stat(root + "/abort"); err == nil {
				t.Error("abort is left after a clean stop")
			}
		}
	})
}

func TestGetStatuses(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	running(t, s)
	x := sent{}
	x.fill(t, s, 0, 30) // five in each queue
	dispatchAll(t, s)
	tests := []struct {
		topic  string
		offset int64
		status GetStatus
		next   int64
	}{
		{"topic0", 0, Found, 5},
		{"topic0", 4, Found, 5},
		{"topic0", 5, OffsetOverflowOne, 5},
		{"topic0", 6, OffsetOverflowBadly, 5},
		{"topic0", -1, OffsetTooSmall, 0},
		{"unknown", 7, NoMessageInQueue, 0},
	}
	var r GetResult
	for _, tt := range tests {
		s.Get(&Query{Topic: tt.topic, Offset: tt.offset, MaxCount: 32}, &r)
		if r.Status != tt.status || r.NextOffset != tt.next || r.Err != nil {
			t.Errorf("%s at %d: %v, next %d, %v; want %v, next %d", tt.topic, tt.offset, r.Status, r.NextOffset, r.Err, tt.status, tt.next)
		}
	}
	s.Get(&Query{Topic: "topic0", Offset: 0, MaxCount: 2}, &r)
	if r.Count != 2 || r.NextOffset != 2 || r.MinOffset != 0 || r.MaxOffset != 5 {
		t.Errorf("two of five: count %d, next %d, min %d, max %d", r.Count, r.NextOffset, r.MinOffset, r.MaxOffset)
	}
	s.Get(&Query{Topic: "topic0", Offset: 0, MaxCount: 32, MaxBytes: 1}, &r)
	if r.Count != 1 {
		t.Errorf("with a bound of one byte %d messages came, want 1", r.Count)
	}
	r.Release()
}

func TestAppendRefusals(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	running(t, s)
	tests := []struct {
		name   string
		change func(m *codec.Message)
		want   Status
	}{
		{"no body", func(m *codec.Message) { m.Body = nil }, MessageIllegal},
		{"no topic", func(m *codec.Message) { m.Topic = "" }, MessageIllegal},
		{"long topic", func(m *codec.Message) { m.Topic = strings.Repeat("t", 128) }, MessageIllegal},
		{"longer retry topic", func(m *codec.Message) { m.Topic = "%RETRY%" + strings.Repeat("t", 250) }, MessageIllegal},
		{"long body", func(m *codec.Message) { m.Body = make([]byte, DefaultMaxMessage+1) }, MessageIllegal},
		{"long properties", func(m *codec.Message) { m.Properties = strings.Repeat("p", 32768) }, PropertiesSizeExceeded},
		{"more than a segment", func(m *codec.Message) { m.Body = make([]byte, 64<<10) }, MessageIllegal},
	}
	for _, tt := range tests {
		m := message("t", 0, 1)
		tt.change(m)
		if r, err := s.Append(m); r.Status != tt.want || err == nil {
			t.Errorf("%s: %v, %v; want %v", tt.name, r.Status, err, tt.want)
		}
	}
	if _, end := s.LogRange(); end != 0 {
		t.Errorf("refused messages left %d bytes in the log", end)
	}
	m := message("%RETRY%"+strings.Repeat("g", 200), 0, 1)
	mustAppend(t, s, m)
}

func TestLockedByAnother(t *testing.T) {
	disks(t, func(t *testing.T, fs vfs.FS, root string) {
		s := mustOpen(t, smallOptions(fs, root))
		if _, err := Open(smallOptions(fs, root)); !errors.Is(err, vfs.ErrLocked) {
			t.Errorf("a second store on the same directory: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, smallOptions(fs, root))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("closed again: %v", err)
		}
		if r, err := s.Append(message("t", 0, 0)); r.Status != ServiceNotAvailable || err == nil {
			t.Errorf("append after close: %v, %v", r.Status, err)
		}
	})
}

func TestArrivals(t *testing.T) {
	o := smallOptions(vfs.NewMemory(), "/store")
	var mu sync.Mutex
	var got []string
	o.OnArrive = func(batch []Arrival) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range batch {
			got = append(got, fmt.Sprintf("%s/%d@%d %d", a.Topic, a.QueueID, a.QueueOffset, codec.RecordQueueOffset(a.Record)))
		}
	}
	s := mustOpen(t, o)
	stop := running(t, s)
	var want []string
	for i := range 300 {
		r := mustAppend(t, s, message("t", int32(i%2), i))
		want = append(want, fmt.Sprintf("t/%d@%d %d", i%2, r.QueueOffset, r.QueueOffset))
	}
	stop()
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("arrivals:\n%s\nwant:\n%s", a, b)
	}
}

func TestAwait(t *testing.T) {
	for _, mode := range []FlushMode{AsyncFlush, SyncFlush} {
		t.Run(mode.String(), func(t *testing.T) {
			disk := vfs.NewMemory()
			o := smallOptions(disk, "/store")
			o.FlushMode = mode
			s := mustOpen(t, o)
			running(t, s)
			var wg sync.WaitGroup
			for p := range 4 {
				wg.Go(func() {
					for i := range 50 {
						r := mustAppend(t, s, message("t", int32(p), i))
						done := make(chan Status, 1)
						s.Await(r.End(), Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
						if st := <-done; st != PutOK || s.FlushedTo() < r.End() {
							t.Errorf("%v with %d of %d synced", st, s.FlushedTo(), r.End())
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
