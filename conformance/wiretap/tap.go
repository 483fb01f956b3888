package wiretap

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Exchange is one request with its reply.
type Exchange struct {
	Request []byte // the whole frame, its length word included
	Head    Head   // the request's head
	Reply   []byte // nil for a one-way request, or if the connection ended first
	// ByServer tells that the side that was dialled sent the request.
	ByServer bool
}

// Tap listens on one address and relays every connection to another.
type Tap struct {
	listener net.Listener
	target   string
	report   func(Exchange)
	wg       sync.WaitGroup

	mu     sync.Mutex // guards conns and closed
	conns  map[net.Conn]struct{}
	closed bool
}

// Listen starts a tap. report is called once per exchange, from several goroutines at
// a time; the frames are its to keep. Bytes that are no frames (TLS, say) are relayed
// and not reported.
func Listen(listen, target string, report func(Exchange)) (*Tap, error) {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen for a tap in front of %s: %w", target, err)
	}
	t := &Tap{listener: ln, target: target, report: report, conns: map[net.Conn]struct{}{}}
	t.wg.Go(t.accept)
	return t, nil
}

// Addr is the address that clients are given.
func (t *Tap) Addr() string { return t.listener.Addr().String() }

// Close ends every relayed connection and waits until nothing is reported any more.
func (t *Tap) Close() error {
	t.mu.Lock()
	t.closed = true
	err := t.listener.Close()
	for c := range t.conns {
		if e := c.Close(); !errors.Is(e, net.ErrClosed) { // a relay may have closed it
			err = errors.Join(err, e)
		}
	}
	clear(t.conns)
	t.mu.Unlock()
	t.wg.Wait()
	return err
}

func (t *Tap) accept() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.wg.Go(func() { t.relay(client) })
	}
}

// relay serves one connection until either side ends it.
func (t *Tap) relay(client net.Conn) {
	server, err := net.Dial("tcp", t.target)
	if err != nil {
		_ = client.Close()
		return
	}
	if !t.keep(client, server) {
		return
	}
	p := &pairs{report: t.report, waiting: map[key]Exchange{}}
	var wg sync.WaitGroup
	wg.Go(func() { pump(server, client, func(f []byte) { p.see(f, false) }) })
	wg.Go(func() { pump(client, server, func(f []byte) { p.see(f, true) }) })
	wg.Wait()
	p.flush()
	t.drop(client, server)
}

// keep registers connections, or closes them if the tap is closed already.
func (t *Tap) keep(conns ...net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range conns {
		if t.closed {
			_ = c.Close()
			continue
		}
		t.conns[c] = struct{}{}
	}
	return !t.closed
}

func (t *Tap) drop(conns ...net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range conns {
		delete(t.conns, c)
	}
}

// pump relays src to dst and shows each frame to see before it is passed on, so that a
// request is always seen before its reply. It ends both connections when it returns.
func pump(dst, src net.Conn, see func([]byte)) {
	defer dst.Close()
	defer src.Close()
	for {
		frame, err := readFrame(src)
		if err != nil {
			// What is no frame is passed on as it is.
			if len(frame) > 0 {
				_, _ = dst.Write(frame)
			}
			_, _ = io.Copy(dst, src)
			return
		}
		see(frame)
		if _, err := dst.Write(frame); err != nil {
			return
		}
	}
}

// key names a request that waits for its reply. Both sides number their own requests.
type key struct {
	byServer bool
	opaque   int32
}

// pairs joins the two directions of one connection.
type pairs struct {
	report func(Exchange)

	mu      sync.Mutex // guards waiting
	waiting map[key]Exchange
}

func (p *pairs) see(frame []byte, byServer bool) {
	h, err := ParseHead(frame)
	if err != nil {
		return
	}
	if !h.IsResponse() {
		e := Exchange{Request: frame, Head: h, ByServer: byServer}
		if h.IsOneway() {
			p.report(e)
			return
		}
		p.mu.Lock()
		p.waiting[key{byServer, h.Opaque}] = e
		p.mu.Unlock()
		return
	}
	k := key{!byServer, h.Opaque}
	p.mu.Lock()
	e, ok := p.waiting[k]
	delete(p.waiting, k)
	p.mu.Unlock()
	if ok {
		e.Reply = frame
		p.report(e)
	}
}

// flush reports the requests that were never answered.
func (p *pairs) flush() {
	p.mu.Lock()
	left := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, e := range left {
		p.report(e)
	}
}
