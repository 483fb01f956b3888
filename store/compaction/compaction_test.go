package compaction

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/store/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The figures are of the official CompactionLog.getCompactionLogSize, worked out by hand.
func TestSizes(t *testing.T) {
	for _, c := range []struct{ log, queue, wantLog, wantQueue int64 }{
		{104857600, 10485760, 104857460, 10485746},
		{2300, 460, 2760, 460},   // no rest: one more
		{1000, 460, 2300, 460},   // at least five
		{2400, 461, 2300, 460},   // a small rest is left
		{2600, 460, 2760, 460},   // a large one is filled
		{23000, 500, 23460, 460}, // 50 and nothing
	} {
		got, err := NewSizes(c.log, c.queue)
		if err != nil || got.Log != c.wantLog || got.Queue != c.wantQueue {
			t.Errorf("%d and %d: %+v, %v, want %d and %d", c.log, c.queue, got, err, c.wantLog, c.wantQueue)
		}
	}
	for _, c := range [][2]int64{{1 << 31, 460}, {2300, 91}, {2300, 0}, {2300, -1}} {
		if got, err := NewSizes(c[0], c[1]); err == nil {
			t.Errorf("%d and %d make %+v, want an error", c[0], c[1], got)
		}
	}
}

func TestUnit(t *testing.T) {
	u := unit{pos: 1 << 40, size: 300, tags: -5, time: 1 << 41, offset: 7}
	b := u.append(nil)
	if got, ok := decodeUnit(b); !ok || got != u || len(b) != unitSize {
		t.Errorf("got %+v, %v of %d bytes", got, ok, len(b))
	}
	if end := appendEnd(nil); len(end) != unitSize {
		t.Errorf("an end mark has %d bytes", len(end))
	} else if _, ok := decodeUnit(end); ok {
		t.Error("an end mark is taken for a message")
	}
	if _, ok := decodeUnit(make([]byte, unitSize)); ok {
		t.Error("zeros are taken for a message")
	}
}

func TestKeyMap(t *testing.T) {
	m := newKeyMap(64 << 10)
	want := map[string]int64{}
	rng := rand.New(rand.NewPCG(1, 2))
	off := int64(0)
	for {
		key := fmt.Sprint(rng.IntN(100_000))
		if !m.put(key, off) {
			if _, known := want[key]; known {
				t.Fatal("a key that is known was refused")
			}
			break
		}
		want[key] = off
		off++
	}
	if n := len(m.slots) * keySlotSize; n > 64<<10 || len(want) < 1000 {
		t.Errorf("%d keys take %d bytes", len(want), n)
	}
	for key, off := range want {
		if got := m.newest(key); got != off {
			t.Fatalf("key %s has %d, want %d", key, got, off)
		}
	}
	if got := m.newest("absent"); got != -1 || m.through != off-1 {
		t.Errorf("an absent key has %d; through %d, want %d", got, m.through, off-1)
	}
	if least := newKeyMap(0); least.most != leastKeys {
		t.Errorf("without memory there is room for %d keys", least.most)
	}
}

func TestReadStatuses(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	status := func(off int64) Result {
		var r Result
		if err := s.Get(readQuery(off), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := status(7); r.Status != NoQueue || r.NextOffset != 0 || r.MinOffset != 0 || r.MaxOffset != 0 {
		t.Errorf("without a queue: %+v", r)
	}
	appendAll(t, s, cycle(3, 20, 100)) // the first three had no key
	for _, c := range []struct {
		off    int64
		status Status
		next   int64
	}{
		{0, Found, 12}, {3, Found, 12}, {11, Found, 12}, {12, Found, 21}, {22, Found, 23}, // a read ends with its segment
		{23, OverflowOne, 23}, {24, OverflowBadly, 23}, {-1, Found, 12},
	} {
		if r := status(c.off); r.Status != c.status || r.NextOffset != c.next || r.MinOffset != 3 || r.MaxOffset != 23 {
			t.Errorf("at %d: status %d, next %d, bounds %d and %d, want status %d, next %d", c.off, r.Status, r.NextOffset, r.MinOffset, r.MaxOffset, c.status, c.next)
		}
	}
	q := readQuery(3)
	q.NoWait = true
	var r Result
	if err := s.Get(q, &r); err != nil || r.Status != Cold || r.NextOffset != 3 {
		t.Errorf("a read that must not wait: %+v, %v", r, err)
	}
	if q.Offset = 22; s.Get(q, &r) != nil || r.Status != Found {
		t.Errorf("the newest message, without waiting: %+v", r)
	}
	q = readQuery(3)
	for _, c := range []struct {
		name string
		set  func(*Query)
		want int
	}{
		{"count", func(q *Query) { q.MaxCount = 2 }, 2},
		{"bytes", func(q *Query) { q.MaxBytes = 300 }, 2},
		{"one in any case", func(q *Query) { q.MaxBytes = 1 }, 1},
		{"count in memory", func(q *Query) { q.MemCount = 3 }, 3},
		{"on disk", func(q *Query) { q.InMemory = 0 }, 8},
	} {
		q := *q
		c.set(&q)
		if err := s.Get(&q, &r); err != nil || len(r.Offsets) != c.want {
			t.Errorf("%s: %d messages, want %d: %v", c.name, len(r.Offsets), c.want, err)
		}
	}
}

func TestBeyondTheEndOfAQueueFromZero(t *testing.T) {
	s := mustOpen(t, testOptions(t, vfs.NewMemory()))
	defer closeStore(t, s)
	appendAll(t, s, cycle(0, 2, 2))
	var r Result
	if err := s.Get(readQuery(9), &r); err != nil || r.Status != OverflowBadly || r.NextOffset != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCompaction(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	all := cycle(0, 30, 5)
	appendAll(t, s, all)
	compactNow(t, s)
	check(t, s, all)
	if got := offsets(readAll(t, s, 0)); !slices.Equal(got, []int64{22, 23, 24, 25, 26, 27, 28, 29}) {
		t.Errorf("kept %v", got)
	}
	wantFiles(t, fs, 0, 3)
	// A message with an empty body takes its key away, once it is merged.
	more := append([]message{{key: "k3", offset: 30}}, cycle(31, 3, 2)...)
	more = append(more, cycle(34, 6, 2)...)
	appendAll(t, s, more)
	all = append(all, more...)
	compactNow(t, s)
	check(t, s, all)
	if got := offsets(readAll(t, s, 0)); !slices.Equal(got, []int64{27, 29, 34, 35, 36, 37, 38, 39}) {
		t.Errorf("kept %v", got)
	}
	raw, err := readFile(fs, path.Join(testRoot, positionFile))
	if want := "{\n\t\"queueOffsetMap\":{\n\t\t\"Compacted_0\":35\n\t}\n}"; err != nil || string(raw) != want {
		t.Errorf("the positions are %q, %v, want %q", raw, err, want)
	}
	before := readAll(t, s, 0)
	compactNow(t, s) // nothing new
	closeStore(t, s)
	if open := fs.OpenFiles(); len(open) > 0 {
		t.Errorf("still open: %v", open)
	}
	s = mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	if got := readAll(t, s, 0); !slices.Equal(got, before) {
		t.Errorf("after a restart %v, before %v", got, before)
	}
	appendAll(t, s, cycle(40, 30, 5))
	check(t, s, append(all, cycle(40, 30, 5)...))
}

func offsets(list []message) []int64 {
	var out []int64
	for _, m := range list {
		out = append(out, m.offset)
	}
	return out
}

// wantFiles compares the names of both folders, as numbers of segments.
func wantFiles(t *testing.T, fs vfs.FS, want ...int64) {
	t.Helper()
	for _, folder := range []string{logFolder, queueFolder} {
		entries, err := readDir(fs, path.Join(testRoot, folder, testTopic, "0"))
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, e := range entries {
			base, ok := parseName(e.Name())
			if !ok {
				t.Errorf("%s is left in %s", e.Name(), folder)
			}
			got = append(got, base/testSizes.Log)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", folder, got, want)
		}
	}
}

// Everything but what is appended to may go, and segments that stay as they are are not written again.
func TestCompactionOfNothingAndOfEverything(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	all := cycle(0, 19, 100)
	appendAll(t, s, all)
	written := 0
	fs.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && strings.Contains(op.Name, subFolder) {
			written++
		}
		return nil
	})
	compactNow(t, s)
	if check(t, s, all); written > 0 || len(readAll(t, s, 0)) != 19 {
		t.Errorf("%d writes for a compaction that changes nothing, %d messages", written, len(readAll(t, s, 0)))
	}
	var gone []message
	for i := range 19 {
		gone = append(gone, message{key: fmt.Sprint("k", i), offset: int64(19 + i)})
	}
	all = append(all, gone...)
	appendAll(t, s, gone)
	for i := range 9 {
		m := message{key: fmt.Sprint("k", i), offset: int64(38 + i)}
		all = append(all, m)
		appendAll(t, s, []message{m})
	}
	compactNow(t, s)
	check(t, s, all)
	wantFiles(t, fs, 5)
}

// A map that is too small for all keys needs several turns, and forgets nothing.
func TestCompactionWithLittleMemory(t *testing.T) {
	s := mustOpen(t, func() Options { o := testOptions(t, vfs.NewMemory()); o.MapBytes = 0; return o }())
	defer closeStore(t, s)
	all := append(cycle(0, 500, 250), cycle(500, 500, 250)...)
	appendAll(t, s, all)
	compactNow(t, s)
	check(t, s, all)
	if got := len(readAll(t, s, 0)); got > 260 {
		t.Errorf("%d messages of 250 keys are left", got)
	}
}

func TestDamageIsKept(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	appendAll(t, s, cycle(0, 20, 2))
	f, err := fs.Open(path.Join(testRoot, logFolder, testTopic, "0", fileName(0)), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("x"), 90); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := s.Compact(context.Background(), testTopic, 0); err == nil || !strings.Contains(err.Error(), "damaged at 0") {
		t.Errorf("the compaction of a damaged file: %v", err)
	}
	wantFiles(t, fs, 0, 1, 2)
	if got := offsets(readAll(t, s, 1)); len(got) != 19 {
		t.Errorf("%d messages are left", len(got))
	}
}

func TestBeginAnew(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	appendAll(t, s, cycle(0, 30, 5))
	compactNow(t, s)
	last := cycle(29, 1, 5)
	appendAll(t, s, last) // the dispatcher's second try
	if n := len(readAll(t, s, 0)); n != 8 {
		t.Fatalf("%d messages after a repeated one", n)
	}
	again := []message{{key: "a", body: "new", offset: 0}}
	appendAll(t, s, again)
	if got := readAll(t, s, 0); !slices.Equal(got, again) {
		t.Errorf("a queue that began anew has %v", got)
	}
	if err := s.Delete(testTopic); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s, 0); got != nil {
		t.Errorf("a deleted topic has %v", got)
	}
	for _, folder := range []string{logFolder, queueFolder} {
		if _, err := fs.Stat(path.Join(testRoot, folder, testTopic)); err == nil {
			t.Errorf("a deleted topic's %s is left", folder)
		}
	}
}

// A name from outside removes no folder but a topic's.
func TestDeleteStaysInside(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	defer closeStore(t, s)
	all := cycle(0, 3, 3)
	appendAll(t, s, all)
	for _, name := range []string{"", ".", "..", "../..", "../compactionCq", testTopic + "/0", "/", "absent"} {
		if err := s.Delete(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	check(t, s, all)
	wantFiles(t, fs, 0)
}

// Readers and the appender go on while a queue is compacted again and again.
func TestReadWhileCompacting(t *testing.T) {
	s := mustOpen(t, testOptions(t, vfs.NewMemory()))
	defer closeStore(t, s)
	all := cycle(0, 600, 7)
	appendAll(t, s, all[:100])
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				list := readAll(t, s, 0)
				keys := map[string]bool{}
				for _, m := range list {
					keys[m.key] = true
				}
				if len(keys) != 7 {
					t.Errorf("a reader saw %d of 7 keys", len(keys))
					return
				}
			}
		})
	}
	wg.Go(func() {
		defer close(done)
		for i := 100; i < len(all); i += 20 {
			appendAll(t, s, all[i:i+20])
			compactNow(t, s)
		}
	})
	wg.Wait()
	check(t, s, all)
}

// Run compacts at the interval, and ends with its context.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t, vfs.NewMemory())
		o.Now, o.Interval = time.Now, time.Minute
		o.Rand = func(n int64) int64 { return n / 2 }
		checkpoints := 0
		o.Checkpoint = func() error { checkpoints++; return nil }
		s := mustOpen(t, o)
		defer closeStore(t, s)
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		var ended error
		wg.Go(func() { ended = s.Run(ctx) })
		appendAll(t, s, cycle(0, 30, 5))
		time.Sleep(90 * time.Second) // an interval, a second, and half an interval more or less
		synctest.Wait()
		if n := len(readAll(t, s, 0)); n != 30 {
			t.Errorf("%d messages just before the time", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(readAll(t, s, 0)); n != 8 || checkpoints != 1 {
			t.Errorf("%d messages, %d checkpoints after the time", n, checkpoints)
		}
		reason := errors.New("enough")
		cancel(reason)
		wg.Wait()
		if !errors.Is(ended, reason) {
			t.Errorf("ended with %v", ended)
		}
	})
}

// The backup stands in for a file of positions that is lost or damaged; without both everything is looked at again.
func TestPositions(t *testing.T) {
	fs := vfs.NewMemory()
	s := mustOpen(t, testOptions(t, fs))
	if err := vfs.MakeDir(fs, testRoot); err != nil {
		t.Fatal(err)
	}
	for i, at := range []int64{5, 9} {
		if err := s.setPosition(fmt.Sprint("T_", i), at); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{"T_0": 5, "T_1": 9}
	if got, err := loadPositions(fs, testRoot); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if err := writeFile(fs, path.Join(testRoot, positionFile), []byte("{\"queueOff")); err != nil {
		t.Fatal(err)
	}
	if got, err := loadPositions(fs, testRoot); err != nil || !maps.Equal(got, map[string]int64{"T_0": 5}) {
		t.Errorf("from the backup %v, %v", got, err)
	}
	if err := fs.Remove(path.Join(testRoot, positionFile+".bak")); err != nil {
		t.Fatal(err)
	}
	if got, err := loadPositions(fs, testRoot); err != nil || len(got) != 0 {
		t.Errorf("from nothing %v, %v", got, err)
	}
	closeStore(t, s)
}
