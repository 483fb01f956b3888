package compaction

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// schedule sets when a queue is compacted next: an interval and a part of another, so that queues that began together drift apart, as the
// official broker lets them.
func (q *queue) schedule() {
	o := &q.s.o
	q.due = o.Now().Add(o.Interval + time.Second + time.Duration(o.Rand(int64(max(o.Interval, 1)))))
}

// Run compacts every queue that is due, until ctx ends, and returns ctx's cause.
func (s *Store) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	jobs := make(chan *queue)
	for range s.o.Workers {
		wg.Go(func() {
			for q := range jobs {
				s.compact(ctx, q)
			}
		})
	}
	tick := time.NewTicker(min(max(s.o.Interval/4, time.Millisecond), time.Second))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			s.hand(ctx, jobs)
		}
	}
	close(jobs)
	wg.Wait()
	return context.Cause(ctx)
}

// hand gives the queues that are due to the workers, and waits for them where there are more.
func (s *Store) hand(ctx context.Context, jobs chan<- *queue) {
	for _, q := range s.due() {
		select {
		case jobs <- q:
		case <-ctx.Done():
			return
		}
	}
}

// due lists the queues whose time has come and that no worker has.
func (s *Store) due() []*queue {
	now := s.o.Now()
	var list []*queue
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if !q.busy && !q.due.After(now) {
			q.busy = true
			list = append(list, q)
		}
	}
	return list
}

// compact is one turn of a worker.
func (s *Store) compact(ctx context.Context, q *queue) {
	more, err := q.compact(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errStopped) {
		s.o.Event(fmt.Sprintf("%s could not be compacted, it keeps all its messages and is tried again", q), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.busy = false
	if q.schedule(); more {
		q.due = s.o.Now()
	}
}

// Compact compacts a queue now, as often as its keys need, whether it is due or not.
func (s *Store) Compact(ctx context.Context, topic string, id int32) error {
	q := s.find(topic, id)
	if q == nil {
		return nil
	}
	for more := true; more; {
		var err error
		if more, err = q.compact(ctx); err != nil {
			return err
		}
	}
	return nil
}
