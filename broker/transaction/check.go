package transaction

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

const (
	// walkLimit bounds one walk (upstream's MAX_PROCESS_TIME_LIMIT); the next goes
	// on where it ended.
	walkLimit = int64(time.Minute / time.Millisecond)

	// Questions are handed out no faster than a producer can take them: after so
	// many bytes the walk rests. A producer that is given more than its connection
	// holds would be cut off.
	burstBytes = 4 << 20
	burstRest  = 100 * time.Millisecond

	// lookAgain is how long the walk waits at a time, and settleLimit altogether,
	// for op messages that are in the log to become readable.
	lookAgain   = 5 * time.Millisecond
	settleLimit = 10 * time.Second
)

// errLater ends a walk that cannot go on now.
var errLater = errors.New("the op messages that were just written cannot be read yet")

// walk is one pass over the half messages.
type walk struct {
	s      *Service
	o      Settings
	ops    *opReader
	began  int64 // ms since 1970
	first  int64 // the half message that it began at
	next   int64 // the half message that it looks at next
	end    int64 // the end of the half messages when it began: what it puts back itself is behind
	passed int64 // all half messages before this place in the log were looked at
	asked  int   // bytes of questions since the last rest

	putsBack bool // a half message was put back
}

// Check walks over the half messages once, from where the last walk ended, until
// it meets one that is too young or was stored since. It is called by one goroutine
// at a time, which is Run's while Run runs.
func (s *Service) Check(ctx context.Context) {
	if err := s.ops.flush(true); err != nil {
		s.report(err)
		return
	}
	w := &walk{s: s, o: s.opts.Settings(), began: s.opts.Now()}
	w.first = s.progress(protocol.TopicTransHalf)
	w.next = w.first
	_, w.end = s.opts.Store.Bounds(protocol.TopicTransHalf)
	w.ops = newOpReader(s.opts.Store, s.progress(protocol.TopicTransOpHalf), w.first)
	err := w.run(ctx)
	if err != nil && ctx.Err() == nil {
		s.report(fmt.Errorf("half message %d cannot be checked now: %w", w.next, err))
	}
	s.report(w.commit())
}

// progress is where a walk begins in a topic: not before the first message that
// has not expired.
func (s *Service) progress(topic string) int64 {
	first, _ := s.opts.Store.Bounds(topic)
	offset, _ := s.opts.Progress.Query(protocol.GroupSysTrans, topic, queue)
	return max(offset, first)
}

// takeBack moves progress that is beyond the end of a queue, after the log has
// lost its tail, to that end: half messages that come now are not to be passed
// over.
func (s *Service) takeBack(topic string) {
	_, end := s.opts.Store.Bounds(topic)
	if offset, _ := s.opts.Progress.Query(protocol.GroupSysTrans, topic, queue); offset > end {
		s.opts.Progress.Commit(protocol.GroupSysTrans, topic, queue, end)
	}
}

// commit writes down how far the walk has come. What progress rests on must be on
// the disk first: should the log lose its tail, half messages that were put back
// there, or whose end was noted there, must be met again.
func (w *walk) commit() error {
	op := w.ops.progress(w.passed)
	if w.next == w.first && op == w.ops.from {
		return nil
	}
	if err := w.s.opts.Store.Sync(); err != nil {
		return fmt.Errorf("what became of half messages is not on the disk: %w", err)
	}
	for _, p := range []struct {
		topic    string
		from, to int64
	}{{protocol.TopicTransHalf, w.first, w.next}, {protocol.TopicTransOpHalf, w.ops.from, op}} {
		if p.from != p.to {
			w.s.opts.Progress.Commit(protocol.GroupSysTrans, p.topic, queue, p.to)
		}
	}
	if !w.putsBack {
		return nil
	}
	// A broker that is killed now must not meet again what was put back: each of the
	// two would then be asked about, and committed.
	return w.s.opts.Progress.Persist()
}

// run looks at one half message after the other.
func (w *walk) run(ctx context.Context) error {
	for w.s.opts.Now()-w.began <= walkLimit {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.next >= w.end {
			return w.finish(ctx)
		}
		on, err := w.step(ctx)
		if !on || err != nil {
			return err
		}
		w.ops.pass(w.next)
		w.next++
	}
	return nil
}

// finish ends a walk that has come to its end: what op messages are left are about
// half messages that it has passed, or about some that the next walk will look at.
func (w *walk) finish(ctx context.Context) error {
	end, err := w.settled(ctx)
	for err == nil && w.ops.next < end {
		err = w.ops.read()
	}
	if _, half := w.s.opts.Store.Bounds(protocol.TopicTransHalf); w.next >= half {
		w.passed = math.MaxInt64
	}
	return err
}

// step looks at the next half message. on is false when the walk ends before it.
func (w *walk) step(ctx context.Context) (on bool, err error) {
	if ended, err := w.ended(ctx, w.next); ended || err != nil {
		return ended, err
	}
	var m codec.Message
	if err := w.s.opts.Store.ReadQueue(&m, protocol.TopicTransHalf, w.next); err != nil {
		return errors.Is(err, ErrGone), ignoreGone(err)
	}
	w.passed = m.PhysicalOffset
	first, known := firstOffset(&m)
	if known && first != w.next {
		if ended, err := w.ended(ctx, first); ended || err != nil {
			return ended, err
		}
	}
	now := w.s.opts.Now()
	age := now - m.BornTimestamp
	if !w.count(&m) || age > w.o.FileReserved.Milliseconds() {
		return true, w.discard(&m)
	}
	immunity, custom := w.immunity(&m)
	switch {
	case custom && age <= immunity && known:
		return true, w.spare(&m, first)
	case custom && age <= immunity:
		return false, nil // it waits here until it is old enough
	case age >= 0 && age <= immunity:
		return false, nil
	}
	return true, w.ask(ctx, &m)
}

func ignoreGone(err error) error {
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// ended reports whether the end of a half message's transaction is known: noted,
// or waiting to be. An end that waits is noted before it stops waiting, so one that
// was missed on its way shows as an op message more.
func (w *walk) ended(ctx context.Context, half int64) (bool, error) {
	for {
		if w.ops.knows(half) {
			return true, nil
		}
		end, err := w.settled(ctx)
		if err != nil {
			return false, err
		}
		if found, err := w.ops.find(half, end); found || err != nil {
			return found, err
		}
		if w.s.ops.has(half) {
			return true, nil
		}
		if w.s.opts.Store.Next(protocol.TopicTransOpHalf) == end {
			return false, nil
		}
	}
}

// settled waits until every op message that is in the log can be read, and returns
// the end of their queue. That takes the store a moment.
func (w *walk) settled(ctx context.Context) (end int64, err error) {
	var waited time.Duration
	for {
		next := w.s.opts.Store.Next(protocol.TopicTransOpHalf)
		if _, end = w.s.opts.Store.Bounds(protocol.TopicTransOpHalf); end >= next {
			return end, nil
		}
		if waited >= settleLimit {
			return 0, errLater
		}
		if err := rest(ctx, lookAgain); err != nil {
			return 0, err
		}
		waited += lookAgain
	}
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// count counts one more check of a half message in its properties, and reports whether it may be checked
// once more: one that was never checked may be, whatever CheckMax says. A count that is no number is -1.
func (w *walk) count(m *codec.Message) bool {
	times := int64(0)
	if text, ok := codec.Property(m.Properties, protocol.PropertyTransactionCheckTimes); ok {
		var err error
		if times, err = strconv.ParseInt(text, 10, 32); err != nil {
			times = -1
		}
		if times >= int64(w.o.CheckMax) {
			return false
		}
	}
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyTransactionCheckTimes, strconv.FormatInt(times+1, 10))
	return true
}

// immunity is how old a half message must be before anybody is asked about it, in
// ms, and whether that is its own wish.
func (w *walk) immunity(m *codec.Message) (ms int64, custom bool) {
	ms = w.o.Timeout.Milliseconds()
	text, ok := codec.Property(m.Properties, protocol.PropertyCheckImmunityTimeInSeconds)
	if !ok {
		return ms, false
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds != -1 {
		ms = seconds * 1000
	}
	return ms, true
}

// firstOffset is the offset at which a half message was first stored, by which its
// producer knows it; known is false when what it says of that is no number.
func firstOffset(m *codec.Message) (first int64, known bool) {
	text, ok := codec.Property(m.Properties, protocol.PropertyTransactionPreparedQueueOffset)
	if !ok {
		return m.QueueOffset, true
	}
	first, err := strconv.ParseInt(text, 10, 64)
	return first, err == nil
}

// spare puts back a half message that is not to be asked about yet, so that those
// behind it are not held up, under its first offset: an end that is noted for that
// one ends it too. As upstream, it counts as a check.
func (w *walk) spare(m *codec.Message, first int64) error {
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyWait, "false")
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyTransactionPreparedQueueOffset, strconv.FormatInt(first, 10))
	return w.putBack(m)
}

// putBack appends a half message anew and leaves its new offsets in it.
func (w *walk) putBack(m *codec.Message) error {
	m.PreparedTransactionOffset = 0
	w.putsBack = true
	return w.s.opts.Store.Append(m)
}

// ask puts a half message back and has a producer asked about it. Whether one can
// be reached or not, that was one of its checks.
func (w *walk) ask(ctx context.Context, m *codec.Message) error {
	stored := m.StoreTimestamp
	if err := w.putBack(m); err != nil {
		return err
	}
	m.StoreTimestamp = stored
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyWait, "false")
	if redirect(m) != nil {
		return nil // no producer could make sense of it; it will be put aside
	}
	group, _ := codec.Property(m.Properties, protocol.PropertyProducerGroup)
	if group == "" || !w.s.opts.Ask(Question{Group: group, Message: m}) {
		return nil
	}
	if w.asked += len(m.Body) + len(m.Properties); w.asked < burstBytes {
		return nil
	}
	w.asked = 0
	_ = rest(ctx, burstRest) // cut short, it is the next step that ends the walk
	return nil
}

// discard puts a half message aside. Nobody is asked about it any more, unless an
// administrator wants it, see Resume.
func (w *walk) discard(m *codec.Message) error {
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	w.s.opts.OpenDiscard()
	m.Topic, m.QueueID, m.PreparedTransactionOffset = protocol.TopicTransCheckMaxTime, 0, 0
	if err := w.s.opts.Store.Append(m); err != nil {
		return err
	}
	w.s.counts.add(topic, -1)
	return nil
}
