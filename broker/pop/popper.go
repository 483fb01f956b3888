package pop

import (
	"fmt"
	"sync/atomic"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store"
)

// Settings are what a configuration says. The names in brackets are the official
// keys.
type Settings struct {
	RetryV2                bool  // [enableRetryTopicV2] new retry topics have a plus sign in their names
	RetryV1Too             bool  // [retrieveMessageFromPopRetryTopicV1] those without are read then, too
	RetryPercent           int   // [popFromRetryProbability] of the pops that look into the retry topic first
	CheckInMemory          bool  // [initPopOffsetByCheckMsgInMem] a new group begins at 0 while that message is in memory
	RetryPercentOfPriority int   // [popFromRetryProbabilityForPriority] the same of pops by priority
	HighestFirst           bool  // [priorityOrderAsc] queues are walked downwards from the start; false: upwards, as before 5.4
	ReviveQueues           int32 // [reviveQueueNum]
}

// Messages is the store as a pop sees it.
type Messages interface {
	// Get reads messages that a group is given, or for none, "", that are only looked at.
	Get(group string, q *store.Query, r *store.GetResult)
	// Bounds is the first offset of a queue and the one behind its last message.
	Bounds(topic string, queue int32) (first, end int64)
	// StartsInMemory reports whether the first message of a queue can be read without
	// waiting for the disk.
	StartsInMemory(topic string, queue int32) bool
}

// Offsets is how far groups are, by queue.
type Offsets interface {
	Query(group, topic string, queue int32) (int64, bool)
	Commit(group, topic string, queue int32, offset int64) (previous int64)
	HasReset(group, topic string, queue int32) bool
	TakeReset(group, topic string, queue int32) (int64, bool)
}

// Options are what a Popper works with.
type Options struct {
	Now      func() int64    // ms since 1970
	Random   func(n int) int // below n
	Broker   string          // its name, which receipts and records carry
	Settings func() Settings
	Messages Messages
	Offsets  Offsets
	Log      Log
	Orders   *Orders
	// Queues is how many queues of a topic are read, 0 when there is no such topic.
	Queues func(topic string) int32
	// Freed is told of a topic that gives a group messages again because the group has
	// less in hand; see LimitInFlight. May be nil.
	Freed func(topic, group string, queue int32)
}

// Popper gives messages out and takes acknowledgements. It is safe for concurrent
// use.
type Popper struct {
	opts   Options
	claims *claims
	turn   atomic.Uint32 // which revive queue is next

	inFlight atomic.Pointer[inFlight] // nil: there is no limit
	freed    atomic.Uint64            // how often it ended
}

// New makes a Popper.
func New(o Options) *Popper { return &Popper{opts: o, claims: newClaims()} }

// Request is one pop. Its strings may be views: what is kept of them is copied.
type Request struct {
	Topic, Group string
	Queue        int32 // negative: any
	Max          int   // most messages, at most 32
	Invisible    int64 // ms
	FromStart    bool  // where a group without an offset begins; false: at the end
	Ordered      bool
	// Priority is the percentage of pops that walk the queues strictly by priority
	// instead of from a random one on: the group's, when the topic is one of
	// priorities.
	Priority int
	Attempt  string // an ordered group's: the same attempt may pop the same again
	Filter   store.Filter
}

// Result is what a pop found. It is used again after Release.
type Result struct {
	PopTime     int64
	ReviveQueue int32
	Rest        int64 // messages that are left, roughly
	Held        int64 // how many of those LimitInFlight holds back
	Info        Info
	Count       int
	Parts       []Part

	spare []*store.GetResult
}

// Part is what was popped from one queue.
type Part struct {
	Origin Origin
	Queue  int32
	Start  int64 // of the check point
	Got    *store.GetResult
}

// Release gives back what the parts refer to.
func (r *Result) Release() {
	for i := range r.Parts {
		r.Parts[i].Got.Release()
		r.spare = append(r.spare, r.Parts[i].Got)
	}
	clear(r.Parts)
	*r = Result{Parts: r.Parts[:0], spare: r.spare, Info: Info{start: r.Info.start[:0], offsets: r.Info.offsets[:0], counts: r.Info.counts[:0]}}
}

func (r *Result) room() *store.GetResult {
	if n := len(r.spare); n > 0 {
		got := r.spare[n-1]
		r.spare = r.spare[:n-1]
		return got
	}
	return new(store.GetResult)
}

// Pop fills r, which is released first. What it holds is good until Release.
//
// The order of things makes sure that nothing is lost: a queue's check point is
// in the log before the group's offset moves and before anybody sees a message.
func (p *Popper) Pop(req *Request, r *Result) {
	r.Release()
	set := p.opts.Settings()
	r.PopTime = p.opts.Now()
	r.ReviveQueue = OrderedQueue
	if !req.Ordered {
		r.ReviveQueue = int32((p.turn.Add(1) - 1) % uint32(max(set.ReviveQueues, 1)))
	}
	random := p.opts.Random(100)
	strict, percent, from := !req.Ordered && random < req.Priority, set.RetryPercent, random
	if strict {
		percent, from = set.RetryPercentOfPriority, 0
	}
	retryFirst := random < percent
	retry := RetryTopic(req.Topic, req.Group, set.RetryV2 && !(set.RetryV1Too && random%2 == 0))
	if retryFirst && !req.Ordered {
		p.popTopic(req, r, retry, from, set)
	}
	if req.Queue < 0 {
		p.popTopic(req, r, req.Topic, from, set)
	} else {
		p.popQueue(req, r, req.Topic, req.Queue, set)
	}
	if !retryFirst && r.Count < req.Max && !req.Ordered {
		p.popTopic(req, r, retry, from, set)
	}
}

// popTopic walks the queues of a topic from one on.
func (p *Popper) popTopic(req *Request, r *Result, topic string, from int, set Settings) {
	n := int(p.opts.Queues(topic))
	for i := range n {
		at := from + i
		if set.HighestFirst {
			at = from + n - 1 - i
		}
		p.popQueue(req, r, topic, int32(at%n), set)
	}
}

func (p *Popper) popQueue(req *Request, r *Result, topic string, queue int32, set Settings) {
	k := queueKey{topic, req.Group, queue}
	if !p.claims.try(k) {
		if !req.Ordered {
			_, end := p.opts.Messages.Bounds(topic, queue)
			r.Rest += end - p.offset(k, req.FromStart, false, set)
		}
		return
	}
	defer p.claims.release(k)
	if p.full(k) {
		_, end := p.opts.Messages.Bounds(topic, queue)
		rest := end - p.offset(k, req.FromStart, false, set)
		r.Rest += rest
		r.Held += rest
		return
	}
	offset := p.offset(k, req.FromStart, true, set)
	if reset, ok := p.opts.Offsets.TakeReset(k.group, k.topic, k.queue); ok {
		p.opts.Orders.clear(k)
		p.opts.Offsets.Commit(k.group, k.topic, k.queue, reset)
		offset = reset
	}
	if req.Ordered {
		if p.opts.Orders.Blocked(req.Attempt, topic, req.Group, queue, req.Invisible) {
			return
		}
		p.ForgetQueue(topic, req.Group, queue) // what it has in hand is given again
	}
	if r.Count >= req.Max {
		_, end := p.opts.Messages.Bounds(topic, queue)
		r.Rest += end - offset
		return
	}
	p.take(req, r, k, offset)
}

// take reads from one queue and notes what was read. The queue is claimed.
func (p *Popper) take(req *Request, r *Result, k queueKey, offset int64) {
	got := r.room()
	q := store.Query{Topic: k.topic, QueueID: k.queue, Offset: offset, MaxCount: req.Max - r.Count, Filter: req.Filter}
	p.opts.Messages.Get(k.group, &q, got)
	switch got.Status {
	case store.OffsetTooSmall, store.OffsetOverflowBadly, store.OffsetFoundNull:
		offset = got.NextOffset
		p.opts.Offsets.Commit(k.group, k.topic, k.queue, offset)
		q.Offset = offset
		p.opts.Messages.Get(k.group, &q, got)
	}
	if got.Status == store.Found {
		if err := p.note(req, r, k, offset, got); err != nil {
			r.Rest += int64(got.Messages)
			got.Release()
			r.spare = append(r.spare, got)
			return
		}
		if f := p.inFlight.Load(); f != nil {
			f.add(k, got.Messages)
		}
		origin := OriginOf(k.topic)
		r.Info.add(origin, k.queue, offset, got.QueueOffsets)
		r.Count += got.Count
		r.Rest += got.MaxOffset - got.NextOffset
		r.Parts = append(r.Parts, Part{Origin: origin, Queue: k.queue, Start: offset, Got: got})
		return
	}
	switch got.Status {
	case store.NoMatchedMessage, store.OffsetFoundNull, store.MessageWasRemoving, store.NoMatchedLogicQueue:
		if got.NextOffset > offset {
			p.opts.Offsets.Commit(k.group, k.topic, k.queue, got.NextOffset)
		}
	}
	r.Rest += got.MaxOffset - got.NextOffset
	got.Release()
	r.spare = append(r.spare, got)
}

// note makes what was read invisible to the group, and moves its offset.
func (p *Popper) note(req *Request, r *Result, k queueKey, offset int64, got *store.GetResult) error {
	if req.Ordered {
		p.opts.Orders.popped(req.Attempt, k, r.PopTime, req.Invisible, got.QueueOffsets, &r.Info)
		p.opts.Offsets.Commit(k.group, k.topic, k.queue, offset)
		return nil
	}
	c := CheckPoint{
		Broker: p.opts.Broker, Group: k.group, Topic: k.topic, Queue: k.queue, Start: offset, PopTime: r.PopTime, Inv: req.Invisible,
		Count: int8(got.Count), Diffs: make([]int32, got.Count),
	}
	for i, off := range got.QueueOffsets {
		c.Diffs[i] = int32(off - offset)
	}
	if err := p.opts.Log.Append(c.record(r.ReviveQueue)); err != nil {
		return fmt.Errorf("a check point of group %s in topic %s: %w", k.group, k.topic, err)
	}
	p.opts.Offsets.Commit(k.group, k.topic, k.queue, got.NextOffset)
	return nil
}

// offset is where a group goes on in a queue. settle commits where it begins.
func (p *Popper) offset(k queueKey, fromStart, settle bool, set Settings) int64 {
	if off, ok := p.opts.Offsets.Query(k.group, k.topic, k.queue); ok {
		return off
	}
	first, end := p.opts.Messages.Bounds(k.topic, k.queue)
	off := first
	if !fromStart && OriginOf(k.topic) == FromTopic {
		off = max(end-1, 0)
		if set.CheckInMemory && first <= 0 && p.opts.Messages.StartsInMemory(k.topic, k.queue) {
			off = 0
		}
	}
	if settle {
		p.opts.Offsets.Commit(k.group, k.topic, k.queue, off)
	}
	return off
}

// Question asks whether a group would find anything in a topic, in one queue or,
// when Queue is negative, in any.
type Question struct {
	Topic, Group string
	Queue        int32
	Ordered      bool
	Attempt      string
	// Filter is asked while fewer messages than Filtered are left in a queue; nil
	// wants everything.
	Filter   store.Filter
	Filtered int64
}

// HasMessages answers it.
func (p *Popper) HasMessages(q *Question) bool {
	from, to := q.Queue, q.Queue+1
	if q.Queue < 0 {
		from, to = 0, p.opts.Queues(q.Topic)
	}
	for queue := from; queue < to; queue++ {
		if p.hasMessages(q, queue) {
			return true
		}
	}
	return false
}

func (p *Popper) hasMessages(q *Question, queue int32) bool {
	if q.Ordered && p.opts.Orders.Blocked(q.Attempt, q.Topic, q.Group, queue, 0) {
		return false
	}
	first, end := p.opts.Messages.Bounds(q.Topic, queue)
	offset, ok := p.opts.Offsets.Query(q.Group, q.Topic, queue)
	if !ok {
		offset = first
	}
	rest := end - offset
	if q.Filter == nil || rest <= 0 || rest >= q.Filtered {
		return rest > 0
	}
	var got store.GetResult
	defer got.Release()
	for query := (store.Query{Topic: q.Topic, QueueID: queue, Offset: offset, MaxCount: 1, Filter: q.Filter}); query.Offset < end; {
		p.opts.Messages.Get("", &query, &got)
		if got.Status == store.Found || got.NextOffset <= query.Offset {
			return got.Status == store.Found
		}
		query.Offset = got.NextOffset
	}
	return false
}

// Peek fills r with what Pop would find. Nothing becomes invisible.
func (p *Popper) Peek(topic, group string, queue int32, most int, r *Result) {
	r.Release()
	topics := []string{topic, RetryTopic(topic, group, p.opts.Settings().RetryV2)}
	if p.opts.Random(5) == 0 {
		topics[0], topics[1] = topics[1], topics[0]
	}
	for _, t := range topics {
		first, behind := queue, queue+1
		if queue < 0 || t != topic {
			first, behind = 0, p.opts.Queues(t)
		}
		for q := first; q < behind; q++ {
			p.peekQueue(t, group, q, most, r)
		}
	}
}

func (p *Popper) peekQueue(topic, group string, queue int32, most int, r *Result) {
	first, end := p.opts.Messages.Bounds(topic, queue)
	offset, ok := p.opts.Offsets.Query(group, topic, queue)
	if !ok {
		offset = first
	}
	r.Rest += end - offset
	if r.Count >= most {
		return
	}
	got := r.room()
	query := store.Query{Topic: topic, QueueID: queue, Offset: offset, MaxCount: most - r.Count}
	p.opts.Messages.Get(group, &query, got)
	if got.Status == store.OffsetTooSmall || got.Status == store.OffsetOverflowBadly {
		query.Offset = got.NextOffset
		p.opts.Messages.Get(group, &query, got)
	}
	if got.Status != store.Found {
		got.Release()
		r.spare = append(r.spare, got)
		return
	}
	r.Count += got.Count
	r.Parts = append(r.Parts, Part{Origin: OriginOf(topic), Queue: queue, Start: query.Offset, Got: got})
}

// RetryTopics are the topics in which messages of a topic may come again for a
// group.
func (p *Popper) RetryTopics(topic, group string) []string {
	set := p.opts.Settings()
	topics := []string{RetryTopic(topic, group, set.RetryV2)}
	if set.RetryV2 && set.RetryV1Too {
		topics = append(topics, RetryTopic(topic, group, false))
	}
	return topics
}

// Recover takes up a check point after a crash: offsets are saved every few
// seconds, check points are in the log at once. since is when the offsets were
// saved (ms); what was popped before is in them, or was undone by somebody.
func (p *Popper) Recover(body []byte, since int64) {
	var c CheckPoint
	if err := compat.UnmarshalFastjson(body, &c); err != nil || c.PopTime < since || c.Broker != p.opts.Broker {
		return
	}
	n := c.messages()
	if n == 0 {
		return
	}
	next := c.offsetAt(n-1) + 1
	if old, ok := p.opts.Offsets.Query(c.Group, c.Topic, c.Queue); !ok || old < next {
		p.opts.Offsets.Commit(c.Group, c.Topic, c.Queue, next)
	}
}

// IsCheckPoint tells check points by the tag of their record.
func IsCheckPoint(tag string) bool { return tag == tagCheckPoint }
