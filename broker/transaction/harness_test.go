package transaction

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

var (
	testHost = netip.MustParseAddrPort("127.0.0.1:10911")
	errDisk  = errors.New("the disk says no")
)

// bench is a Service on a store of slices, with a clock that is set by hand.
type bench struct {
	*Service
	t testing.TB

	mu        sync.Mutex // guards what follows
	now       int64      // 0: the time of the test's bubble
	settings  Settings
	log       []codec.Message
	visible   map[string]int64 // of a topic, when not everything can be read yet
	appends   error            // what Append fails with
	first     int64            // of every queue, when its beginning has expired
	syncs     error            // what Sync fails with
	synced    int              // messages that Sync has seen
	progress  map[string]int64
	persisted map[string]int64
	asked     []codec.Message
	alive     bool // there is a producer
	opened    bool // the topic of discarded messages exists
	faults    []error
}

const beginning = int64(1750000000000)

func newBench(t testing.TB) *bench {
	b := &bench{t: t, now: beginning, visible: map[string]int64{}, progress: map[string]int64{}, alive: true}
	b.settings = Settings{
		Timeout: 6 * time.Second, CheckInterval: 30 * time.Second, CheckMax: 3, OpMaxSize: 64, OpInterval: 3 * time.Second,
		FileReserved: 72 * time.Hour, FlushMetrics: 10 * time.Second,
	}
	b.open(filepath.Join(t.TempDir(), "transactionMetrics"))
	return b
}

func (b *bench) open(path string) {
	s, _, err := Open(Options{
		Store: b, Progress: b, Host: testHost, Path: path,
		Settings:    func() Settings { b.mu.Lock(); defer b.mu.Unlock(); return b.settings },
		Now:         b.clock,
		OpenDiscard: func() { b.opened = true },
		OnError:     func(err error) { b.mu.Lock(); defer b.mu.Unlock(); b.faults = append(b.faults, err) },
		Ask: func(q Question) bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			if q.Group != "producers" {
				b.t.Errorf("group %q is asked", q.Group)
			}
			if b.alive {
				b.asked = append(b.asked, *q.Message)
			}
			return b.alive
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Service = s
}

func (b *bench) clock() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now == 0 {
		return time.Now().UnixMilli()
	}
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now += d.Milliseconds()
}

// Query and Commit are a Progress.
func (b *bench) Query(group, topic string, queue int32) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	offset, ok := b.progress[fmt.Sprint(group, topic, queue)]
	return offset, ok
}

func (b *bench) Commit(group, topic string, queue int32, offset int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := fmt.Sprint(group, topic, queue)
	old := b.progress[key]
	b.progress[key] = offset
	return old
}

// Persist notes what is written down.
func (b *bench) Persist() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.persisted = maps.Clone(b.progress)
	return nil
}

// at is the progress in one of the two topics.
func (b *bench) at(topic string) int64 {
	offset, _ := b.Query(protocol.GroupSysTrans, topic, 0)
	return offset
}

// Bounds and the following are a Store. Physical offsets are indexes of log.
func (b *bench) Bounds(topic string) (first, end int64) {
	b.mu.Lock()
	limit, limited := b.visible[topic]
	b.mu.Unlock()
	end = b.Next(topic)
	if limited {
		end = min(end, limit)
	}
	return b.first, end
}

func (b *bench) Next(topic string) int64 { return int64(len(b.queue(topic, 0))) }

// queue lists the messages of a queue.
func (b *bench) queue(topic string, id int32) []codec.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.log), func(m codec.Message) bool { return m.Topic != topic || m.QueueID != id })
}

func (b *bench) ReadQueue(m *codec.Message, topic string, offset int64) error {
	q := b.queue(topic, 0)
	if offset < 0 || offset >= int64(len(q)) {
		return ErrGone
	}
	*m = q[offset]
	return nil
}

func (b *bench) ReadAt(m *codec.Message, physical int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if physical >= int64(len(b.log)) {
		return ErrGone
	}
	*m = b.log[physical]
	return nil
}

func (b *bench) Append(m *codec.Message) error {
	next, now := int64(len(b.queue(m.Topic, m.QueueID))), b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.appends != nil {
		return b.appends
	}
	m.QueueOffset, m.PhysicalOffset, m.StoreTimestamp = next, int64(len(b.log)), now
	b.log = append(b.log, *m)
	return nil
}

func (b *bench) Deliver(m *codec.Message) error { return b.Append(m) }

func (b *bench) Sync() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.syncs == nil {
		b.synced = len(b.log)
	}
	return b.syncs
}

// half stores a half message as the broker does, and returns what its producer
// knows of it.
func (b *bench) half(body string, properties ...string) End {
	b.t.Helper()
	m := codec.Message{
		Topic: protocol.TopicTransHalf, Flag: 7, BornTimestamp: b.clock(), BornHost: testHost, StoreHost: testHost, Body: []byte(body),
		Properties: props(append([]string{
			"UNIQ_KEY", body, "TRAN_MSG", "true", "PGROUP", "producers", "__transactionId__", body, "REAL_TOPIC", "Orders", "REAL_QID", "2",
		}, properties...)...),
	}
	if err := b.Append(&m); err != nil {
		b.t.Fatal(err)
	}
	b.Opened("Orders")
	return End{Group: "producers", QueueOffset: m.QueueOffset, PhysicalOffset: m.PhysicalOffset}
}

func props(pairs ...string) (s string) {
	for i := 0; i < len(pairs); i += 2 {
		s = string(codec.AppendProperty([]byte(s), pairs[i], pairs[i+1]))
	}
	return s
}

func bodies(messages []codec.Message) (all []string) {
	for _, m := range messages {
		all = append(all, string(m.Body))
	}
	return all
}

// questions lists what was asked since the last call, as body and number of the
// check, and the ends that answer.
func (b *bench) questions() (texts []string, ends []End) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.asked {
		times, _ := codec.Property(m.Properties, protocol.PropertyTransactionCheckTimes)
		texts = append(texts, string(m.Body)+" "+times)
		ends = append(ends, End{Group: "producers", QueueOffset: m.QueueOffset, PhysicalOffset: m.PhysicalOffset, FromCheck: true})
	}
	b.asked = nil
	return texts, ends
}

func (b *bench) check() { b.Check(b.t.Context()) }

// wantAsked runs a check and says who must be asked.
func (b *bench) wantAsked(want ...string) []End {
	b.t.Helper()
	b.check()
	got, ends := b.questions()
	if !slices.Equal(got, want) {
		b.t.Fatalf("asked about %q, want %q", got, want)
	}
	return ends
}

func (b *bench) wantProgress(half, op int64) {
	b.t.Helper()
	if h, o := b.at(protocol.TopicTransHalf), b.at(protocol.TopicTransOpHalf); h != half || o != op {
		b.t.Errorf("progress is %d of the half messages and %d of the op messages, want %d and %d", h, o, half, op)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
