package delay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

const (
	retryAfter = 100 // ms until a message that could not be delivered is tried again
	batchSize  = 64  // messages of one level that are delivered before the others have a turn

	// lookAfter bounds (ms) how long a level sleeps that is thought to be empty,
	// should an arrival ever go untold.
	lookAfter = 10_000
)

// Unit is one message that waits: an entry of a level's queue.
type Unit struct {
	Offset         int64 // in the level's queue
	PhysicalOffset int64 // of the record in the commit log
	Size           int32 // of the record
	DeliverAt      int64 // ms since 1970; the entry's tags code
}

// ErrSkip is wrapped by what Store.Deliver returns for a message that can never
// be delivered, because its record is gone or says nothing usable.
var ErrSkip = errors.New("a delayed message is left out")

// Store is what the Scheduler needs of the message store. Queue n is queue n of
// the schedule topic. Only Run's goroutine calls it, and Progress.
type Store interface {
	// Range is the offset of the first entry of a queue and the one behind the
	// last. Both are 0 for a queue that does not exist.
	Range(queue int32) (first, end int64)
	// Units appends entries of a queue to dst, from an offset on, at most max.
	Units(dst []Unit, queue int32, from int64, max int) []Unit
	// Deliver puts the message of an entry where it belongs, see Restore. When it
	// returns nil the message is in the log. An error that wraps ErrSkip gives the
	// message up; after any other it is called again.
	Deliver(u Unit) error
}

// Options say where progress is kept. The names in brackets are the official
// configuration keys.
type Options struct {
	Levels Levels // [messageDelayLevel]
	Store  Store
	Now    func() int64 // ms since 1970

	FS          configfile.FS // configfile.OS when nil
	Path        string        // of delayOffset.json
	VersionStep int64         // [delayOffsetUpdateVersionStep] steps of progress for one of the data version; 200 when 0; SetVersionStep changes it

	// OnError is told of a message that is left out, and once of one that cannot
	// be delivered now. May be nil.
	OnError func(error)
}

// Scheduler delivers messages while Run runs. Its other methods may be called
// from any goroutine.
type Scheduler struct {
	opts   Options
	file   *configfile.File
	levels []level
	units  []Unit // of the level whose turn it is; Run's

	signal  chan struct{} // holds a token when a level has got its first message
	changes atomic.Int64  // counts what the file does not yet show

	versionStep atomic.Int64 // Options.VersionStep, at least 1

	mu       sync.Mutex // guards the fields below
	progress map[int32]int64
	version  protocol.DataVersion
	written  int64 // value of changes that the file shows
}

// level is the state of one level. Only Run's goroutine touches it, but for
// attention.
type level struct {
	offset int64 // the entry that is delivered next
	lookAt int64 // ms since 1970, when to look at the queue again

	// The entry at offset headOf is not waited for beyond headDue.
	headOf, headDue int64
	failing         bool // the entry at offset could not be delivered

	attention atomic.Int32
}

// Values of level.attention.
const (
	busy   = iota // Run looks at the level when lookAt has come
	idle          // the queue was found empty: an arrival must wake Run
	nudged        // an arrival has: Run looks at the level at once
)

// Open loads the file.
func Open(o Options) (*Scheduler, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	s := &Scheduler{
		opts:     o,
		levels:   make([]level, o.Levels.Max()),
		signal:   make(chan struct{}, 1),
		progress: map[int32]int64{},
		version:  protocol.DataVersion{Timestamp: o.Now()},
	}
	s.SetVersionStep(o.VersionStep)
	s.file = configfile.New(o.FS, o.Path, s.encode)
	loaded, err := s.file.Load(s.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load the progress of delayed messages: %w", err)
	}
	return s, loaded, nil
}

// Notify tells that a message was added to a queue of the schedule topic. It
// never blocks.
func (s *Scheduler) Notify(queue int32) {
	if queue < 0 || int(queue) >= len(s.levels) || !s.levels[queue].attention.CompareAndSwap(idle, nudged) {
		return // messages of one level become due in turn: only the first is of interest
	}
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Run delivers messages until ctx is done, from where the last run or the file
// left off. A master runs it and a slave does not.
func (s *Scheduler) Run(ctx context.Context) error {
	s.start()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.signal:
		case <-timer.C:
		}
		next := s.round(ctx)
		timer.Reset(time.Duration(max(0, next-s.opts.Now())) * time.Millisecond)
	}
}

// start brings every level to where its queue is: offsets beyond the queue's
// ends, after messages were deleted or the log was cut, move to the end.
func (s *Scheduler) start() {
	for i := range s.levels {
		l := &s.levels[i]
		s.mu.Lock()
		offset, known := s.progress[int32(i+1)]
		s.mu.Unlock()
		if first, end := s.opts.Store.Range(int32(i)); known && end > 0 {
			if inside := min(max(offset, first), end); inside != offset {
				offset = inside
				s.advance(i, offset)
			}
		}
		l.offset, l.lookAt, l.headOf, l.failing = offset, 0, -1, false
		l.attention.Store(busy)
	}
}

// round gives every level a turn whose time has come, and returns when the next
// will have it.
func (s *Scheduler) round(ctx context.Context) (next int64) {
	next = s.opts.Now() + lookAfter
	for i := range s.levels {
		l := &s.levels[i]
		if ctx.Err() != nil {
			return next
		}
		if l.attention.Load() == nudged || l.lookAt <= s.opts.Now() {
			l.lookAt = s.turn(ctx, i)
		}
		next = min(next, l.lookAt)
	}
	return next
}

// turn delivers what is due of one level, and returns when to look again.
func (s *Scheduler) turn(ctx context.Context, i int) (lookAt int64) {
	l := &s.levels[i]
	s.units = s.opts.Store.Units(s.units[:0], int32(i), l.offset, batchSize)
	if len(s.units) == 0 {
		return s.turnEmpty(i)
	}
	l.attention.Store(busy)
	for _, u := range s.units {
		if ctx.Err() != nil {
			return s.opts.Now()
		}
		now := s.opts.Now()
		if due := l.due(u, now, s.opts.Levels[i]); due > now {
			s.advance(i, u.Offset)
			return due
		}
		if err := s.opts.Store.Deliver(u); err != nil {
			skip := errors.Is(err, ErrSkip)
			if skip || !l.failing {
				s.report(fmt.Errorf("delay level %d, queue offset %d: %w", i+1, u.Offset, err))
			}
			if !skip {
				l.failing = true
				return now + retryAfter
			}
		}
		l.failing = false
		s.advance(i, u.Offset+1)
	}
	return s.opts.Now()
}

// due is when the level's first entry is to be delivered. It is never before the
// time in the entry, unless that lies further ahead than the level's delay: then
// the clock was set back or the level shortened, and the entry waits for the
// level's delay from now. (Upstream delivers it at once.)
func (l *level) due(u Unit, now, delay int64) int64 {
	if l.headOf != u.Offset {
		l.headOf, l.headDue = u.Offset, now+delay
	}
	return min(u.DeliverAt, l.headDue)
}

// turnEmpty is the turn of a level that has no entry at its offset.
func (s *Scheduler) turnEmpty(i int) (lookAt int64) {
	l := &s.levels[i]
	first, end := s.opts.Store.Range(int32(i))
	if inside := min(max(l.offset, first), end); inside != l.offset && end > 0 {
		s.report(fmt.Errorf("delay level %d: offset %d is outside the queue, which has %d to %d; going on at %d",
			i+1, l.offset, first, end, inside))
		s.advance(i, inside)
		return s.opts.Now()
	}
	if l.attention.Swap(idle) != idle {
		// An entry may have come after Units had looked and before this; whoever
		// told of it then has woken nobody. One that comes now does.
		return s.opts.Now()
	}
	return s.opts.Now() + lookAfter
}

// SetVersionStep changes after how many steps of progress the data version steps on.
func (s *Scheduler) SetVersionStep(n int64) {
	if n <= 0 {
		n = 200
	}
	s.versionStep.Store(n)
}

// advance notes that the entries of a level before offset are done with.
func (s *Scheduler) advance(i int, offset int64) {
	s.levels[i].offset = offset
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.progress[int32(i+1)]; ok && old == offset {
		return
	}
	s.progress[int32(i+1)] = offset
	if s.changes.Add(1)%s.versionStep.Load() == 0 {
		s.version = s.version.Next(s.opts.Now())
	}
}

func (s *Scheduler) report(err error) {
	if s.opts.OnError != nil {
		s.opts.OnError(err)
	}
}

// Offset is the progress of one level and the end of its queue, as run-time
// statistics show them (scheduleMessageOffset_<level>).
type Offset struct {
	Level       int
	Offset, End int64
}

// Progress lists the levels that have ever had a message, by level.
func (s *Scheduler) Progress() []Offset {
	var list []Offset
	for i := range s.levels {
		s.mu.Lock()
		offset, ok := s.progress[int32(i+1)]
		s.mu.Unlock()
		if ok {
			_, end := s.opts.Store.Range(int32(i))
			list = append(list, Offset{i + 1, offset, end})
		}
	}
	return list
}

// Snapshot is the progress as GET_ALL_DELAY_OFFSET answers it.
func (s *Scheduler) Snapshot() protocol.DelayOffsetSerializeWrapper {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := protocol.DelayOffsetSerializeWrapper{DataVersion: s.version, OffsetTable: make(map[int32]int64, len(s.progress))}
	for level, offset := range s.progress {
		w.OffsetTable[level] = offset
	}
	return w
}

// Persist writes the file unless it shows the present progress already. What was
// delivered since the last call is delivered again after a crash.
func (s *Scheduler) Persist() error {
	changes := s.changes.Load()
	s.mu.Lock()
	current := s.written == changes
	s.mu.Unlock()
	if current {
		return nil
	}
	if err := s.file.Persist(); err != nil {
		return err
	}
	s.mu.Lock()
	s.written = max(s.written, changes)
	s.mu.Unlock()
	return nil
}

func (s *Scheduler) encode() ([]byte, error) {
	return compat.AppendFastjson(nil, s.Snapshot(), compat.Pretty)
}

// decode keeps the progress of levels that the setting no longer has: they may
// come back.
func (s *Scheduler) decode(b []byte) error {
	w := protocol.DelayOffsetSerializeWrapper{DataVersion: s.version}
	if err := compat.UnmarshalFastjson(b, &w); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for level, offset := range w.OffsetTable {
		s.progress[level] = offset
	}
	s.version = w.DataVersion
	return nil
}
