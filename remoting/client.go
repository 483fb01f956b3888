package remoting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// ClientOptions describes a client. The zero value is useful.
type ClientOptions struct {
	Limits
	// Table serves the requests that servers send; without it they are answered
	// with REQUEST_CODE_NOT_SUPPORTED.
	Table *Table
	// DialTimeout bounds connecting, TLS included; 0 means three seconds.
	DialTimeout time.Duration
	// Dial replaces how connections are made.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// TLS, if set, is used on every connection.
	TLS *tls.Config
	// Serialize is the form of answers to requests that servers send.
	Serialize codec.SerializeType

	// OnClose is told of each connection that was lost or closed.
	OnClose func(addr string, s Session, reason error)
	// OnPanic is told of the panic of a handler in Table.
	OnPanic func(Panic)
}

// Client sends commands to servers, over one connection to each address, which is
// made when it is first needed and again after it was lost. All methods may be
// called from any goroutine.
type Client struct {
	options ClientOptions
	host    host
	table   *Table
	wg      sync.WaitGroup // readers, writers and dials
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.RWMutex // guards what follows
	links  map[string]*link
	conns  map[*conn]struct{} // those with a reader, in use or not
	closed bool
}

// link is the way to one address. It stays when its connection goes.
type link struct {
	addr string

	mu      sync.Mutex // guards what follows
	conn    *conn      // nil when there is none
	dialing *dialing   // nil when nobody dials
}

// dialing is one attempt to connect, for all who wait for it.
type dialing struct {
	done chan struct{}
	conn *conn // set before done is closed
	err  error
}

// NewClient makes a client. Close it.
func NewClient(o ClientOptions) *Client {
	o.Limits = o.Limits.withDefaults()
	if o.DialTimeout == 0 {
		o.DialTimeout = 3 * time.Second
	}
	if o.Dial == nil {
		dialer := net.Dialer{KeepAlive: -1}
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }
	}
	if o.Table == nil {
		o.Table = &Table{}
	}
	c := &Client{
		options: o,
		table:   o.Table,
		links:   map[string]*link{},
		conns:   map[*conn]struct{}{},
		host:    host{limits: o.Limits, serialize: o.Serialize, panicked: o.OnPanic, started: time.Now(), settled: make(chan struct{}, 1)},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Call sends a request and waits for the answer, for as long as ctx allows. The
// Frame is the caller's own; whether the answer is good news, ResponseError
// tells. cmd is lent for the call, its Opaque is not looked at.
func (c *Client) Call(ctx context.Context, addr string, cmd *codec.Command) (*codec.Frame, error) {
	cn, err := c.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	f, err := cn.Call(ctx, cmd)
	if err != nil {
		return nil, callError(addr, cmd, err)
	}
	if f.Code == int32(protocol.ResponseGoAway) {
		c.retire(addr, cn)
	}
	return f, nil
}

// Go sends a request and calls done once: with the answer, which is lent to it,
// or with the reason why there is none; ErrTimeout when timeout (0: none) has
// passed. done usually runs on the connection's reader goroutine and must not
// wait for anything. Go itself never waits for the network: cmd must stay
// untouched only until Go returns when a connection exists, and until done is
// called when it has to be made.
func (c *Client) Go(addr string, cmd *codec.Command, timeout time.Duration, done func(*codec.Frame, error)) {
	finish := func(f *codec.Frame, err error) {
		if err != nil {
			err = callError(addr, cmd, err)
		}
		done(f, err)
	}
	if cn := c.existing(addr); cn != nil {
		if err := cn.start(cmd, timeout, finish); err != nil {
			finish(nil, err)
		}
		return
	}
	started := c.spawn(func() {
		cn, err := c.connect(c.ctx, addr)
		if err != nil {
			done(nil, err)
			return
		}
		if err := cn.start(cmd, timeout, finish); err != nil {
			finish(nil, err)
		}
	})
	if !started {
		done(nil, ErrShutdown)
	}
}

// OneWay sends a command that is not answered. It returns when the command is
// queued on a connection; ctx bounds making one.
func (c *Client) OneWay(ctx context.Context, addr string, cmd *codec.Command) error {
	cn, err := c.connect(ctx, addr)
	if err != nil {
		return err
	}
	if err := cn.Push(cmd); err != nil {
		return callError(addr, cmd, err)
	}
	return nil
}

// Disconnect closes the connection to addr, if there is one.
func (c *Client) Disconnect(addr string) {
	if cn := c.existing(addr); cn != nil {
		cn.Close(ErrShutdown)
	}
}

// Close ends all calls with ErrShutdown and closes all connections. It returns
// when no goroutine of the client is left, and may be called twice; not from a
// handler or callback of the client.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	open := slices.Collect(maps.Keys(c.conns))
	c.mu.Unlock()
	c.cancel()
	for _, cn := range open {
		cn.Close(ErrShutdown)
	}
	c.wg.Wait()
	return nil
}

// callError says which call failed.
func callError(addr string, cmd *codec.Command, err error) error {
	name := protocol.RequestCode(cmd.Code)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s was not answered by %s in time: %w", name, addr, err)
	case errors.Is(err, ErrShutdown), errors.Is(err, context.Canceled):
		return fmt.Errorf("%s to %s was given up: %w", name, addr, err)
	case errors.Is(err, ErrTooManyCalls), errors.Is(err, errOutboxFull):
		return fmt.Errorf("%s cannot be sent to %s: %w", name, addr, err)
	}
	return fmt.Errorf("the connection to %s was lost before %s was answered: %w", addr, name, err)
}
