package transaction

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

const (
	// maxWaiting is how many ends may wait to be noted (upstream's bound). Whoever
	// adds one more writes first.
	maxWaiting = 20_000

	// opProperties are those of every op message; its tag says that half messages
	// are done with.
	opProperties = protocol.PropertyTags + "\x01" + opTag + "\x02" + protocol.PropertyWait + "\x01true\x02"
	opTag        = "d"
	opSeparator  = ','

	// opRetry is when ends that could not be noted are tried again.
	opRetry = time.Second
)

// opWriter gathers the ends of transactions and writes them to the op topic,
// several to a message: queue offsets of half messages in decimal, with a comma
// behind each.
type opWriter struct {
	opts *Options
	wake chan struct{} // holds a token when there is something to write at once

	// turn lets one goroutine write at a time, so that ends are noted once. It
	// guards no memory.
	turn sync.Mutex

	mu      sync.Mutex // guards the fields below
	waiting []int64    // queue offsets of half messages, in the order of their ends
	bytes   int        // of waiting as text
	written int64      // ms since 1970, when a message was last written
}

// add remembers an end. It fails when too many wait already and cannot be
// written; then the producer will be asked about a transaction that has ended.
func (w *opWriter) add(offset int64) error {
	w.mu.Lock()
	full := len(w.waiting) >= maxWaiting
	w.mu.Unlock()
	if full {
		if err := w.flush(true); err != nil {
			return fmt.Errorf("the end of a transaction (half message %d) is not noted: %w", offset, err)
		}
	}
	w.mu.Lock()
	w.waiting = append(w.waiting, offset)
	w.bytes += opLength(offset)
	due := len(w.waiting) == 1 || w.bytes > w.opts.Settings().OpMaxSize
	w.mu.Unlock()
	if due {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// has reports whether an end waits to be noted.
func (w *opWriter) has(offset int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.waiting, offset)
}

// run writes ends when they have waited long enough or are many.
func (w *opWriter) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		}
		err := w.flush(false)
		if err != nil && w.opts.OnError != nil {
			w.opts.OnError(err)
		}
		if pause, some := w.pause(); some {
			if err != nil {
				pause = opRetry
			}
			timer.Reset(pause)
		}
	}
}

// pause is how long what waits may go on waiting; some is false when nothing does.
func (w *opWriter) pause() (pause time.Duration, some bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.written + w.opts.Settings().OpInterval.Milliseconds()
	return time.Duration(max(0, due-w.opts.Now())) * time.Millisecond, len(w.waiting) > 0
}

// flush writes what is due: with all, everything that waits, otherwise full
// messages, and the rest when the last message was written long enough ago. An
// end stays among those that wait until it is in the log.
func (w *opWriter) flush(all bool) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	for {
		body, n := w.next(all)
		if n == 0 {
			return nil
		}
		now := w.opts.Now()
		m := codec.Message{
			Topic: protocol.TopicTransOpHalf, QueueID: queue, BornTimestamp: now, BornHost: w.opts.Host, StoreHost: w.opts.Host,
			Body: body, Properties: opProperties,
		}
		if err := w.opts.Store.Append(&m); err != nil {
			return fmt.Errorf("the ends of %d transactions are not noted yet: %w", n, err)
		}
		w.mu.Lock()
		w.waiting = slices.Delete(w.waiting, 0, n)
		w.bytes -= len(body)
		w.written = now
		w.mu.Unlock()
	}
}

// next is the body of the next message, and how many ends it notes; none when
// nothing is due.
func (w *opWriter) next(all bool) (body []byte, n int) {
	o := w.opts.Settings()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !all && w.bytes < o.OpMaxSize && w.opts.Now()-w.written < o.OpInterval.Milliseconds() {
		return nil, 0
	}
	for _, offset := range w.waiting {
		if n > 0 && len(body) >= o.OpMaxSize {
			break
		}
		body = strconv.AppendInt(body, offset, 10)
		body = append(body, opSeparator)
		n++
	}
	return body, n
}

// opLength is how many bytes an end takes in a message.
func opLength(offset int64) int {
	n := 2
	for ; offset >= 10; offset /= 10 {
		n++
	}
	return n
}
