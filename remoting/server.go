package remoting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
)

// ServerOptions describes a server. The zero value is a server as 5.5.0 is by
// default, but for Idle.
type ServerOptions struct {
	Limits
	// MaxConns is how many connections the server takes; what comes then is
	// closed at once. 0 means 65536.
	MaxConns int
	// Idle is how long a connection may stand without a byte either way before it
	// is closed (upstream's serverChannelMaxIdleTimeSeconds, 120). 0 means
	// forever.
	Idle time.Duration
	// Serialize is the form of answers. The reference does not answer in the form
	// of the request but in its own, JSON unless rocketmq.serialize.type says
	// otherwise.
	Serialize codec.SerializeType

	TLSMode TLSMode
	// TLSConfig is asked on each TLS connection; nil means SelfSigned.
	TLSConfig func() (*tls.Config, error)
	// RefuseProxy closes connections that begin with a PROXY protocol header,
	// which otherwise may claim any client address, as with the reference.
	RefuseProxy bool

	// DrainTimeout bounds the orderly part of stopping, GoAwayTime apart; 0 means one
	// second.
	DrainTimeout time.Duration
	// GoAwayTime is asked when stopping begins how long clients are told to go away
	// even when nothing is in flight. nil and 0 end as soon as nothing is.
	GoAwayTime func() time.Duration

	// OnOpen is told of a session before its first request, on its reader
	// goroutine. A connection that sends nothing has no session.
	OnOpen func(Session)
	// OnClose is told once when a session that was opened has ended, after its
	// last inline handler has returned.
	OnClose func(s Session, reason error)
	// OnRefused is told of connections that ended before they had a session:
	// first bytes that make no sense, failed handshakes, too many connections. It
	// is also told of accept calls that failed, with the address of the listener.
	OnRefused func(addr net.Addr, reason error)
	// OnPanic is told of a handler's panic.
	OnPanic func(Panic)
	// OnOutcome is told of each request that is over. It runs on the path of every
	// request: it must be quick and must not block.
	OnOutcome func(Outcome)
}

func (o *ServerOptions) setDefaults() {
	o.Limits = o.Limits.withDefaults()
	if o.MaxConns == 0 {
		o.MaxConns = 1 << 16
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = time.Second
	}
}

// ErrTooManyConns refuses a connection because of MaxConns.
var ErrTooManyConns = errors.New("the server has as many connections as it may have")

// Server takes connections on any number of addresses and serves them. It is used
// once: NewServer, Listen, Run.
type Server struct {
	options ServerOptions
	host    host
	table   *Table
	conns   sync.WaitGroup // readers and writers

	mu        sync.Mutex // guards what follows
	listeners []listener
	open      map[*conn]struct{}
	running   bool
	stopped   bool
}

type listener struct {
	net.Listener
	table *Table
}

// NewServer makes a server that serves table on the addresses of Listen.
func NewServer(o ServerOptions, table *Table) *Server {
	o.setDefaults()
	return &Server{
		options: o,
		table:   table,
		open:    map[*conn]struct{}{},
		host: host{
			limits: o.Limits, serialize: o.Serialize, outcome: o.OnOutcome, panicked: o.OnPanic,
			started: time.Now(), server: true, settled: make(chan struct{}, 1),
		},
	}
}

// Listen opens a port; addr is host:port, and port 0 takes a free one. Clients
// may connect at once and are served when Run runs.
func (s *Server) Listen(addr string) (netip.AddrPort, error) { return s.ListenTable(addr, s.table) }

// ListenTable is Listen for a port that serves another table, such as the
// broker's VIP port.
func (s *Server) ListenTable(addr string, table *Table) (netip.AddrPort, error) {
	// Keep-alive stays off as upstream has it: Idle finds dead peers.
	config := net.ListenConfig{KeepAlive: -1}
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot listen on %s: %w", addr, cause(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.stopped {
		l.Close()
		return netip.AddrPort{}, fmt.Errorf("cannot listen on %s: the server runs already", addr)
	}
	s.listeners = append(s.listeners, listener{l, table})
	return addrPort(l.Addr()), nil
}

// cause strips what net puts around the reason, so that sentences do not say
// everything twice.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// Sessions calls yield with each open session until it returns false.
func (s *Server) Sessions(yield func(Session) bool) {
	for _, c := range s.connections() {
		if c.opened.Load() && !yield(c) {
			return
		}
	}
}

// connections copies the list, so that nothing is called under mu.
func (s *Server) connections() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.open))
}

// Connections is the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// InFlight is the number of requests of open connections that wait in pools or as
// Pending.
func (s *Server) InFlight() int {
	n := 0
	for _, c := range s.connections() {
		n += int(c.inFlight.Load())
	}
	return n
}

// accept takes connections until the listener is closed. A failure that may pass,
// such as too many open files, is reported and tried again.
func (s *Server) accept(ctx context.Context, l listener) {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := shortest
	for {
		nc, err := l.Accept()
		if err == nil {
			pause = shortest
			s.admit(nc, l.table)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.refused(l.Addr(), fmt.Errorf("accept: %w", cause(err)))
		select {
		case <-time.After(pause):
			pause = min(2*pause, longest)
		case <-ctx.Done():
		}
	}
}

// admit starts the reader of a new connection.
func (s *Server) admit(nc net.Conn, table *Table) {
	c := newConn(&s.host, nc, table, &s.conns)
	s.mu.Lock()
	stopped, full := s.stopped, len(s.open) >= s.options.MaxConns
	if !stopped && !full {
		s.open[c] = struct{}{}
		s.conns.Go(func() { s.serve(c) })
	}
	s.mu.Unlock()
	switch {
	case stopped:
		c.Close(ErrShutdown)
	case full:
		c.Close(ErrTooManyConns)
		s.refused(nc.RemoteAddr(), ErrTooManyConns)
	}
}

// serve is the reader goroutine of a connection.
func (s *Server) serve(c *conn) {
	reason := c.open(&s.options)
	opened := reason == nil
	if opened {
		c.opened.Store(true)
		if s.options.OnOpen != nil {
			s.options.OnOpen(c)
		}
		reason = c.read()
	}
	reason = c.end(reason, s.options.DrainTimeout)
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.host.tellSettled()
	switch {
	case opened && s.options.OnClose != nil:
		s.options.OnClose(c, reason)
	case !opened:
		s.refused(c.nc.RemoteAddr(), reason)
	}
}

func (s *Server) refused(addr net.Addr, reason error) {
	if s.options.OnRefused != nil {
		s.options.OnRefused(addr, reason)
	}
}
