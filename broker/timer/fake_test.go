package timer

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	recordSpace = 1000 // physical offsets from one record to the next
	recordSize  = 100
	precision   = 1000
	testSlots   = 400
	startTime   = 1_750_000_000_400
)

// fakeStore is a commit log in memory, whose records are dispatched at once.
type fakeStore struct {
	now func() int64

	mu      sync.Mutex
	log     []codec.Message // record n at n*recordSpace
	queue   []int           // records of the timer topic
	first   int             // records before have expired
	flushed int             // records before are durable
	fail    func(m *codec.Message) error
	early   []string
	broken  error // what SyncFailed was told
}

func (s *fakeStore) Range() (first, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, record := range s.queue {
		if record < s.first {
			first++
		}
	}
	return first, int64(len(s.queue))
}

func (s *fakeStore) Entries(dst []Entry, from int64, max int) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := from; i < int64(len(s.queue)) && i < from+int64(max); i++ {
		dst = append(dst, Entry{Offset: i, Physical: int64(s.queue[i]) * recordSpace, Size: recordSize})
	}
	return dst
}

func (s *fakeStore) Message(physical int64, m *codec.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int(physical / recordSpace)
	if n < s.first || n >= len(s.log) {
		return fmt.Errorf("%w: gone", ErrSkip)
	}
	*m = s.log[n]
	return nil
}

func (s *fakeStore) LogRange() (first, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.first) * recordSpace, int64(len(s.log)) * recordSpace
}

func (s *fakeStore) Append(m *codec.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(m); err != nil {
			return err
		}
	}
	if m.Topic == protocol.TopicWheelTimer {
		s.queue = append(s.queue, len(s.log))
	} else if due, err := strconv.ParseInt(string(m.Body), 10, 64); err == nil && due > s.now() {
		s.early = append(s.early, fmt.Sprintf("%s, due at %d, at %d", id(m), due, s.now()))
	}
	s.log = append(s.log, *m)
	return nil
}

func (s *fakeStore) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = len(s.log)
	return nil
}

func (s *fakeStore) SyncFailed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
	s.fail = func(*codec.Message) error { return err }
}

// delivered counts the records of each id that are not in the timer topic.
func (s *fakeStore) delivered() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := map[string]int{}
	for i := range s.log {
		if m := &s.log[i]; m.Topic != protocol.TopicWheelTimer {
			list[id(m)]++
		}
	}
	return list
}

func id(m *codec.Message) string {
	text, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey)
	return text
}

// bench is a service on a fake store, a memory disk and a clock that a test sets.
type bench struct {
	t     testing.TB
	clock int64
	store *fakeStore
	disk  *vfs.Memory
	s     *Service
	o     Options
	said  []error
	set   Settings
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, clock: startTime, disk: vfs.NewMemory(), set: Settings{MaxDelay: 100_000, CongestPerSlot: 1<<31 - 1}}
	b.store = &fakeStore{now: func() int64 { return b.clock }}
	b.o = Options{
		Store: b.store, Now: func() int64 { return b.clock }, Settings: func() Settings { return b.set },
		Root: "/store", Checkpoint: "/store/config/timercheck", Precision: precision, RollWindow: 30, FileSize: 40*52 + 16,
		FlushInterval: time.Second, Slots: testSlots, ConfigFS: noFiles{}, Metrics: "timermetrics",
		OnError: func(err error) { b.said = append(b.said, err) },
	}
	return b
}

func (b *bench) open() {
	b.t.Helper()
	b.o.FS = b.disk
	if b.store.broken != nil {
		b.store.broken, b.store.fail = nil, nil
	}
	s, _, err := Open(b.o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.s = s
}

// send stores a message that is due at a time, as a broker would, and returns whether
// it waits.
func (b *bench) send(key string, due int64, more ...string) (waits bool) {
	b.t.Helper()
	m := timed(key, due, more...)
	waits, err := b.s.Divert(&m)
	if err != nil {
		b.t.Fatalf("divert: %v", err)
	}
	if err := b.store.Append(&m); err != nil {
		b.t.Fatal(err)
	}
	return waits
}

func timed(key string, due int64, more ...string) codec.Message {
	props := codec.AppendProperty(nil, protocol.PropertyUniqueKey, key)
	props = codec.AppendProperty(props, protocol.PropertyTimerDeliverMs, strconv.FormatInt(due, 10))
	for i := 0; i+1 < len(more); i += 2 {
		props = codec.AppendProperty(props, more[i], more[i+1])
	}
	return codec.Message{Topic: "Orders", QueueID: 3, Properties: string(props), Body: strconv.AppendInt(nil, due, 10)}
}

// to lets the time pass in steps, as Run would.
func (b *bench) to(clock int64) {
	for b.clock < clock {
		wake := b.s.round()
		b.clock = min(clock, max(b.clock+1, wake))
	}
	for b.s.round() <= b.clock {
	}
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.s.Close(); err != nil {
		b.t.Fatalf("close: %v", err)
	}
	if open := b.disk.OpenFiles(); len(open) != 0 {
		b.t.Errorf("left open: %v", open)
	}
}

func (b *bench) expect(want string) {
	b.t.Helper()
	if got := fmt.Sprint(b.store.delivered()); got != want {
		b.t.Errorf("at +%d ms delivered %s, want %s", b.clock-startTime, got, want)
	}
	if len(b.store.early) > 0 {
		b.t.Errorf("delivered early: %v", b.store.early)
	}
}

// noFiles is a file system that has no file and keeps none.
type noFiles struct{ configfile.FS }

var errNoFile = errors.New("no file")

func (noFiles) ReadFile(string) ([]byte, error) { return nil, nil }
func (noFiles) WriteFile(string, []byte) error  { return nil }
func (noFiles) Rename(string, string) error     { return nil }
func (noFiles) SyncDir(string) error            { return nil }
func (noFiles) Remove(string) error             { return errNoFile }
func (noFiles) MkdirAll(string) error           { return nil }
