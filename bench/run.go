package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Run is the command "gantry bench": it parses the arguments behind that name, puts
// the load on the target, writes the report to out and what else there is to say,
// with the live line of a terminal, to errOut. The error is ErrUsage when the
// arguments made no sense, and says what went wrong when the target was lost, when
// nothing was acknowledged, or when a report could not be written; the report up to
// then has been written all the same.
func Run(ctx context.Context, args []string, out, errOut io.Writer) error {
	err := runWorkload(ctx, args, out, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func runWorkload(ctx context.Context, args []string, out, errOut io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == workloadLimits:
		return runLimits(ctx, args[1:], out, errOut)
	case len(args) == 2 && args[0] == echoServer:
		return runEchoServer(os.Stdin, out, args[1])
	}
	o, err := parse(args, errOut)
	if err != nil {
		return err
	}
	report, err := measure(ctx, o, errOut)
	if report == nil {
		return err
	}
	errs := []error{err}
	if o.JSON != "-" {
		errs = append(errs, report.WriteText(out))
	}
	if o.JSON != "" {
		errs = append(errs, writeTo(o.JSON, out, report.WriteJSON))
	}
	if o.SVG != "" {
		errs = append(errs, writeTo(o.SVG, out, report.WriteSVG))
	}
	return errors.Join(errs...)
}

// measure prepares the target, runs the load and reports. A report comes with the
// error when the load ran at all.
func measure(ctx context.Context, o *options, errOut io.Writer) (*Report, error) {
	t, err := resolve(ctx, o)
	if err != nil {
		return nil, err
	}
	pids, err := watched(o.PIDs, t.brokers)
	if err != nil {
		return nil, err
	}
	loads, err := buildLoads(ctx, o, t)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, l := range loads {
			l.close()
		}
	}()
	r := &run{o: o, target: t, loads: loads, watch: newWatch(pids), live: newLive(errOut, o.Quiet)}
	return r.execute(ctx)
}

// run is one execution.
type run struct {
	o      *options
	target *target
	loads  []*load
	watch  *watch
	live   *live

	tracks []track
	stored int64 // ends of the queues when the measurement began, for one-way sends
}

// track follows one load through the measurement.
type track struct {
	base    counts // when the measurement began
	last    counts // at the latest sample
	total   *hdrhistogram.Histogram
	seconds []Second
}

// Reasons for the end of a measurement.
var (
	errTimeUp      = errors.New("the duration was over")
	errWorkDone    = errors.New("the work was done")
	errInterrupted = errors.New("interrupted")
)

// execute runs the loads, measures them from the end of the warm-up to whatever ends
// the run, and waits until everything has stopped.
func (r *run) execute(ctx context.Context) (*Report, error) {
	if r.o.Produce.OneWay {
		ends, err := r.target.offsets(ctx, true)
		if err != nil {
			return nil, err
		}
		r.stored = sum(ends)
	}
	loadCtx, stopLoads := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoads()
	ended, end := context.WithCancelCause(ctx)
	defer end(nil)

	if r.o.Warmup == 0 {
		r.begin() // before the first request, so that none is missing
	}
	start := time.Now()
	var running sync.WaitGroup
	for _, l := range r.loads {
		running.Go(func() { l.run(loadCtx, start, end) })
	}
	var waiter sync.WaitGroup
	waiter.Go(func() { running.Wait(); end(errWorkDone) })

	rep := &Report{Options: r.o, Brokers: r.target.brokers}
	measured := r.o.Warmup == 0 || pause(ended, r.o.Warmup)
	if rep.Started = time.Now(); r.o.Warmup == 0 {
		rep.Started = start
	}
	if measured && r.o.Warmup > 0 {
		r.begin()
	}
	if measured {
		r.follow(ended, rep.Started)
	}
	rep.Measured = time.Since(rep.Started)
	cause := context.Cause(ended)
	for _, l := range r.loads {
		l.quit()
	}
	stopLoads()
	waiter.Wait()
	r.live.done()
	if r.tracks == nil {
		r.tracks = r.newTracks() // ended in the warm-up: nothing was measured
	}
	if late := context.Cause(ended); cause == nil && !errors.Is(late, errWorkDone) {
		cause = late // lost while the last answers were awaited
	}
	err := r.finish(rep, cause)
	return rep, err
}

// pause waits; false when the run ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *run) newTracks() []track {
	tracks := make([]track, len(r.loads))
	for i := range tracks {
		tracks[i].total = newHistogram()
	}
	return tracks
}

// begin starts the measurement: what was counted so far is taken off again.
func (r *run) begin() {
	tracks := r.newTracks()
	for i, l := range r.loads {
		tracks[i].base, _ = l.meter.collect(newHistogram())
		tracks[i].last = tracks[i].base
	}
	r.tracks = tracks
	r.watch.begin()
}

// follow takes a sample each second until the run ends.
func (r *run) follow(ended context.Context, began time.Time) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := time.NewTimer(r.o.Duration)
	defer over.Stop()
	last := began
	for {
		stop := false
		select {
		case <-tick.C:
		case <-over.C:
			stop = true
		case <-ended.Done():
			stop = true
		}
		now := time.Now()
		if stop && now.Sub(last) < 100*time.Millisecond && last != began {
			r.sample(began, last, now, false)
			return
		}
		r.sample(began, last, now, true)
		if last = now; stop {
			return
		}
	}
}

// sample takes one sample of all loads; draw says whether it is long enough to stand
// in the course of the run.
func (r *run) sample(began, last, now time.Time, draw bool) {
	cpu, anonymous := r.watch.sample()
	for i, l := range r.loads {
		t := &r.tracks[i]
		h := newHistogram()
		c, _ := l.meter.collect(h)
		t.total.Merge(h)
		if draw {
			span := now.Sub(last).Seconds()
			s := Second{
				At: now.Sub(began).Seconds(), Rate: float64(c.Messages-t.last.Messages) / span,
				P50: micros(h.ValueAtQuantile(50)), P99: micros(h.ValueAtQuantile(99)), Max: micros(h.Max()),
				TargetCPU: cpu.Seconds() / span, Anonymous: anonymous,
			}
			t.seconds = append(t.seconds, s)
			r.live.show(i == 0, l, s)
		}
		t.last = c
	}
}

// finish closes the accounts.
func (r *run) finish(rep *Report, cause error) error {
	rep.Target, rep.Self = r.watch.report()
	var failures int64
	for i, l := range r.loads {
		t := &r.tracks[i]
		_, failed := l.meter.collect(newHistogram()) // answers to what was in flight at the end
		c := t.last.minus(t.base)
		lr := LoadReport{
			Name: l.name, What: l.what, Messages: c.Messages, Requests: c.Requests, BytesOut: c.BytesOut, BytesIn: c.BytesIn,
			Failures: failed, Unanswered: l.unanswered(), LatencyOf: l.latency, Latency: newLatency(t.total), Seconds: t.seconds,
		}
		if r.o.Produce.OneWay && l.written != nil {
			if err := r.settleOneWay(&lr, int64(l.written.serial.Load())); err != nil {
				return err
			}
		}
		if s := rep.Measured.Seconds(); s > 0 {
			lr.Rate = float64(lr.Messages) / s
		}
		for _, n := range failed {
			failures += n
		}
		rep.Loads = append(rep.Loads, lr)
	}
	switch {
	case cause == nil:
		rep.Ended = errTimeUp.Error()
	case errors.Is(cause, errWorkDone):
		rep.Ended = cause.Error()
	case errors.Is(cause, context.Canceled), errors.Is(cause, context.DeadlineExceeded):
		rep.Ended = errInterrupted.Error()
	default:
		rep.Ended = cause.Error()
		return cause
	}
	if rep.Messages() == 0 && failures > 0 {
		return fmt.Errorf("all of %d requests failed; the report counts them by kind", failures)
	}
	return nil
}

// settleOneWay waits until the queues have stopped growing and counts by how much
// they did.
func (r *run) settleOneWay(l *LoadReport, written int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	grown := int64(-1)
	for {
		ends, err := r.target.offsets(ctx, true)
		if err != nil {
			return err
		}
		now := sum(ends) - r.stored
		if now == grown || !pause(ctx, 200*time.Millisecond) {
			break
		}
		grown = now
	}
	l.Written, l.Messages = written, grown
	return nil
}

func sum(ns []int64) (total int64) {
	for n := range slices.Values(ns) {
		total += n
	}
	return total
}
