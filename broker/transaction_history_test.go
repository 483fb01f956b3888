package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/broker/offsets"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

// TestTransactionHistories runs transactions through random lives of a broker, on a
// memory disk and in the time of a bubble: producers that end late, are deaf or
// gone, ends that get lost, stops, kills and power failures. In the end every
// transaction is accounted for.
func TestTransactionHistories(t *testing.T) {
	for seed := range uint64(txHistories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playTransactions(t, seed, 60) })
		})
	}
}

func playTransactions(t *testing.T, seed uint64, steps int) {
	h := &txHistory{t: t, rng: rand.New(rand.NewPCG(seed, 2)), disk: vfs.NewMemory(), alive: true, byID: map[string]*tx{}}
	h.sync = seed%2 == 0
	h.start()
	for range steps {
		h.step()
	}
	h.settle()
	h.verify()
	h.stop()
}

// fate is what the producer has decided about a transaction.
type fate int

const (
	toCommit fate = iota
	toRollBack
	undecided
)

// tx is one transaction, as its producer knows it. The history's mutex guards it.
type tx struct {
	id      string
	fate    fate
	half    transaction.End // the half message as it was sent
	latest  int64           // the offset of the half message in the last question, or of the first
	unsure  bool            // the half message may have gone with the power
	ended   time.Time       // when an end was acknowledged that names the latest half message
	killed  bool            // a broker was killed meanwhile: it may forget ends, or have put a half message back twice
	commits int             // commits that were acknowledged
}

// txHistory drives one broker.
type txHistory struct {
	t    *testing.T
	rng  *rand.Rand // of the driver only
	disk *vfs.Memory
	sync bool // SYNC_FLUSH

	b         *Broker
	cancel    context.CancelFunc
	parts     sync.WaitGroup // Run of the service
	stopStore context.CancelFunc
	storeRuns sync.WaitGroup
	mail      sync.WaitGroup // answers and ends on their way

	mu      sync.Mutex // guards what follows, and what all points to
	all     []*tx
	byID    map[string]*tx
	alive   bool // producers answer
	halting bool // the broker is about to end
}

const (
	historyTimeout  = 500 * time.Millisecond
	historyInterval = time.Second
	historyChecks   = 40
	historyTopic    = "Orders"
)

// start opens what a broker has of transactions on the disk, and runs it.
func (h *txHistory) start() {
	host := netip.MustParseAddrPort("127.0.0.1:10911")
	log := logrus.New()
	log.SetOutput(h.t.Output())
	log.SetLevel(logrus.ErrorLevel)
	b := &Broker{now: time.Now, log: log, storeHost: host, levels: delay.Levels{1000}}
	nowMs := func() int64 { return time.Now().UnixMilli() }
	b.stats = stats.New("c", true, nowMs, func(string) bool { return false })
	o := store.NewOptions("/store")
	o.FS, o.StoreHost, o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries = h.disk, host, 64<<10, 100*20, 50, 200
	o.OnArrive = func([]store.Arrival) {}
	o.Event = func(store.Event) {}
	if h.sync {
		o.FlushMode = store.SyncFlush
	}
	var err error
	b.store, err = store.Open(o)
	h.must(err)
	files := diskFiles{h.disk}
	b.offsets, _, err = offsets.Open(offsets.Options{FS: files, Path: "/store/config/consumerOffset.json", Now: nowMs})
	h.must(err)
	b.halves, _, err = transaction.Open(transaction.Options{
		Store: halfStore{b}, Progress: b.offsets, Now: nowMs, Host: host, FS: files, Path: "/store/config/transactionMetrics",
		Settings: func() transaction.Settings {
			return transaction.Settings{
				Timeout: historyTimeout, CheckInterval: historyInterval, CheckMax: historyChecks, OpMaxSize: 32, OpInterval: 300 * time.Millisecond,
				FileReserved: 72 * time.Hour, FlushMetrics: 10 * time.Second,
			}
		},
		Ask: h.ask, OpenDiscard: func() {}, OnError: func(error) {},
	})
	h.must(err)
	storeCtx, stopStore := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(storeCtx)
	h.b, h.cancel, h.stopStore, h.halting = b, cancel, stopStore, false
	h.storeRuns.Go(func() { _ = b.store.Run(storeCtx) })
	h.parts.Go(func() { _ = b.halves.Run(ctx) })
}

func (h *txHistory) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// halt ends all goroutines of the broker, and those that bring it something. As in Broker.Run the store ends last: who waits for a
// sync waits for it.
func (h *txHistory) halt() {
	h.mu.Lock()
	h.halting = true // from here on ask sends nothing, so that all that was sent can be waited for
	h.mu.Unlock()
	h.mail.Wait()
	h.cancel()
	h.parts.Wait()
	h.stopStore()
	h.storeRuns.Wait()
}

// stop is a clean stop, in the order of Broker.close.
func (h *txHistory) stop() {
	h.halt()
	h.must(h.b.halves.Close())
	h.must(h.b.offsets.Persist())
	h.must(h.b.store.Close())
}

// kill ends the broker, and with power the machine: what was not synced may be
// lost.
func (h *txHistory) kill(power bool) {
	h.halt()
	flushed := h.b.store.FlushedTo()
	h.mu.Lock()
	for _, x := range h.all {
		x.unsure = x.unsure || power && x.half.PhysicalOffset >= flushed
		x.killed = true
	}
	h.mu.Unlock()
	if power {
		h.disk = h.disk.Crash(h.rng)
	} else {
		h.disk = h.disk.Kill()
	}
}

// step does one random thing.
func (h *txHistory) step() {
	switch n := h.rng.IntN(20); {
	case n < 9:
		for range 1 + h.rng.IntN(5) {
			h.send()
		}
	case n < 14:
		time.Sleep(time.Duration(h.rng.IntN(1500)) * time.Millisecond)
	case n < 16:
		h.must(h.b.offsets.Persist())
	case n < 17:
		h.mu.Lock()
		h.alive = !h.alive
		h.mu.Unlock()
	case n < 18:
		h.stop()
		h.start()
	default:
		h.kill(n == 19)
		h.start()
	}
}

// send opens a transaction, and may have its producer end it after a while.
func (h *txHistory) send() {
	x := &tx{id: fmt.Sprintf("T%d", len(h.all)), fate: fate(h.rng.IntN(3))}
	m := codec.Message{
		Topic: protocol.TopicTransHalf, BornTimestamp: time.Now().UnixMilli(), BornHost: h.b.storeHost, StoreHost: h.b.storeHost, Body: []byte(x.id),
		Properties: string(codec.AppendProperty(nil, protocol.PropertyUniqueKey, x.id)) + "TRAN_MSG\x01true\x02PGROUP\x01producers\x02REAL_TOPIC\x01" + historyTopic + "\x02REAL_QID\x010\x02",
	}
	if h.rng.IntN(4) == 0 {
		m.Properties += "CHECK_IMMUNITY_TIME_IN_SECONDS\x013\x02"
	}
	_, err := h.b.store.Append(&m)
	h.must(err)
	if h.sync {
		h.must(halfStore{h.b}.Sync())
	}
	x.half = transaction.End{Group: "producers", QueueOffset: m.QueueOffset, PhysicalOffset: m.PhysicalOffset}
	x.latest = m.QueueOffset
	h.mu.Lock()
	h.all = append(h.all, x)
	h.byID[x.id] = x
	h.mu.Unlock()
	if h.rng.IntN(3) > 0 {
		h.endLater(x, x.half, time.Duration(h.rng.IntN(2500))*time.Millisecond)
	}
}

// ask is what the broker asks a producer.
func (h *txHistory) ask(q transaction.Question) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := string(q.Message.Body)
	x := h.byID[id]
	if !x.killed && !x.ended.IsZero() && time.Since(x.ended) > 0 {
		h.t.Errorf("%s is asked about, at offset %d, %v after its end was acknowledged", id, q.Message.QueueOffset, time.Since(x.ended))
	}
	x.latest, x.ended = q.Message.QueueOffset, time.Time{}
	if !h.alive || h.halting {
		return false
	}
	end := transaction.End{Group: q.Group, QueueOffset: q.Message.QueueOffset, PhysicalOffset: q.Message.PhysicalOffset, FromCheck: true}
	h.endLater(x, end, time.Duration(end.PhysicalOffset%700)*time.Millisecond)
	return true
}

// endLater has a producer end a transaction as it has decided.
func (h *txHistory) endLater(x *tx, end transaction.End, after time.Duration) {
	if x.fate == undecided {
		return
	}
	halves := h.b.halves
	h.mail.Go(func() {
		time.Sleep(after)
		var err error
		if x.fate == toCommit {
			err = halves.Commit(end)
		} else {
			err = halves.Rollback(end)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		switch {
		case err == nil && x.fate == toCommit:
			x.commits++
			fallthrough
		case err == nil:
			// Of one that was put back only because of its immunity, the first offset is
			// as good as the latest.
			if end.QueueOffset == x.latest {
				x.ended = time.Now()
			}
		case errors.Is(err, transaction.ErrTooLate):
		default:
			h.t.Errorf("%s is not ended: %v", x.id, err)
		}
	})
}

// settle lets everything come to its end: producers are there, nothing fails, and
// there is time for all questions.
func (h *txHistory) settle() {
	h.mu.Lock()
	h.alive = true
	h.mu.Unlock()
	time.Sleep((historyChecks + 10) * historyInterval)
}

// verify accounts for every transaction.
func (h *txHistory) verify() {
	h.mail.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	delivered, aside := h.count(historyTopic), h.count(protocol.TopicTransCheckMaxTime)
	for _, x := range h.all {
		n := delivered[x.id]
		switch {
		case n > x.commits:
			h.t.Errorf("%s was delivered %d times and committed %d times", x.id, n, x.commits)
		case x.fate == toCommit && !x.unsure && n == 0:
			h.t.Errorf("%s was not delivered, %d of its commits were acknowledged", x.id, x.commits)
		case x.fate == undecided && !x.unsure && aside[x.id] == 0:
			h.t.Errorf("%s was never decided and not put aside", x.id)
		case x.fate != undecided && aside[x.id] > 0:
			h.t.Errorf("%s was put aside", x.id)
		}
	}
	first, end := halfStore{h.b}.Bounds(protocol.TopicTransHalf)
	if at, _ := h.b.offsets.Query(protocol.GroupSysTrans, protocol.TopicTransHalf, 0); at != end {
		h.t.Errorf("the walk has come to half message %d of %d to %d", at, first, end)
	}
}

// count reads a topic: how often each transaction's message is there.
func (h *txHistory) count(topic string) map[string]int {
	n := map[string]int{}
	units, err := h.b.store.Units(topic, 0, 0, 1<<20)
	h.must(err)
	for _, u := range units {
		var m codec.Message
		h.must(h.b.readMessage(u.Physical, &m))
		n[string(m.Body)]++
	}
	return n
}

// diskFiles gives configuration files a place on a disk of the store.
type diskFiles struct{ vfs.FS }

// ReadFile reads a whole file.
func (d diskFiles) ReadFile(name string) ([]byte, error) {
	f, err := d.Open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if size > 0 {
		_, err = f.ReadAt(b, 0)
	}
	return b, err
}

// WriteFile replaces a file's content and syncs it.
func (d diskFiles) WriteFile(name string, data []byte) error {
	if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Sync()
}

// WriteAt writes into a file that exists.
func (d diskFiles) WriteAt(name string, data []byte, off int64) error {
	f, err := d.Open(name, true)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(data, off)
	return err
}

// MkdirAll makes a directory.
func (d diskFiles) MkdirAll(dir string) error { return vfs.MakeDir(d.FS, dir) }
