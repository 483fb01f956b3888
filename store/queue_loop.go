package store

import (
	"context"
	"fmt"
	"time"
)

func (s *Store) queueWake() {
	select {
	case s.queueWaker <- struct{}{}:
	default:
	}
}

// queueLoop writes consume queue entries at an interval, and takes a checkpoint now and then, until ctx ends.
func (s *Store) queueLoop(ctx context.Context) {
	last := s.o.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		t := s.tuning.Load()
		timer.Reset(t.QueueFlushInterval)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.queueWaker:
		}
		if s.queues.pendingBytes.Load() > 0 {
			s.queueTrouble(s.queues.writeOut())
		}
		if s.dispatch.broken.Load() {
			s.dispatchWake()
		}
		s.coolSegments()
		soon := s.checkpointSoon.Swap(false)
		if now := s.o.Now(); soon || now.Sub(last) >= t.CheckpointInterval {
			last = now
			if s.failure() == nil && (soon || s.dispatch.pos.Load() > s.checkpointed.Load()) {
				s.queueTrouble(s.takeCheckpoint())
			}
		}
	}
}

// queueTrouble keeps count of whether consume queues can be written. While they cannot, appends are refused: entries wait in
// memory, which is bounded. The first success lets appends in again.
func (s *Store) queueTrouble(err error) error {
	if err == nil {
		if s.queuesBroken.Swap(false) {
			s.o.Event(Event{Level: Info, Text: "consume queues can be written again, appends are accepted"})
		}
		return nil
	}
	if !s.queuesBroken.Swap(true) {
		s.o.Event(Event{Level: Fault, Text: "consume queues cannot be written, appends are refused until they can", Err: err})
	}
	return fmt.Errorf("consume queues cannot be written: %w", err)
}
