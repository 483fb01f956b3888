package remoting

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// lastID numbers the connections of the process.
var lastID atomic.Uint64

// keepFields is for how many ext fields a connection keeps room between requests.
const keepFields = 64

// conn is one connection of a server or a client. Its reader goroutine runs read;
// everything else may be called from anywhere.
type conn struct {
	id      uint64
	host    *host
	table   *Table
	nc      net.Conn // the socket: for deadlines and closing
	stream  net.Conn // what frames go over: nc, or TLS on it
	remote  netip.AddrPort
	local   netip.AddrPort
	subject string

	in    input
	out   outbox
	calls calls

	frame  codec.Frame // of the reader
	req    Request     // of the reader
	atRest func()      // of the reader: what Request.AtRest asked for

	peer     atomic.Uint64 // language and version of the last request
	heard    atomic.Int64  // when bytes were last read, on the host's clock
	wrote    atomic.Int64  // when others than the reader last had written
	inFlight atomic.Int32

	wg      *sync.WaitGroup // counts the writer goroutine
	writeFn func()          // c.write, bound once

	opened   atomic.Bool // the first bytes were understood: it is a session
	stopping atomic.Bool // the reader shall end
	closing  atomic.Bool
	reason   error         // set before closed is
	closed   chan struct{} // closed when reason is set and the socket is shut
}

func newConn(h *host, nc net.Conn, table *Table, wg *sync.WaitGroup) *conn {
	c := &conn{
		id: lastID.Add(1), host: h, table: table, nc: nc, wg: wg,
		remote: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr()),
		closed: make(chan struct{}),
	}
	c.writeFn = c.write
	c.calls.start(h, c.suspect)
	c.use(nc)
	c.heard.Store(int64(h.now()))
	return c
}

// use makes stream the carrier of frames. Nothing may have been written before.
func (c *conn) use(stream net.Conn) {
	c.stream = stream
	c.in.start(stream, c.host.limits.MaxFrame, c.out.flush, &c.heard, c.host.started)
	c.out.start(stream, c.host.limits.MaxOutbound, c.spawnWriter)
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// active is when bytes last went either way. What the reader writes follows what
// it has read and is not noted on its own.
func (c *conn) active() time.Duration {
	return time.Duration(max(c.heard.Load(), c.wrote.Load()))
}

// read serves the connection until it breaks, and returns why.
func (c *conn) read() error {
	defer c.rest()
	for {
		if c.atRest != nil && !c.in.whole() {
			c.rest()
		}
		b, err := c.in.next()
		if err != nil {
			return err
		}
		if err := c.frame.Decode(b); err != nil {
			return err
		}
		if c.frame.IsResponse() {
			c.calls.deliver(&c.frame)
			takeBack(b)
			continue
		}
		c.dispatch()
		takeBack(b)
		if cap(c.frame.Ext) > keepFields {
			c.frame.Ext = nil
		}
		if c.out.waiting.Load() >= flushAt {
			if err := c.out.flush(); err != nil {
				return err
			}
		}
	}
}

// rest does what Request.AtRest asked for. It is called outside of the socket's read,
// which closing the connection would wait for.
func (c *conn) rest() {
	if f := c.atRest; f != nil {
		c.atRest = nil
		f()
	}
}

// dispatch serves the request in c.frame, or has it served.
func (c *conn) dispatch() {
	f := &c.frame
	c.note(f)
	c.req = Request{Frame: f, Session: c, Received: c.in.arrived, to: c, serialize: c.host.serialize, when: later}
	r := &c.req
	route := c.table.route(f.Code)
	switch {
	case route == nil:
		c.refuse(r, protocol.ResponseRequestCodeNotSupported, notSupported(f.Code))
	case c.host.draining.Load() && compat.KnowsGoAway(f.Version) && !f.IsOneway():
		// What wants no answer cannot be told to go; it is served.
		c.refuse(r, protocol.ResponseGoAway, remarkGoAway)
	case route.Reject != nil && route.Reject():
		c.refuse(r, protocol.ResponseSystemBusy, remarkReject)
	case int(c.inFlight.Load()) >= c.host.limits.MaxInFlight:
		c.refuse(r, protocol.ResponseSystemBusy, remarkOverload)
	case route.Worker == nil:
		c.host.serve(r, route)
	default:
		c.submit(r, route)
	}
}

func (c *conn) refuse(r *Request, code protocol.ResponseCode, remark string) {
	r.Reply(code, remark, nil, nil)
	c.host.observeRequest(r)
}

// submit gives a copy of the request to the route's pool.
func (c *conn) submit(r *Request, route *Route) {
	j := &job{req: *r, route: route, conn: c}
	j.req.Frame = cloneFrame(r.Frame)
	j.req.when = soon
	c.detach()
	if !route.Worker.submit(j) {
		c.settled()
		c.refuse(r, protocol.ResponseSystemBusy, remarkOverload)
	}
}

// detach counts a request that is answered later, settled one that was.
func (c *conn) detach() { c.inFlight.Add(1) }

func (c *conn) settled() {
	if c.inFlight.Add(-1) == 0 {
		c.host.tellSettled()
	}
}

// note keeps the language and version of a request for the session.
func (c *conn) note(f *codec.Frame) {
	peer := uint64(f.Language)<<32 | uint64(uint32(f.Version))
	if c.peer.Load() != peer {
		c.peer.Store(peer)
	}
}

// Respond implements Responder.
func (c *conn) Respond(cmd *codec.Command, bufs [][]byte, release func()) {
	c.respond(cmd, bufs, release, soon)
}

func (c *conn) respond(cmd *codec.Command, bufs [][]byte, release func(), when urgency) {
	err := c.out.put(cmd, bufs, release, when)
	if when == now {
		c.wrote.Store(int64(c.host.now()))
	}
	if failed, ok := errors.AsType[*encodeError](err); ok {
		c.host.reportPanic(Panic{Session: c, Value: failed.value, Stack: failed.stack})
		plain := answer{code: protocol.ResponseSystemError, remark: failed.Error()}
		out := plain.command(cmd.Opaque, cmd.Serialize)
		err = c.out.put(&out, nil, nil, when)
	}
	if errors.Is(err, errOutboxFull) {
		c.Close(ErrSlowReader)
	}
}

// spawnWriter starts the writer goroutine. The outbox calls it with its lock held,
// and refuses commands once the connection is closed, which happens before its
// reader ends: so wg is never raised from zero while somebody waits for it.
func (c *conn) spawnWriter() {
	c.wg.Go(c.writeFn)
}

// write is the writer goroutine: it ends when the outbox is empty.
func (c *conn) write() {
	if err := c.out.drain(); err != nil {
		c.Close(err)
	}
	c.wrote.Store(int64(c.host.now()))
}

// Close implements Session. It does not wait for handlers or goroutines.
func (c *conn) Close(reason error) {
	if c.closing.Swap(true) {
		return
	}
	c.reason = reason
	c.out.close(reason)
	c.nc.Close()
	close(c.closed)
	c.calls.close(reason)
}

// end is what the reader does last: it hands over what is still to be written
// and closes, for reason unless there was one before. It returns the reason.
func (c *conn) end(reason error, grace time.Duration) error {
	c.nc.SetWriteDeadline(time.Now().Add(grace))
	c.out.finish()
	if secure, ok := c.stream.(*tls.Conn); ok && !c.closing.Load() {
		secure.CloseWrite()
	}
	c.Close(c.whyEnded(reason))
	<-c.closed
	c.in.close()
	return c.reason
}

func notSupported(code int32) string { return fmt.Sprintf(remarkNotSupported, code) }
