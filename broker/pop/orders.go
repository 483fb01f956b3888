package pop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/configfile"
)

// OrdersOptions say where the table is kept and what exists.
type OrdersOptions struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of consumerOrderInfo.json
	Now  func() int64  // ms since 1970

	// Queues is how many queues of a topic are read, 0 when there is no such topic.
	Queues func(topic string) int32
	// HasGroup reports whether there is such a group.
	HasGroup func(group string) bool
	// Wakes says [enableNotifyAfterPopOrderLockRelease] whether Run tells of queues that
	// are free again because their time is over. It counts when messages are popped, and
	// when their time is over.
	Wakes func() bool
}

// Orders remembers what ordered groups have popped and not acknowledged: a queue
// gives nothing more until all of it is acknowledged or its time is over. It is
// upstream's ConsumerOrderInfoManager, and safe for concurrent use.
type Orders struct {
	opts OrdersOptions
	file *configfile.File

	armed chan struct{} // holds a token when Run, which has slept, has times to keep

	mu      sync.Mutex // guards the fields below
	table   map[queueKey]*batch
	changed bool // since the file was written
	// freeAt is when blocked queues give messages again, for those who wait.
	freeAt map[queueKey]int64
}

// batch is what was popped from one queue last.
type batch struct {
	attempt   string
	popTime   int64
	invisible int64
	consumed  int64           // when it was popped, by the clock
	offsets   []int64         // queue offsets, rising
	acked     uint64          // a bit for each
	visibleAt map[int64]int64 // by queue offset, where it is not popTime+invisible
	times     map[int64]int32 // by queue offset, how often it was popped before
}

// abandoned is how long (ms) a batch is kept that nobody asks for.
const abandoned = 24 * 3600 * 1000

// OpenOrders loads the file.
func OpenOrders(o OrdersOptions) (*Orders, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	s := &Orders{opts: o, table: map[queueKey]*batch{}, freeAt: map[queueKey]int64{}, armed: make(chan struct{}, 1)}
	s.file = configfile.New(o.FS, o.Path, s.encode)
	loaded, err := s.file.Load(s.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load what ordered groups hold: %w", err)
	}
	return s, loaded, nil
}

// at is when a message of the batch may be given again.
func (b *batch) at(i int) int64 {
	if t, ok := b.visibleAt[b.offsets[i]]; ok {
		return t
	}
	return b.popTime + b.invisible
}

// blockedUntil is the time before which the batch is awaited, 0 when it is not.
func (b *batch) blockedUntil(now int64) int64 {
	for i := range b.offsets {
		if b.acked&(1<<i) == 0 && now < b.at(i) {
			return b.at(i)
		}
	}
	return 0
}

// Blocked reports whether a queue gives nothing for now. The attempt that popped
// last may pop the same again.
func (s *Orders) Blocked(attempt, topic, group string, queue int32, invisible int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.table[queueKey{topic, group, queue}]
	if b == nil || b.attempt != "" && b.attempt == attempt {
		return false
	}
	if b.invisible <= 0 {
		b.invisible = invisible
	}
	return b.blockedUntil(s.opts.Now()) != 0
}

// popped notes what was popped, and in info how often each was before.
func (s *Orders) popped(attempt string, k queueKey, popTime, invisible int64, offsets []int64, info *Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k = k.clone()
	b := &batch{
		attempt: strings.Clone(attempt), popTime: popTime, invisible: invisible, consumed: s.opts.Now(),
		offsets: slices.Clone(offsets), times: map[int64]int32{},
	}
	if old := s.table[k]; old != nil {
		b.inherit(old)
	}
	s.table[k] = b
	s.note(k, b)
	origin := OriginOf(k.topic)
	least := int32(0)
	if len(b.times) == len(b.offsets) {
		least = slices.Min(slices.Collect(maps.Values(b.times)))
	}
	for _, off := range b.offsets {
		if n, ok := b.times[off]; ok {
			info.addCount(origin, k.queue, off, n)
		}
	}
	info.addQueueCount(origin, k.queue, least)
}

// inherit counts the messages that were in the batch before, too. The same
// attempt counts once.
func (b *batch) inherit(old *batch) {
	if old.attempt != "" && old.attempt == b.attempt {
		b.times = old.times
		return
	}
	for _, off := range b.offsets {
		if slices.Contains(old.offsets, off) {
			b.times[off] = old.times[off] + 1
		}
	}
}

// What commit says when there is no offset to go on from.
const (
	notPopped   = -1 // the offset is not in the batch: the request is refused
	otherPop    = -2 // the receipt is of an earlier pop: the request means nothing
	firstBitmap = 64
)

// commit acknowledges a message and returns the offset from which the group has
// to go on.
func (s *Orders) commit(k queueKey, offset, popTime int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.table[k]
	switch {
	case b == nil:
		return offset + 1
	case len(b.offsets) == 0:
		return notPopped
	case popTime != b.popTime:
		return otherPop
	}
	i := slices.Index(b.offsets, offset)
	if i < 0 || i >= firstBitmap {
		return notPopped
	}
	b.acked |= 1 << i
	s.note(k, b)
	for i, off := range b.offsets {
		if b.acked&(1<<i) == 0 {
			return off
		}
	}
	return b.offsets[len(b.offsets)-1] + 1
}

// delay sets when a popped message may be given again.
func (s *Orders) delay(k queueKey, offset, popTime, visibleAt int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.table[k]
	if b == nil || popTime != b.popTime {
		return
	}
	if b.visibleAt == nil {
		b.visibleAt = map[int64]int64{}
	}
	b.visibleAt[offset] = visibleAt
	s.note(k, b)
}

// clear forgets a queue's batch: its group was set to another offset.
func (s *Orders) clear(k queueKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.table, k)
	delete(s.freeAt, k)
	s.changed = true
}

// note keeps in mind that the table changed and when the queue is free again. s.mu
// is held.
func (s *Orders) note(k queueKey, b *batch) {
	s.changed = true
	if until := b.blockedUntil(s.opts.Now()); until != 0 && s.opts.Wakes() {
		s.freeAt[k.clone()] = until
		select {
		case s.armed <- struct{}{}:
		default:
		}
	} else {
		delete(s.freeAt, k)
	}
}

// freeTick is how exactly a queue is given again when the time of what was popped
// from it is over.
const freeTick = 100 * time.Millisecond

// Run calls wake for each queue whose batch is no longer awaited because its time
// is over, until ctx is done.
func (s *Orders) Run(ctx context.Context, wake func(topic, group string, queue int32)) error {
	tick := time.NewTimer(freeTick)
	defer tick.Stop()
	for ticking := true; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.armed:
			if !ticking {
				tick.Reset(freeTick)
			}
			ticking = true
		case <-tick.C:
			if ticking = s.freed(wake); ticking { // otherwise the next pop arms it
				tick.Reset(freeTick)
			}
		}
	}
}

// freed is one look of Run; more says that there are times to keep.
func (s *Orders) freed(wake func(topic, group string, queue int32)) (more bool) {
	now := s.opts.Now()
	var free []queueKey
	s.mu.Lock()
	for k, at := range s.freeAt {
		if at > now {
			continue
		}
		// Another message of the batch may be awaited for longer.
		if b := s.table[k]; b != nil {
			if until := b.blockedUntil(now); until != 0 {
				s.freeAt[k] = until
				continue
			}
		}
		delete(s.freeAt, k)
		free = append(free, k)
	}
	more = len(s.freeAt) > 0
	s.mu.Unlock()
	if !s.opts.Wakes() {
		return more
	}
	for _, k := range free {
		wake(k.topic, k.group, k.queue)
	}
	return more
}

// clean forgets batches of what no longer exists, and old ones.
func (s *Orders) clean() {
	now := s.opts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, b := range s.table {
		if k.queue >= s.opts.Queues(k.topic) || !s.opts.HasGroup(k.group) || now-b.consumed > abandoned {
			delete(s.table, k)
			delete(s.freeAt, k)
			s.changed = true
		}
	}
}

// Persist writes the file when there is anything new to write.
func (s *Orders) Persist() error {
	s.clean()
	s.mu.Lock()
	changed := s.changed
	s.changed = false
	s.mu.Unlock()
	if !changed {
		return nil
	}
	if err := s.file.Persist(); err != nil {
		s.mu.Lock()
		s.changed = true
		s.mu.Unlock()
		return err
	}
	return nil
}

// clone owns its strings.
func (k queueKey) clone() queueKey {
	return queueKey{strings.Clone(k.topic), strings.Clone(k.group), k.queue}
}
