package remoting

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
)

// maxCalls bounds the unanswered calls of one connection.
const maxCalls = 1 << 16

// expiryStep is the least time between two looks for overdue calls: how late a
// time-out may come.
const expiryStep = 10 * time.Millisecond

// ErrTooManyCalls refuses a call because too many others of its connection are
// unanswered.
var ErrTooManyCalls = errors.New("too many requests of this connection are unanswered")

// ErrTimeout ends an asynchronous call that was not answered in time. It matches
// context.DeadlineExceeded.
var ErrTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string        { return "no answer in time" }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// call is one request that was sent to the peer.
type call struct {
	// done takes the outcome, once. The frame is lent.
	done     func(*codec.Frame, error)
	began    time.Duration // on the host's clock
	deadline time.Duration // 0: whoever waits watches the time
}

// calls are the unanswered calls of one connection, by opaque. A single timer
// serves all deadlines: as calls mostly have the same time-out and are mostly
// answered, it fires about once per time-out and not once per call.
type calls struct {
	host *host
	// overdue is told of the time-outs of add, with the time of the call.
	overdue func(began time.Duration)

	mu     sync.Mutex // guards what follows
	table  map[int32]call
	opaque int32 // of the last call
	timer  *time.Timer
	due    time.Duration // when the timer will fire; 0: not at all
	err    error
}

func (t *calls) start(h *host, overdue func(began time.Duration)) { t.host, t.overdue = h, overdue }

// add makes room for a call and returns its opaque. It fails when the connection
// is closed or has too many calls.
func (t *calls) add(timeout time.Duration, done func(*codec.Frame, error)) (int32, error) {
	c := call{done: done, began: t.host.now()}
	if timeout > 0 {
		c.deadline = c.began + timeout
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return 0, t.err
	}
	if len(t.table) >= maxCalls {
		return 0, ErrTooManyCalls
	}
	if t.table == nil {
		t.table = map[int32]call{}
	}
	opaque := t.nextOpaque()
	t.table[opaque] = c
	if timeout > 0 && (t.due == 0 || c.deadline < t.due) {
		t.arm(c.deadline, c.began)
	}
	return opaque, nil
}

// nextOpaque numbers calls on, passing over those that have been waiting for a
// whole turn of the counter.
func (t *calls) nextOpaque() int32 {
	for {
		t.opaque++
		if _, taken := t.table[t.opaque]; !taken {
			return t.opaque
		}
	}
}

// oneway numbers a command that is not answered.
func (t *calls) oneway() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nextOpaque()
}

// remove takes a call out and reports whether it was there: only then will its
// done not be called by anybody else.
func (t *calls) remove(opaque int32) (call, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.table[opaque]
	delete(t.table, opaque)
	return c, ok
}

// deliver gives an answer to its call. An answer that nobody waits for is dropped.
func (t *calls) deliver(f *codec.Frame) {
	if c, ok := t.remove(f.Opaque); ok {
		c.done(f, nil)
	}
}

// unanswered is the number of calls.
func (t *calls) unanswered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.table)
}

// arm sets the timer to due. The caller holds mu.
func (t *calls) arm(due, now time.Duration) {
	t.due = due
	d := max(due-now, expiryStep)
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.expire)
	} else {
		t.timer.Reset(d)
	}
}

// expire ends overdue calls and sets the timer for the next.
func (t *calls) expire() {
	t.mu.Lock()
	t.due = 0
	now := t.host.now()
	var overdue []call
	var next time.Duration
	for opaque, c := range t.table {
		switch {
		case c.deadline == 0:
		case c.deadline <= now:
			overdue = append(overdue, c)
			delete(t.table, opaque)
		case next == 0 || c.deadline < next:
			next = c.deadline
		}
	}
	if next > 0 && t.err == nil {
		t.arm(next, now)
	}
	t.mu.Unlock()
	for _, c := range overdue {
		t.overdue(c.began)
		c.done(nil, ErrTimeout)
	}
}

// close ends all calls with err.
func (t *calls) close(err error) {
	t.mu.Lock()
	if t.err != nil {
		t.mu.Unlock()
		return
	}
	t.err = err
	all := t.table
	t.table = nil
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	for _, c := range all {
		c.done(nil, err)
	}
}
