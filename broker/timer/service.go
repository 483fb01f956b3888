package timer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/store/timerwheel"
	"github.com/gantrymq/gantry/store/vfs"
)

// Entry is one message of the timer topic.
type Entry struct {
	Offset   int64 // in the topic's queue
	Physical int64 // of the record in the commit log
	Size     int32 // of the record
}

// ErrSkip is wrapped by what Store.Message and Store.Append return for a message
// that can never be delivered: its record is gone, or is refused for good.
var ErrSkip = errors.New("a timer message is left out")

// Store is what the Service needs of the message store. Run's goroutine calls it,
// and Open and Close.
type Store interface {
	// Range is the offset of the first entry of the timer topic's queue and the one
	// behind the last; 0 and 0 when there is no queue.
	Range() (first, end int64)
	// Entries appends entries to dst, from an offset on, at most max.
	Entries(dst []Entry, from int64, max int) []Entry
	// Message reads the record at a position. An error that wraps ErrSkip says that
	// there is none any more.
	Message(physical int64, m *codec.Message) error
	// LogRange is the position of the first byte of the commit log and of its end.
	LogRange() (first, end int64)
	// Append puts a message into the log. An error that wraps ErrSkip gives the message
	// up; after any other it is called again.
	Append(m *codec.Message) error
	// Flush makes the commit log durable.
	Flush() error
	// SyncFailed tells that the disk did not take what the timer has written: nothing may
	// be accepted any more.
	SyncFailed(err error)
}

// Settings are what may change while the timer runs. The names in brackets are the
// official keys.
type Settings struct {
	MaxDelay           int64 // ms [timerMaxDelaySec]
	CongestPerSlot     int64 // [timerCongestNumEachSlot]
	StopEnqueue        bool  // [timerStopEnqueue]
	DeleteKeyWithTopic bool  // [appendTopicForTimerDeleteKey]
}

// Options say what the timer works with.
type Options struct {
	Store    Store
	Now      func() int64 // ms since 1970
	Settings func() Settings

	FS            vfs.FS        // of the wheel; vfs.OS when nil
	Root          string        // [storePathRootDir]
	Checkpoint    string        // path of timercheck
	Precision     int64         // ms [timerPrecisionMs]
	RollWindow    int64         // slots [timerRollWindowSlot]
	FileSize      int64         // [mappedFileSizeTimerLog]
	FlushInterval time.Duration // [timerFlushIntervalMs]
	Slots         int64         // of the wheel; 0 is the official number
	Distrust      bool          // a sync has failed before the last stop, see timerwheel.Options

	ConfigFS configfile.FS // of the metrics; configfile.OS when nil
	Metrics  string        // path of timermetrics

	// OnError is told of a message that is left out, and once of what does not work
	// now and is tried again. May be nil.
	OnError func(error)
}

const (
	atOnce      = 256    // messages that are delivered, or entered, in one turn
	retryAfter  = 500    // ms until what failed is tried again
	lookAfter   = 10_000 // ms that an idle timer sleeps, should an arrival go untold
	expireEvery = 30_000 // ms between looks for log files that are over
	blankSlots  = 60     // slots of half the wheel that are never used
)

// Service is the timer. Its methods may be called from any goroutine, but for Run and
// Close.
type Service struct {
	opts    Options
	files   *timerwheel.Files
	metrics *metrics
	signal  chan struct{} // holds a token when a message has arrived

	next     atomic.Int64 // offset of the message of the timer topic that is entered next
	read     atomic.Int64 // ms: every slot before this one has been delivered
	entered  rate
	released rate

	// What follows is Run's.
	slot              openSlot
	again             rescan
	entries           []Entry
	dirty             bool  // something happened since the last commit
	failing           bool  // the last turn failed, and was told of
	written           int64 // what next becomes when a write that failed is done; 0 when none did
	flushAt, expireAt int64
}

// Open opens the files and finds out where the last run ended.
func Open(o Options) (*Service, configfile.Loaded, error) {
	if o.Slots == 0 {
		o.Slots = timerwheel.OfficialSlots
	}
	if most := o.Slots/2 - blankSlots; o.RollWindow > most || o.RollWindow < 2 {
		o.RollWindow = most // as upstream does
	}
	if o.FlushInterval <= 0 {
		o.FlushInterval = time.Second
	}
	s := &Service{opts: o, signal: make(chan struct{}, 1)}
	files := o.files()
	files.Sound = s.sound
	var loaded configfile.Loaded
	var err error
	if s.metrics, loaded, err = openMetrics(o.ConfigFS, o.Metrics, o.Now); err != nil {
		return nil, loaded, err
	}
	var found timerwheel.Found
	s.files, found, err = timerwheel.Open(files)
	if err != nil {
		return nil, loaded, fmt.Errorf("open the timer: %w", err)
	}
	s.resume(&found)
	if found.Fresh {
		return s, loaded, nil // there is nothing to put right, and a first start should be quick
	}
	// What was put right is made durable before anything else can change.
	if err := s.commit(s.files.Commit); err != nil {
		return nil, loaded, errors.Join(fmt.Errorf("open the timer: %w", err), s.files.Close())
	}
	return s, loaded, nil
}

func (o *Options) files() timerwheel.Options {
	return timerwheel.Options{FS: o.FS, Root: o.Root, Checkpoint: o.Checkpoint, Precision: o.Precision, FileSize: o.FileSize, Slots: o.Slots, Distrust: o.Distrust}
}

// Try finds out whether Open would refuse the files for their sizes or contents, and
// changes nothing. It does without the store.
func Try(o Options) error {
	if _, _, err := openMetrics(configfile.Trial, o.Metrics, o.Now); err != nil {
		return err
	}
	if err := timerwheel.CheckSizes(o.files()); err != nil {
		return fmt.Errorf("open the timer: %w", err)
	}
	return nil
}

func (s *Service) floor(ms int64) int64 { return ms / s.opts.Precision * s.opts.Precision }

func (s *Service) progress() timerwheel.Progress {
	return timerwheel.Progress{ReadTime: s.read.Load(), Delivered: s.slot.done, QueueOffset: s.next.Load()}
}

// Notify tells that a message was added to the timer topic. It never blocks.
func (s *Service) Notify() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Run delivers messages until ctx is done, from where the last run left off. A master
// runs it and a slave does not.
func (s *Service) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	s.slot.close()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.signal:
		case <-timer.C:
		}
		wake := s.round()
		timer.Reset(time.Duration(max(0, wake-s.opts.Now())) * time.Millisecond)
	}
}

// round gives every duty a turn and returns when to look again.
func (s *Service) round() (wake int64) {
	more, err := s.turn()
	now := s.opts.Now()
	if err == nil {
		err = s.flush(now)
	}
	switch {
	case err != nil:
		if !s.failing {
			s.report(err)
		}
		s.failing = true
		return now + retryAfter
	case more:
		wake = now
	default:
		wake = s.sleepUntil(now)
	}
	s.failing = s.failing && s.dirty // until the progress has been committed again
	return wake
}

// turn delivers and enters a batch. more says that there is more to do at once.
func (s *Service) turn() (more bool, err error) {
	if err := s.finishWrite(); err != nil {
		return false, err
	}
	delivered, err := s.deliver()
	if err == nil && delivered == 0 {
		err = s.clockSetBack()
	}
	if err != nil {
		return false, err
	}
	taken, err := s.enqueue()
	if delivered+taken > 0 {
		s.dirty = true
		err = errors.Join(err, s.files.Note(s.progress()))
	}
	return delivered+taken > 0 || s.slot.active, err
}

// sleepUntil is when there is something to do next, unless a message arrives.
func (s *Service) sleepUntil(now int64) int64 {
	wake := now + lookAfter
	if s.files.Latest() >= s.read.Load() {
		wake = min(wake, s.floor(now)+s.opts.Precision)
	}
	if s.dirty {
		wake = min(wake, s.flushAt)
	}
	return wake
}

// clockSetBack notices that the clock shows a time whose slots have been delivered, and
// makes them ready for use again.
func (s *Service) clockSetBack() error {
	read, floor := s.read.Load(), s.floor(s.opts.Now())
	if floor >= read || s.slot.active {
		return nil
	}
	if err := s.opts.Store.Flush(); err != nil {
		return err // what was delivered must stay so
	}
	if err := s.files.Clear(floor, read); err != nil {
		return err
	}
	s.report(fmt.Errorf("the clock was set back by %d ms: timer messages follow it", read-floor))
	s.read.Store(floor)
	s.slot.done = 0
	return s.commit(s.files.Commit)
}

// flush makes the progress durable when its time has come.
func (s *Service) flush(now int64) error {
	if s.dirty && now >= s.flushAt {
		s.flushAt = now + s.opts.FlushInterval.Milliseconds()
		if err := s.commit(s.files.Commit); err != nil {
			return err
		}
		s.dirty = false
		s.entered.tick(now)
		s.released.tick(now)
		if err := s.metrics.persist(); err != nil {
			return err
		}
	}
	if now < s.expireAt {
		return nil
	}
	s.expireAt = now + expireEvery
	first, _ := s.opts.Store.LogRange()
	_, err := s.files.Expire(first)
	return err
}

// commit syncs the commit log, since the checkpoint must not count what it can lose,
// and then the timer's files by way.
func (s *Service) commit(way func(p timerwheel.Progress, now int64) error) error {
	p := s.progress()
	s.files.Hold(len(s.again.entered) > 0)
	if err := s.opts.Store.Flush(); err != nil {
		return err
	}
	err := way(p, s.opts.Now())
	if errors.Is(err, timerwheel.ErrSync) {
		s.opts.Store.SyncFailed(err)
	}
	return err
}

// Close commits and closes the files. It must not be called while Run runs.
func (s *Service) Close() error {
	err := s.commit(s.files.Finish)
	return errors.Join(err, s.metrics.persist(), s.files.Close())
}

func (s *Service) report(err error) {
	if s.opts.OnError != nil {
		s.opts.OnError(err)
	}
}
