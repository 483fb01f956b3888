package compaction

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// Options is everything that Open is told.
type Options struct {
	Root string // the folder compaction of the store's root
	FS   vfs.FS
	Now  func() time.Time
	Rand func(n int64) int64 // a number below n, to spread compactions over time; nil is math/rand's

	Sizes    Sizes
	MapBytes int64         // memory for the keys of one compaction
	Workers  int           // compactions at once
	Interval time.Duration // the shortest pause between two compactions of a queue
	Handles  int           // how many segments may keep their two files open while nobody uses them

	// Trusted says that this package was the last to write here, so that a file replacing may be obeyed.
	Trusted bool
	// Doubt is the store time, ms, from which on messages may not have survived a crash; 0 after a clean stop. Restore has to follow for
	// every queue if it is not 0.
	Doubt int64
	// Checkpoint makes everything that was appended so far durable, the messages in the commit log first. It calls Sync.
	Checkpoint func() error
	// Original returns a message of a queue as the commit log has it, nil when that has it no more; it is good for whoever asked. It is
	// asked when the copy here is damaged, from any goroutine.
	Original func(topic string, id int32, offset int64) (*Record, error)
	// Event is told what an operator wants to know; it must be quick and safe for concurrent use. err may be nil.
	Event func(text string, err error)
}

// Sizes are the lengths of a queue's files, in bytes.
type Sizes struct {
	Log   int64 // records
	Queue int64 // units
}

// NewSizes is what the official broker makes of its settings compactionMappedFileSize and compactionCqMappedFileSize: whole units, and
// records in a multiple of the other file's size, because both go by the same names (CompactionLog.getCompactionLogSize).
func NewSizes(log, queue int64) (Sizes, error) {
	queue = queue / unitSize * unitSize
	if queue < 2*unitSize {
		return Sizes{}, fmt.Errorf("a file of %d bytes has no room for a message and an end (compactionCqMappedFileSize)", queue)
	}
	n, rest := log/queue, log%queue
	switch {
	case n < 5:
		n = 5
	case rest == 0 || rest >= queue/2:
		n++
	}
	s := Sizes{Log: n * queue, Queue: queue}
	if s.Log >= 1<<31 {
		return Sizes{}, fmt.Errorf("a file of %d bytes exceeds what its end mark can say (compactionMappedFileSize)", s.Log)
	}
	return s, nil
}

// perSegment is how many messages a segment takes: the last unit is left for the end mark.
func (s Sizes) perSegment() int { return int(s.Queue/unitSize) - 1 }

// complete fills in what has a default.
func (o *Options) complete() {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Int64N
	}
	if o.Checkpoint == nil {
		o.Checkpoint = func() error { return nil }
	}
	if o.Original == nil {
		o.Original = func(string, int32, int64) (*Record, error) { return nil, nil }
	}
	if o.Event == nil {
		o.Event = func(string, error) {}
	}
	o.Workers = max(o.Workers, 1)
	o.Handles = max(o.Handles, 4)
}
