package transaction

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// queue is the queue that half messages and the notes of their ends lie in.
const queue int32 = 0

// ErrGone is wrapped by what Store returns for a message that is no longer there,
// or never was.
var ErrGone = errors.New("there is no such message")

// Store is what the package needs of the message store. It is called from several
// goroutines.
type Store interface {
	// Bounds is the offset of a topic's first message that can be read in queue 0,
	// and the one behind the last. Both are 0 for a queue that does not exist.
	Bounds(topic string) (first, end int64)
	// Next is the offset that the next message of that queue will get. It is ahead
	// of Bounds as long as messages are appended and cannot be read yet.
	Next(topic string) int64
	// ReadQueue reads the message at an offset of that queue, ReadAt the one at a
	// position of the log. The message is the caller's.
	ReadQueue(m *codec.Message, topic string, offset int64) error
	ReadAt(m *codec.Message, physical int64) error
	// Append stores a message as it is, and leaves its offsets in it.
	Append(m *codec.Message) error
	// Deliver stores a committed message where it belongs: in its queue, or where
	// messages wait that ask for a delay.
	Deliver(m *codec.Message) error
	// Sync returns nil when all that was appended before the call is on the disk.
	Sync() error
}

// Progress keeps how far a consumer group has come in a queue, and writes that down;
// offsets.Manager does.
type Progress interface {
	Query(group, topic string, queue int32) (offset int64, ok bool)
	Commit(group, topic string, queue int32, offset int64) (previous int64)
	Persist() error
}

// Question asks a producer of a group about a transaction.
type Question struct {
	Group string
	// Message is the half message as the application sent it, with its own topic
	// and queue, but with the offsets at which the half message lies now: the
	// producer repeats them in its answer. It is lent.
	Message *codec.Message
}

// Settings steer the service; the official keys are in brackets.
type Settings struct {
	Timeout       time.Duration // [transactionTimeOut] how old a half message is before it is asked about
	CheckInterval time.Duration // [transactionCheckInterval] between two walks
	CheckMax      int           // [transactionCheckMax] questions before a half message is put aside
	OpMaxSize     int           // [transactionOpMsgMaxSize] bytes of ends that are noted together
	OpInterval    time.Duration // [transactionOpBatchInterval] how long ends may wait to be noted
	FileReserved  time.Duration // [fileReservedTime] half messages that are older are put aside
	FlushMetrics  time.Duration // [transactionMetricFlushInterval] between two writes of the counters
}

// Options are what a Service is made of.
type Options struct {
	Store    Store
	Progress Progress
	Settings func() Settings // asked again each time
	Now      func() int64    // ms since 1970
	Host     netip.AddrPort  // of the broker, for the messages that it makes itself

	// Ask hands a question to a producer of the group that can be reached, and
	// reports whether there was one. It must not wait for the answer, which comes
	// as an End.
	Ask func(q Question) bool
	// OpenDiscard makes sure that the topic of half messages that are put aside
	// exists.
	OpenDiscard func()
	// OnError is told what went wrong and is tried again. May be nil.
	OnError func(error)

	FS   configfile.FS // configfile.OS when nil
	Path string        // of the counters' file, transactionMetrics
}

// Service carries out transactions. Its methods may be called from any goroutine.
type Service struct {
	opts   Options
	ops    opWriter
	counts counters
}

// Open loads the counters. The store is open, and nothing is appended to it yet.
func Open(o Options) (*Service, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	s := &Service{opts: o}
	s.ops = opWriter{opts: &s.opts, wake: make(chan struct{}, 1)}
	loaded, err := s.counts.open(&o)
	if err != nil {
		return nil, loaded, err
	}
	s.takeBack(protocol.TopicTransHalf)
	s.takeBack(protocol.TopicTransOpHalf)
	return s, loaded, nil
}

// Try finds out whether Open could load the counters, and changes nothing. It does
// without the store.
func Try(o Options) error {
	o.FS = configfile.Trial
	_, err := new(counters).open(&o)
	return err
}

// Run notes ends, asks about transactions that do not end, and writes the
// counters, until ctx is done. A master runs it and a slave does not.
func (s *Service) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { s.ops.run(ctx) })
	parts.Go(func() { s.repeat(ctx, func(o Settings) time.Duration { return o.CheckInterval }, s.Check) })
	parts.Go(func() {
		s.repeat(ctx, func(o Settings) time.Duration { return o.FlushMetrics }, func(context.Context) { s.report(s.counts.persist(false)) })
	})
	parts.Wait()
	return context.Cause(ctx)
}

// repeat does a thing again and again, with a pause before each.
func (s *Service) repeat(ctx context.Context, pause func(Settings) time.Duration, do func(context.Context)) {
	next := func() time.Duration { return max(pause(s.opts.Settings()), time.Millisecond) }
	timer := time.NewTimer(next())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		do(ctx)
		timer.Reset(next())
	}
}

// Close writes what is known in memory only: ends that are not noted yet, and the
// counters. It is called when Run has returned and no more transactions are
// ended, before the store closes. (Upstream forgets the ends of the last seconds:
// after its restart those transactions are asked about, and committed again.)
func (s *Service) Close() error {
	return errors.Join(s.ops.flush(true), s.counts.persist(true))
}

func (s *Service) report(err error) {
	if err != nil && s.opts.OnError != nil {
		s.opts.OnError(err)
	}
}

// Opened counts a half message of a topic that was stored.
func (s *Service) Opened(topic string) { s.counts.add(topic, 1) }

// HalfMessages is the number of half messages whose transaction is open, by topic.
func (s *Service) HalfMessages() map[string]int64 { return s.counts.snapshot() }
