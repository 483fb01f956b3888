package remoting

import (
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Request is one command that asks for something, as a handler gets it.
//
// A handler that runs inline (its route has no Worker) is lent everything: the
// Request, and the bytes under the strings, ext fields and body of its Frame,
// die when it returns. It copies what it keeps. A handler with a Worker owns
// its Frame, which the garbage collector takes care of; the Request itself ends
// with the handler too.
//
// Of the answers that a handler gives, the first counts; the others, and all
// answers to a one-way request, are dropped.
type Request struct {
	*codec.Frame
	Session  Session
	Received time.Time // when its last bytes were read

	to        Responder
	serialize codec.SerializeType
	when      urgency // of the answers
	state     requestState
	code      protocol.ResponseCode // once answered
}

type requestState uint8

const (
	requestOpen requestState = iota
	requestAnswered
	requestDetached
	requestMoved // to a worker, which has a Request of its own
)

// Responder takes the answers to a session's requests. A connection is one; the
// maker of other sessions brings one.
type Responder interface {
	// Respond takes one answer. c is lent for the call. Its body is c.Body, lent
	// too, or else bufs, which stay untouched until release is called; release,
	// which may be nil, is called exactly once.
	Respond(c *codec.Command, bufs [][]byte, release func())
}

// NewRequest makes a request that did not come over a connection of this package.
func NewRequest(f *codec.Frame, s Session, to Responder, received time.Time) *Request {
	return &Request{Frame: f, Session: s, Received: received, to: to, serialize: f.Serialize, when: soon}
}

// Decode fills h from the request's ext fields. Like the frame's, its strings are
// lent to an inline handler.
func (r *Request) Decode(h protocol.Header) error { return codec.DecodeHeader(h, r.Ext) }

// Reply answers. The answer is encoded before Reply returns: h and body may be
// used again.
func (r *Request) Reply(code protocol.ResponseCode, remark string, h protocol.Header, body []byte) {
	r.reply(answer{code: code, remark: remark, header: h, body: body})
}

// ReplyExt is Reply with ext fields after those of h.
func (r *Request) ReplyExt(code protocol.ResponseCode, remark string, h protocol.Header, ext codec.Fields, body []byte) {
	r.reply(answer{code: code, remark: remark, header: h, ext: ext, body: body})
}

// ReplyBuffers is Reply with a body in pieces that are written from where they
// lie. bufs and what it points to must not change until release is called, once,
// when they are written or the answer is dropped. release may run on any
// goroutine and must be quick.
func (r *Request) ReplyBuffers(code protocol.ResponseCode, remark string, h protocol.Header, bufs [][]byte, release func()) {
	r.reply(answer{code: code, remark: remark, header: h, bufs: bufs, release: release})
}

// Detach lets the request be answered after its handler has returned.
func (r *Request) Detach() *Pending {
	p := &Pending{
		session: r.Session, to: r.to, received: r.Received,
		code: r.Code, opaque: r.Opaque, oneway: r.IsOneway(), serialize: r.serialize,
	}
	if r.state != requestOpen {
		p.answered.Store(true)
		return p
	}
	r.state = requestDetached
	if c, ok := r.to.(*conn); ok {
		c.detach()
	}
	return p
}

// AtRest has the connection's reader call f once it has served all that had arrived
// with this request, before it reads on or ends. That is the place for what
// requests that come together cause together, and must not be long in coming; f must not wait.
// AtRest reports false, and f is not called, when the request is not served by a reader,
// or something is to be called already.
func (r *Request) AtRest(f func()) bool {
	c, ok := r.to.(*conn)
	if !ok || r != &c.req || c.atRest != nil {
		return false
	}
	c.atRest = f
	return true
}

// Move has handle serve the request in a worker of p, as if the route had said so:
// on a copy of the frame, and with SYSTEM_BUSY when the pool is full. It is for
// an inline handler that finds that it would have to wait; it must not have
// answered, and returns nil afterwards. A session that is no connection has no
// reader to be kept free, and is served at once.
func (r *Request) Move(p *Pool, handle Handler) error {
	c, ok := r.to.(*conn)
	if !ok || r.state != requestOpen {
		return handle(r)
	}
	c.submit(r, &Route{Code: protocol.RequestCode(r.Code), Worker: p, Handle: handle})
	r.state = requestMoved
	return nil
}

// answer is what a handler says, before it becomes a command.
type answer struct {
	code    protocol.ResponseCode
	remark  string
	header  protocol.Header
	ext     codec.Fields
	body    []byte
	bufs    [][]byte
	release func()
}

// command makes the command of an answer as the reference answers: in the name of
// JAVA and of the server's own version, whatever the request said.
func (a *answer) command(opaque int32, form codec.SerializeType) codec.Command {
	return codec.Command{
		Code: int32(a.code), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Opaque: opaque, Flag: protocol.FlagResponse, Remark: a.remark, Serialize: form,
		Header: a.header, Ext: a.ext, Body: a.body,
	}
}

func (r *Request) reply(a answer) {
	if r.state != requestOpen {
		callRelease(a.release)
		return
	}
	r.state, r.code = requestAnswered, a.code
	if r.IsOneway() {
		callRelease(a.release)
		return
	}
	cmd := a.command(r.Opaque, r.serialize)
	if c, ok := r.to.(*conn); ok {
		c.respond(&cmd, a.bufs, a.release, r.when)
		return
	}
	respond(r.to, cmd, a)
}

// respond keeps the command of a foreign responder on the heap, and that of a
// connection off it.
func respond(to Responder, cmd codec.Command, a answer) {
	to.Respond(&cmd, a.bufs, a.release)
}

// Pending is a request that is answered after its handler has returned, from any
// goroutine. It holds nothing of the request's frame. Of several answers the
// first counts, so that a time-out and a wake-up may race. Every Pending is
// answered or dropped in the end: until then it counts as in flight.
type Pending struct {
	session  Session
	to       Responder
	received time.Time

	code, opaque int32
	oneway       bool
	serialize    codec.SerializeType
	here         bool
	answered     atomic.Bool
}

// Session is the session of the request.
func (p *Pending) Session() Session { return p.session }

// Received is the time when the request was read.
func (p *Pending) Received() time.Time { return p.received }

// WriteHere has the goroutine that answers write the answer itself, as far as the
// connection takes it without waiting, instead of starting one for it. It is for the few
// answers of one who can afford a system call each, and is called before answering, by nobody else meanwhile.
func (p *Pending) WriteHere() { p.here = true }

// Reply answers, as Request.Reply does. It never waits for the peer.
func (p *Pending) Reply(code protocol.ResponseCode, remark string, h protocol.Header, body []byte) {
	p.reply(answer{code: code, remark: remark, header: h, body: body})
}

// ReplyExt answers, as Request.ReplyExt does.
func (p *Pending) ReplyExt(code protocol.ResponseCode, remark string, h protocol.Header, ext codec.Fields, body []byte) {
	p.reply(answer{code: code, remark: remark, header: h, ext: ext, body: body})
}

// ReplyBuffers answers, as Request.ReplyBuffers does.
func (p *Pending) ReplyBuffers(code protocol.ResponseCode, remark string, h protocol.Header, bufs [][]byte, release func()) {
	p.reply(answer{code: code, remark: remark, header: h, bufs: bufs, release: release})
}

// Fail answers with what a handler's error would have become.
func (p *Pending) Fail(err error) {
	code, remark := answerFor(err)
	p.reply(answer{code: code, remark: remark})
}

// Drop ends the request without an answer.
func (p *Pending) Drop() {
	if p.answered.CompareAndSwap(false, true) {
		p.settle(0, false)
	}
}

func (p *Pending) reply(a answer) {
	if !p.answered.CompareAndSwap(false, true) {
		callRelease(a.release)
		return
	}
	defer p.settle(a.code, true)
	if p.oneway {
		callRelease(a.release)
		return
	}
	cmd := a.command(p.opaque, p.serialize)
	if c, ok := p.to.(*conn); ok {
		when := soon
		if p.here {
			when = now
		}
		c.respond(&cmd, a.bufs, a.release, when)
		return
	}
	respond(p.to, cmd, a)
}

// settle takes the request out of those in flight.
func (p *Pending) settle(code protocol.ResponseCode, answered bool) {
	c, ok := p.to.(*conn)
	if !ok {
		return
	}
	c.settled()
	if answered {
		c.host.observe(p.code, code, p.oneway, true, p.received)
	}
}
