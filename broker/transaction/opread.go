package transaction

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// opReader reads the ends that are noted, as far as a walk has need of them.
type opReader struct {
	store Store
	from  int64 // op messages before it are done with
	next  int64 // the op message that is read next
	low   int64 // the half message that the walk looks at

	ended map[int64]int64     // which op message notes the end of a half message
	open  map[int64]*openNote // op messages that were read and are not done with
}

// openNote is an op message that is still needed.
type openNote struct {
	physical int64 // of the op message
	left     int   // half messages ahead of the walk whose end it notes
	// behind says that it also notes the end of a half message that had been
	// passed before: it may have been put back, under another offset, and name the
	// old one.
	behind bool
}

func newOpReader(s Store, from, low int64) *opReader {
	return &opReader{store: s, from: from, next: from, low: low, ended: map[int64]int64{}, open: map[int64]*openNote{}}
}

// knows reports whether the end of a half message is noted in what was read.
func (r *opReader) knows(half int64) bool {
	_, ok := r.ended[half]
	return ok
}

// find reports whether the end of a half message is noted, reading op messages
// before end as needed.
func (r *opReader) find(half, end int64) (bool, error) {
	for !r.knows(half) {
		if r.next >= end {
			return false, nil
		}
		if err := r.read(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// read takes in the next op message. One that is gone, or that notes nothing, is
// done with.
func (r *opReader) read() error {
	var m codec.Message
	err := r.store.ReadQueue(&m, protocol.TopicTransOpHalf, r.next)
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	op := r.next
	r.next++
	if tag, _ := codec.Property(m.Properties, protocol.PropertyTags); err != nil || tag != opTag {
		return nil
	}
	note := &openNote{physical: m.PhysicalOffset}
	for text := range bytes.SplitSeq(m.Body, []byte{opSeparator}) {
		half, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil || half < 0 {
			continue
		}
		r.take(op, half, note)
	}
	if note.left > 0 || note.behind {
		r.open[op] = note
	}
	return nil
}

// take notes one end. Where several messages note the same one the last counts.
func (r *opReader) take(op, half int64, note *openNote) {
	before, known := r.ended[half]
	switch {
	case half < r.low:
		note.behind = true
	case known && before == op:
		return
	default:
		if known {
			r.release(before)
		}
		note.left++
	}
	r.ended[half] = op
}

// pass tells that the walk is done with a half message. It passes them in order.
func (r *opReader) pass(half int64) {
	if op, ok := r.ended[half]; ok {
		delete(r.ended, half)
		r.release(op)
	}
	r.low = half + 1
}

// release tells an op message that one of the half messages it notes is done with.
func (r *opReader) release(op int64) {
	note := r.open[op]
	note.left--
	if note.left == 0 && !note.behind {
		delete(r.open, op)
	}
}

// progress is the op message at which the next walk begins. passed is the
// position in the log up to which the walk has seen all half messages.
func (r *opReader) progress(passed int64) int64 {
	for op := r.from; op < r.next; op++ {
		note := r.open[op]
		if note != nil && (note.left > 0 || note.physical > passed) {
			return op
		}
	}
	return r.next
}
