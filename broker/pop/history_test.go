package pop

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/store"
)

// world is a broker without a disk: queues, a timer, and what would survive a
// crash of the process. Time is what the test says.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	now     int64
	dir     string
	queues  map[queueName][]stored
	timer   []timed // not due yet
	seq     int
	revive  map[int32][]Arrived
	offsets *offsets
	saved   map[queueKey]int64 // offsets as they are on the disk
	savedAt int64
	again   map[queueName]map[int]bool
	failing bool  // appends fail
	late    int64 // ms that the timer is late

	popper   *Popper
	orders   *Orders
	revivers []*Reviver
}

type queueName struct {
	topic string
	queue int32
}

// stored is one message: what it is, how often it came, and when it was stored.
type stored struct {
	id    int
	times int
	at    int64
}

type timed struct {
	Record
	seq int
}

// offsets are upstream's ConsumerOffsetManager in short.
type offsets struct {
	at     map[queueKey]int64
	resets map[queueKey]int64 // what an administrator has set
}

func (o *offsets) Query(group, topic string, queue int32) (int64, bool) {
	v, ok := o.at[queueKey{topic, group, queue}]
	return v, ok
}

func (o *offsets) Commit(group, topic string, queue int32, offset int64) int64 {
	o.at[queueKey{topic, group, queue}] = offset
	return 0
}

func (o *offsets) HasReset(group, topic string, queue int32) bool {
	_, ok := o.resets[queueKey{topic, group, queue}]
	return ok
}

func (o *offsets) TakeReset(group, topic string, queue int32) (int64, bool) {
	k := queueKey{topic, group, queue}
	v, ok := o.resets[k]
	delete(o.resets, k)
	return v, ok
}

const (
	reviveQueues = 2
	testBroker   = "broker-a"
	noTopic      = "rmq_sys_REVIVE_LOG_C"
)

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: 1_700_000_000_000, dir: t.TempDir(), queues: map[queueName][]stored{},
		revive: map[int32][]Arrived{}, saved: map[queueKey]int64{},
	}
	w.start()
	return w
}

// start begins a process with what the disk has.
func (w *world) start() {
	w.offsets = &offsets{at: maps.Clone(w.saved), resets: map[queueKey]int64{}}
	clock := func() int64 { return w.now }
	var err error
	w.orders, _, err = OpenOrders(OrdersOptions{
		Path: filepath.Join(w.dir, "consumerOrderInfo.json"), Now: clock, Queues: w.readQueues, HasGroup: func(string) bool { return true },
		Wakes: func() bool { return true },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.popper = New(Options{
		Now: clock, Random: w.rng.IntN, Broker: testBroker, Messages: w, Offsets: w.offsets, Log: w, Orders: w.orders, Queues: w.readQueues,
		Settings: func() Settings { return Settings{ReviveQueues: reviveQueues, RetryPercent: 20, HighestFirst: true} },
	})
	for _, rec := range w.timer {
		w.recover(rec.Tag, rec.Body)
	}
	w.revivers, w.again = nil, map[queueName]map[int]bool{}
	for q := range int32(reviveQueues) {
		for _, rec := range w.revive[q] {
			w.recover(rec.Tag, rec.Body)
		}
		w.revivers = append(w.revivers, NewReviver(q, testBroker, w, clock))
	}
}

func (w *world) recover(tag string, body []byte) {
	if IsCheckPoint(tag) {
		w.popper.Recover(body, w.savedAt)
	}
}

// revived finds a message that was revived before the process started.
func (w *world) revived(name queueName, c *CheckPoint, m stored) bool {
	for i, r := range w.queues[name] {
		if r.id == m.id && r.times == m.times && r.at >= c.ReviveTime() && !w.again[name][i] {
			if w.again[name] == nil {
				w.again[name] = map[int]bool{}
			}
			w.again[name][i] = true
			return true
		}
	}
	return false
}

func (w *world) readQueues(topic string) int32 {
	n := int32(0)
	for name := range w.queues {
		if name.topic == topic {
			n = max(n, name.queue+1)
		}
	}
	return n
}

// Get is the store's.
func (w *world) Get(_ string, q *store.Query, r *store.GetResult) {
	r.Release()
	messages := w.queues[queueName{q.Topic, q.QueueID}]
	r.MaxOffset, r.NextOffset = int64(len(messages)), q.Offset
	r.Status = store.OffsetOverflowOne
	if r.MaxOffset == 0 {
		r.Status, r.NextOffset = store.NoMessageInQueue, 0
		return
	}
	for r.NextOffset < r.MaxOffset && r.Count < q.MaxCount {
		r.NextOffset++
		if q.Filter != nil && !q.Filter.MatchUnit(int64(messages[r.NextOffset-1].id)) {
			r.Status = store.NoMatchedMessage
			continue
		}
		r.QueueOffsets = append(r.QueueOffsets, r.NextOffset-1)
		r.Count++
		r.Messages++
	}
	if r.Count > 0 {
		r.Status = store.Found
	}
}

func (w *world) Bounds(topic string, queue int32) (first, end int64) {
	return 0, int64(len(w.queues[queueName{topic, queue}]))
}

func (w *world) StartsInMemory(string, int32) bool { return true }

// Append is the log's and the timer's.
func (w *world) Append(rec Record) error {
	if w.failing {
		return fmt.Errorf("the log takes nothing")
	}
	w.seq++
	w.timer = append(w.timer, timed{rec, w.seq})
	w.deliver()
	return nil
}

// deliver moves what is due to the revive topic, in the order of its time, by
// whole seconds as the wheel does.
func (w *world) deliver() {
	slices.SortStableFunc(w.timer, func(a, b timed) int {
		if d := a.Due/1000 - b.Due/1000; d != 0 {
			return int(d)
		}
		return a.seq - b.seq
	})
	n := 0
	for n < len(w.timer) && w.timer[n].Due <= w.now-w.late {
		rec := w.timer[n]
		q := w.revive[rec.Queue]
		w.revive[rec.Queue] = append(q, Arrived{Offset: int64(len(q)), Tag: rec.Tag, Due: rec.Due, Body: rec.Body})
		n++
	}
	w.timer = slices.Delete(w.timer, 0, n)
}

func (w *world) Range(queue int32) (first, end int64) { return 0, int64(len(w.revive[queue])) }

func (w *world) Read(dst []Arrived, queue int32, from int64, most int) ([]Arrived, int64, error) {
	all := w.revive[queue]
	to := min(from+int64(most), int64(len(all)))
	return append(dst, all[from:to]...), to, nil
}

func (w *world) OnTime() bool { return w.late == 0 }

func (w *world) Handled(queue int32) int64 {
	if v, ok := w.offsets.Query(ReviveGroup, noTopic, queue); ok {
		return v
	}
	return -1
}

func (w *world) SetHandled(queue int32, offset int64) {
	w.offsets.Commit(ReviveGroup, noTopic, queue, offset)
}

func (w *world) Wanted(*CheckPoint) bool { return true }

func (w *world) GivesUp(*CheckPoint, int64) bool { return false }

func (w *world) Revive(c *CheckPoint, offset int64, unsure bool) error {
	if w.failing {
		return fmt.Errorf("the log takes nothing")
	}
	m := w.queues[queueName{c.Topic, c.Queue}][offset]
	if !c.Suspend {
		m.times++
	}
	m.at = w.now
	name := queueName{RetryTopic(NormalTopic(c.Topic, c.Group), c.Group, false), 0}
	if unsure && w.revived(name, c, m) {
		return nil
	}
	w.queues[name] = append(w.queues[name], m)
	return nil
}

// persist is what a broker does every few seconds.
func (w *world) persist() {
	w.saved, w.savedAt = maps.Clone(w.offsets.at), w.now
	if err := w.orders.Persist(); err != nil {
		w.t.Fatal(err)
	}
}

// held is one message that a consumer has.
type held struct {
	id      int
	topic   string
	queue   int32
	offset  int64
	receipt Receipt
	times   int // which delivery of the message this is
}

// checker knows what each group may see.
type checker struct {
	t         *testing.T
	group     string
	ordered   bool
	hidden    map[int]int64 // id → until when it must not be given again
	done      map[int]bool  // acknowledged in time
	late      map[int]bool  // acknowledged too late, and not given again since: it may count
	delivered map[int]int
}

func (c *checker) give(h held, w *world) {
	if c.done[h.id] {
		c.t.Fatalf("%s: message %d was given at %d after it was acknowledged", c.group, h.id, w.now)
	}
	if until := c.hidden[h.id]; w.now < until {
		c.t.Fatalf("%s: message %d was given at %d and is invisible until %d", c.group, h.id, w.now, until)
	}
	c.hidden[h.id] = w.now + h.receipt.Invisible
	c.delivered[h.id]++
	delete(c.late, h.id)
}

// history plays random consumers on a world and checks what they see: nothing is
// given within its invisible time or after it was acknowledged within it, and in
// the end everything was acknowledged.
func history(t *testing.T, seed uint64, ordered bool, crashes bool) {
	w := newWorld(t, seed)
	const topic, queues, messages = "T", 3, 120
	groups := []string{"G1", "G2"}
	checkers := map[string]*checker{}
	for _, g := range groups {
		checkers[g] = &checker{t: t, group: g, ordered: ordered, hidden: map[int]int64{}, done: map[int]bool{}, late: map[int]bool{}, delivered: map[int]int{}}
	}
	for q := range int32(queues) {
		w.queues[queueName{topic, q}] = nil
	}
	inHand := map[string][]held{}
	sent := 0
	var result Result
	pop := func(group string) {
		req := &Request{Topic: topic, Group: group, Queue: int32(w.rng.IntN(queues+1)) - 1, Max: 1 + w.rng.IntN(8),
			Invisible: int64(1000 + w.rng.IntN(20_000)), FromStart: true, Ordered: ordered}
		w.popper.Pop(req, &result)
		for _, p := range result.Parts {
			from := p.Origin.Topic(topic, group)
			for _, off := range p.Got.QueueOffsets {
				h := held{w.queues[queueName{from, p.Queue}][off].id, from, p.Queue, off, Receipt{
					Start: p.Start, PopTime: result.PopTime, Invisible: req.Invisible, ReviveQueue: result.ReviveQueue, Origin: p.Origin,
					Broker: testBroker, Queue: p.Queue, Offset: off,
				}, 0}
				checkers[group].give(h, w)
				h.times = checkers[group].delivered[h.id]
				inHand[group] = append(inHand[group], h)
			}
		}
		result.Release()
	}
	take := func(group string) (h held, ok bool) {
		n := len(inHand[group])
		if n == 0 {
			return h, false
		}
		i := w.rng.IntN(n)
		h = inHand[group][i]
		inHand[group] = slices.Delete(inHand[group], i, i+1)
		return h, true
	}
	ack := func(group string) {
		h, ok := take(group)
		if !ok {
			return
		}
		c := checkers[group]
		inTime := w.now < h.receipt.PopTime+h.receipt.Invisible && c.hidden[h.id] > w.now
		if ordered {
			// What an ordered group has acknowledged counts when all before it is, too.
			w.popper.AckOrdered(h.topic, group, h.queue, &h.receipt, h.offset)
			// Until then it comes again with the others.
			if h.times == c.delivered[h.id] {
				c.hidden[h.id] = 0
			}
			next, _ := w.offsets.Query(group, h.topic, h.queue)
			for _, m := range w.queues[queueName{h.topic, h.queue}][:next] {
				c.done[m.id] = true
			}
			return
		} else if err := w.popper.Ack(h.topic, group, h.queue, &h.receipt, h.offset); err != nil {
			return
		}
		if inTime {
			c.done[h.id] = true
		} else if h.times == c.delivered[h.id] {
			c.late[h.id] = true
		}
	}
	change := func(group string) {
		h, ok := take(group)
		if !ok || w.now >= h.receipt.PopTime+h.receipt.Invisible || h.times != checkers[group].delivered[h.id] {
			return // as good as forgotten
		}
		invisible := int64(500 + w.rng.IntN(5000))
		popTime, _, err := w.popper.ChangeInvisible(h.topic, group, h.queue, &h.receipt, h.offset, invisible, w.rng.IntN(2) == 0)
		if err != nil || popTime == 0 {
			return
		}
		checkers[group].hidden[h.id] = w.now + invisible
		if !ordered {
			h.receipt.Start, h.receipt.PopTime, h.receipt.Invisible = h.offset, popTime, invisible
			if w.rng.IntN(2) == 0 {
				inHand[group] = append(inHand[group], h)
			}
		}
	}
	finished := func() bool {
		for _, c := range checkers {
			for id := range messages {
				if !c.done[id] && !c.late[id] {
					return false
				}
			}
		}
		return true
	}
	for step := 0; sent < messages || !finished(); step++ {
		if step > 60_000 {
			for _, c := range checkers {
				for id := range messages {
					if !c.done[id] && !c.late[id] {
						t.Errorf("%s: message %d was lost; it was given %d times", c.group, id, c.delivered[id])
					}
				}
			}
			t.FailNow()
		}
		group := groups[w.rng.IntN(len(groups))]
		switch n := w.rng.IntN(100); {
		case n < 5 && sent < messages:
			name := queueName{topic, int32(w.rng.IntN(queues))}
			w.queues[name] = append(w.queues[name], stored{id: sent, at: w.now})
			sent++
		case n < 35:
			pop(group)
		case n < 65:
			ack(group)
		case n < 69:
			change(group)
		case n < 70 && step < 30_000:
			inHand[group] = nil // the consumer dies
		case n < 72:
			w.late = int64(w.rng.IntN(2)) * int64(w.rng.IntN(3000))
		case n < 73:
			w.failing = !w.failing && step < 30_000
		case n < 75 && crashes && step < 30_000:
			if ordered { // what ordered groups hold is in a file alone
				w.persist()
			}
			w.start()
		case n < 76:
			w.persist()
		default:
			w.now += int64(w.rng.IntN(600))
			w.deliver()
			for _, r := range w.revivers {
				_, _ = r.Round()
			}
			w.orders.freed(func(string, string, int32) {})
		}
	}
}

func TestHistory(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, seed, false, seed%2 == 1) })
	}
}

func TestOrderedHistory(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, seed, true, seed%2 == 1) })
	}
}
