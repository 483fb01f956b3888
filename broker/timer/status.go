package timer

import (
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// Status is what run-time statistics show (the keys timer… of brokerStatus).
type Status struct {
	ReadBehind   int64 // s that the delivery is late
	OffsetBehind int64 // messages that wait to be entered
	Waiting      int64 // messages in the wheel
	EnqueueTPS   float32
	DequeueTPS   float32
}

// Status gathers it.
func (s *Service) Status() Status {
	now := s.opts.Now()
	_, end := s.opts.Store.Range()
	return Status{
		ReadBehind: (now - s.readTime(now)) / 1000, OffsetBehind: max(0, end-s.next.Load()), Waiting: s.files.Waiting(),
		EnqueueTPS: s.entered.perSecond(now), DequeueTPS: s.released.perSecond(now),
	}
}

// readTime is the time up to which everything has been delivered, by the clock when
// nothing waits.
func (s *Service) readTime(now int64) int64 {
	read := s.read.Load()
	if s.files.Latest() < read {
		return max(read, s.floor(now))
	}
	return read
}

// Checkpoint is the body of GET_TIMER_CHECK_POINT.
func (s *Service) Checkpoint() []byte {
	c := s.files.Checkpoint()
	c.ReadTime = s.readTime(s.opts.Now())
	c.QueueOffset = s.next.Load()
	c.MasterQueueOffset = c.QueueOffset
	return c.AppendTo(nil)
}

// Metrics are the messages that wait, by topic.
func (s *Service) Metrics() protocol.TimerMetrics { return s.metrics.snapshot() }

// ForgetTopic ends the count of a topic that was deleted.
func (s *Service) ForgetTopic(topic string) { s.metrics.remove(topic) }

// rate counts events and remembers how many there were in the last interval.
type rate struct {
	count atomic.Int64
	// last is the interval that ended last: events per second times 1000, and when.
	last, lastAt atomic.Int64
	before       int64 // count at lastAt; tick's
}

func (r *rate) add(n int64) { r.count.Add(n) }

// tick ends an interval. One goroutine calls it.
func (r *rate) tick(now int64) {
	n, since := r.count.Load(), now-r.lastAt.Load()
	if since > 0 {
		r.last.Store((n - r.before) * 1_000_000 / since)
	}
	r.before = n
	r.lastAt.Store(now)
}

// perSecond is the rate of the last interval, 0 when that is long ago.
func (r *rate) perSecond(now int64) float32 {
	const old = 10_000 // ms
	if now-r.lastAt.Load() > old {
		return 0
	}
	return float32(r.last.Load()) / 1000
}
