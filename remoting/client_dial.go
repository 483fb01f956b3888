package remoting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// ConnectError reports that an address could not be reached.
type ConnectError struct {
	Addr string
	Err  error
}

func (e *ConnectError) Error() string { return fmt.Sprintf("cannot connect to %s: %v", e.Addr, e.Err) }

// Unwrap returns the reason.
func (e *ConnectError) Unwrap() error { return e.Err }

// connect returns the connection to addr, making it if there is none. Callers
// that come meanwhile wait for the same attempt.
func (c *Client) connect(ctx context.Context, addr string) (*conn, error) {
	l, err := c.link(addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	if cn := l.conn; cn != nil && !cn.closing.Load() {
		l.mu.Unlock()
		return cn, nil
	}
	d := l.dialing
	if d == nil {
		d = &dialing{done: make(chan struct{})}
		if !c.spawn(func() { c.dial(l, d) }) {
			l.mu.Unlock()
			return nil, ErrShutdown
		}
		l.dialing = d
	}
	l.mu.Unlock()
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, &ConnectError{Addr: addr, Err: ctx.Err()}
	}
}

// link finds or makes the link to addr.
func (c *Client) link(addr string) (*link, error) {
	c.mu.RLock()
	l, closed := c.links[addr], c.closed
	c.mu.RUnlock()
	if closed {
		return nil, ErrShutdown
	}
	if l != nil {
		return l, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l = c.links[addr]; l == nil {
		l = &link{addr: addr}
		c.links[addr] = l
	}
	return l, nil
}

// existing is the connection to addr, or nil.
func (c *Client) existing(addr string) *conn {
	c.mu.RLock()
	l := c.links[addr]
	c.mu.RUnlock()
	if l == nil {
		return nil
	}
	return l.existing()
}

func (l *link) existing() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil || l.conn.closing.Load() {
		return nil
	}
	return l.conn
}

// spawn runs f in a goroutine that Close waits for. It does not when the client is
// closed.
func (c *Client) spawn(f func()) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return false
	}
	c.wg.Go(f)
	return true
}

// dial makes a connection for all who wait for d, and then is its reader.
func (c *Client) dial(l *link, d *dialing) {
	ctx, cancel := context.WithTimeout(c.ctx, c.options.DialTimeout)
	nc, stream, err := c.open(ctx, l.addr)
	cancel()
	var cn *conn
	if err == nil {
		cn = newConn(&c.host, nc, c.table, &c.wg)
		if stream != nc {
			cn.use(stream)
		}
	} else {
		err = &ConnectError{Addr: l.addr, Err: cause(err)}
	}
	l.mu.Lock()
	l.conn, l.dialing = cn, nil
	d.conn, d.err = cn, err
	l.mu.Unlock()
	close(d.done)
	if cn == nil {
		return
	}
	c.mu.Lock()
	c.conns[cn] = struct{}{}
	closed := c.closed
	c.mu.Unlock()
	if closed { // Close did not see this connection
		cn.Close(ErrShutdown)
	}
	c.serve(l, cn)
}

// open connects and, if TLS is wanted, shakes hands.
func (c *Client) open(ctx context.Context, addr string) (nc, stream net.Conn, err error) {
	nc, err = c.options.Dial(ctx, addr)
	if err != nil || c.options.TLS == nil {
		return nc, nc, err
	}
	config := c.options.TLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(nc, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("TLS: %w", err)
	}
	return nc, secure, nil
}

// serve is the reader goroutine of a connection.
func (c *Client) serve(l *link, cn *conn) {
	cn.opened.Store(true)
	reason := cn.end(cn.read(), c.options.DialTimeout)
	l.mu.Lock()
	if l.conn == cn {
		l.conn = nil
	}
	l.mu.Unlock()
	c.mu.Lock()
	delete(c.conns, cn)
	c.mu.Unlock()
	if c.options.OnClose != nil {
		c.options.OnClose(l.addr, cn, reason)
	}
}

// errWentAway is why a connection is closed whose server said GO_AWAY.
var errWentAway = errors.New("the server is shutting down")

// retire takes a connection out of use whose server said GO_AWAY: the next call
// connects anew, and the connection is closed when it has nothing to wait for.
func (c *Client) retire(addr string, cn *conn) {
	c.mu.RLock()
	l := c.links[addr]
	c.mu.RUnlock()
	l.mu.Lock()
	if l.conn == cn {
		l.conn = nil
	}
	l.mu.Unlock()
	if cn.calls.unanswered() == 0 {
		cn.Close(errWentAway)
	}
}
