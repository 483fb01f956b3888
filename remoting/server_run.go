package remoting

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// Run serves until ctx ends, then stops in order and returns why ctx ended:
//
//  1. The listeners are closed.
//  2. Requests of clients that know it are answered with GO_AWAY; the others are
//     served. This goes on until nothing is in flight and GoAwayTime has passed.
//  3. The readers stop after the request that they are at; what is in the
//     outboxes is written, and the connections are closed.
//
// All of it takes GoAwayTime and DrainTimeout at most, then connections are cut. When Run
// returns, no goroutine of the server is left. Pools belong to who made them and
// are closed afterwards.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.running || s.stopped {
		s.mu.Unlock()
		return errors.New("a remoting server runs once")
	}
	s.running = true
	listeners := s.listeners
	s.mu.Unlock()

	var loops sync.WaitGroup
	for _, l := range listeners {
		loops.Go(func() { s.accept(ctx, l) })
	}
	sweepCtx, stopSweep := context.WithCancel(context.WithoutCancel(ctx))
	if s.options.Idle > 0 {
		loops.Go(func() { s.sweep(sweepCtx) })
	}
	<-ctx.Done()
	s.drain()
	stopSweep()
	loops.Wait()
	return context.Cause(ctx)
}

// Close frees the ports of a server that is not run, so that one that failed to
// start leaves nothing behind. It does nothing to one that runs: end its ctx.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.stopped {
		return nil
	}
	s.stopped = true
	return s.closeListeners()
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// drain stops the server in order.
func (s *Server) drain() {
	var goAway time.Duration
	if s.options.GoAwayTime != nil {
		goAway = s.options.GoAwayTime()
	}
	inTime, cancel := context.WithTimeout(context.Background(), goAway+s.options.DrainTimeout)
	defer cancel()
	s.mu.Lock()
	s.closeListeners()
	s.mu.Unlock()
	s.host.draining.Store(true)
	s.awaitAnswers(inTime, goAway)

	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	for _, c := range s.connections() {
		c.stop()
	}
	cut := context.AfterFunc(inTime, func() {
		for _, c := range s.connections() {
			c.Close(ErrShutdown)
		}
	})
	s.conns.Wait()
	cut()
}

// awaitAnswers waits until nothing is in flight and clients had goAway to hear that
// they should go, but not beyond inTime.
func (s *Server) awaitAnswers(inTime context.Context, goAway time.Duration) {
	var linger <-chan time.Time
	if goAway > 0 {
		timer := time.NewTimer(goAway)
		defer timer.Stop()
		linger = timer.C
	}
	for linger != nil || s.InFlight() > 0 {
		select {
		case <-linger:
			linger = nil
		case <-s.host.settled:
		case <-inTime.Done():
			return
		}
	}
}

// sweep closes idle connections. It wakes when the first of them may be due.
func (s *Server) sweep(ctx context.Context) {
	idle := s.options.Idle
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := s.host.now()
		next := idle
		for _, c := range s.connections() {
			left := idle - (now - c.active())
			if left <= 0 {
				c.Close(ErrIdle)
			} else {
				next = min(next, left)
			}
		}
		timer.Reset(max(next, idle/sweepSteps))
	}
}

// sweepSteps bounds how often sweep looks: how late it may close a connection, as
// a part of the idle time.
const sweepSteps = 100

// stop makes the reader end after the request that it is at.
func (c *conn) stop() {
	c.stopping.Store(true)
	c.nc.SetReadDeadline(time.Unix(1, 0))
}

// whyEnded is the reason behind an error of the reader.
func (c *conn) whyEnded(err error) error {
	if c.stopping.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrShutdown
	}
	return err
}
