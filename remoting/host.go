package remoting

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Outcome is what became of one request, for metrics.
type Outcome struct {
	Request  protocol.RequestCode
	Response protocol.ResponseCode
	// Oneway requests have no answer; Response says what it would have been.
	Oneway bool
	// Detached requests were answered after their handler had returned: upstream
	// calls that long polling.
	Detached bool
	Elapsed  time.Duration // from reading the request to encoding its answer
}

// Panic is a panic that was recovered: a handler's, or that of a header while an
// answer was encoded.
type Panic struct {
	Session Session
	Request protocol.RequestCode // 0 where it came from encoding
	Value   any
	Stack   []byte
}

// Limits bound what connections may cost. Zero values mean the defaults.
type Limits struct {
	// MaxFrame is the size of the largest frame taken, with its length word; 0
	// means 16 MiB (upstream's com.rocketmq.remoting.frameMaxLength).
	MaxFrame int
	// MaxInFlight is how many requests of one connection may wait for an answer;
	// 0 means 65536. Clients hold one pull per queue over a single connection.
	// What comes then is answered with SYSTEM_BUSY.
	MaxInFlight int
	// MaxOutbound is how many bytes may wait to be written to one connection; 0
	// means 32 MiB. What comes then closes a server's connection, and is refused
	// by a client.
	MaxOutbound int
}

func (l Limits) withDefaults() Limits {
	if l.MaxFrame == 0 {
		l.MaxFrame = codec.MaxFrameSize
	}
	if l.MaxInFlight == 0 {
		l.MaxInFlight = 1 << 16
	}
	if l.MaxOutbound == 0 {
		l.MaxOutbound = 32 << 20
	}
	return l
}

// host is what the connections of one server or client have in common.
type host struct {
	limits    Limits
	serialize codec.SerializeType
	outcome   func(Outcome)
	panicked  func(Panic)
	started   time.Time // zero of the connections' clocks
	server    bool

	// waiters holds *waiter between calls. It is here and not the package's: a
	// test with its own clock must not meet the channels of another.
	waiters sync.Pool

	draining atomic.Bool   // clients that know GO_AWAY get it
	settled  chan struct{} // told, without waiting, when a connection has nothing in flight any more, or has ended, while draining
}

// now is the time of the connections' clocks.
func (h *host) now() time.Duration { return time.Since(h.started) }

// tellSettled lets drain look again at what is in flight.
func (h *host) tellSettled() {
	if !h.draining.Load() {
		return
	}
	select {
	case h.settled <- struct{}{}:
	default:
	}
}

// serve runs a request's handler and makes an answer of what it returns.
func (h *host) serve(r *Request, route *Route) {
	h.handle(r, route)
	h.observeRequest(r)
}

func (h *host) handle(r *Request, route *Route) {
	defer h.recover(r)
	err := route.Handle(r)
	switch {
	case err != nil:
		code, remark := answerFor(err)
		r.Reply(code, remark, nil, nil)
	case r.state == requestOpen && !r.IsOneway():
		r.Reply(protocol.ResponseSystemError, remarkNoAnswer, nil, nil)
	}
}

// recover turns a panic into an answer and a report.
func (h *host) recover(r *Request) {
	v := recover()
	if v == nil {
		return
	}
	r.Reply(protocol.ResponseSystemError, fmt.Sprintf("the server failed while it served %s", protocol.RequestCode(r.Code)), nil, nil)
	h.reportPanic(Panic{Session: r.Session, Request: protocol.RequestCode(r.Code), Value: v, Stack: debug.Stack()})
}

func (h *host) reportPanic(p Panic) {
	if h.panicked != nil {
		h.panicked(p)
	}
}

// observeRequest reports a request that is over when its handler is.
func (h *host) observeRequest(r *Request) {
	if r.state != requestDetached && r.state != requestMoved {
		h.observe(r.Frame.Code, r.code, r.IsOneway(), false, r.Received)
	}
}

func (h *host) observe(request int32, response protocol.ResponseCode, oneway, detached bool, received time.Time) {
	if h.outcome == nil {
		return
	}
	h.outcome(Outcome{
		Request: protocol.RequestCode(request), Response: response,
		Oneway: oneway, Detached: detached, Elapsed: time.Since(received),
	})
}
