package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is what a wait ends with when the server closed the connection.
var ErrClosed = errors.New("wire: the server closed the connection")

// ErrSilent is what a wait ends with when its time ran out while the connection stayed open.
var ErrSilent = errors.New("wire: no answer within the time")

// pushBound is how many unread pushes a connection keeps; a case that is sent more than
// this without reading them has a fault, and the connection ends with it.
const pushBound = 4096

// Conn is one TCP connection to a server. All methods may be called from several
// goroutines at once.
type Conn struct {
	Language  string // sent in each request; empty is JAVA
	Version   int32  // sent in each request
	Serialize byte   // of each request

	nc     net.Conn
	opaque atomic.Int32
	pushes chan *Frame
	done   chan struct{} // closed when the reader has ended
	reader sync.WaitGroup

	mu      sync.Mutex // guards waiting and err
	waiting map[int32]chan *Frame
	err     error // why the reader ended
}

// Dial connects to address "host:port". Close must be called; it waits for the reader.
func Dial(ctx context.Context, address string) (*Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return NewConn(nc), nil
}

// NewConn makes a Conn of an established connection, which it then owns.
func NewConn(nc net.Conn) *Conn {
	c := &Conn{
		Version: Version550, nc: nc,
		pushes: make(chan *Frame, pushBound), done: make(chan struct{}), waiting: map[int32]chan *Frame{},
	}
	c.reader.Go(c.read)
	return c
}

// Close ends the connection and waits until its reader has stopped.
func (c *Conn) Close() {
	c.nc.Close()
	c.reader.Wait()
}

// LocalAddr is our end of the connection, as the server sees it.
func (c *Conn) LocalAddr() string { return c.nc.LocalAddr().String() }

// read hands responses to those who wait for them and keeps everything else as a push.
// A response nobody waits for counts as a push, so that a case can see stray answers.
func (c *Conn) read() {
	defer close(c.done)
	err := c.readFrames()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for _, w := range c.waiting {
		close(w)
	}
	c.waiting = nil
}

func (c *Conn) readFrames() error {
	for {
		f, err := ReadFrame(c.nc)
		if err != nil {
			return err
		}
		c.mu.Lock()
		w := c.waiting[f.Opaque]
		if f.IsResponse() && w != nil {
			delete(c.waiting, f.Opaque)
			w <- f // buffered for exactly this frame
			c.mu.Unlock()
			continue
		}
		c.mu.Unlock()
		select {
		case c.pushes <- f:
		default:
			return fmt.Errorf("wire: %d pushes were left unread", pushBound)
		}
	}
}

// ReadFrame reads one frame from r.
func ReadFrame(r io.Reader) (*Frame, error) {
	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return nil, ErrClosed
	}
	n := binary.BigEndian.Uint32(word[:])
	if n > maxFrame {
		return nil, fmt.Errorf("wire: the server announced a frame of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, ErrClosed
	}
	return Decode(b)
}

// Write sends bytes as they are, broken or not.
func (c *Conn) Write(b []byte) error {
	_, err := c.nc.Write(b)
	return err
}

// NextOpaque reserves a request id of this connection.
func (c *Conn) NextOpaque() int32 { return c.opaque.Add(1) }

// fill completes a request with what the connection announces of itself.
func (c *Conn) fill(f *Frame) {
	if f.Opaque == 0 {
		f.Opaque = c.NextOpaque()
	}
	if f.Language == "" {
		f.Language = c.Language
	}
	if f.Version == 0 {
		f.Version = c.Version
	}
	if f.Serialize == 0 {
		f.Serialize = c.Serialize
	}
}

// Call sends a request and waits for its response until ctx ends. The error is ErrClosed
// when the server hung up and ErrSilent when the time ran out.
func (c *Conn) Call(ctx context.Context, f *Frame) (*Frame, error) {
	c.fill(f)
	b, err := f.Encode()
	if err != nil {
		return nil, err
	}
	return c.exchange(ctx, f.Opaque, b)
}

// CallRaw writes b as it is and waits for the response with the given opaque.
func (c *Conn) CallRaw(ctx context.Context, opaque int32, b []byte) (*Frame, error) {
	return c.exchange(ctx, opaque, b)
}

func (c *Conn) exchange(ctx context.Context, opaque int32, b []byte) (*Frame, error) {
	w := make(chan *Frame, 1)
	c.mu.Lock()
	if c.waiting == nil {
		err := c.err
		c.mu.Unlock()
		return nil, err
	}
	c.waiting[opaque] = w
	c.mu.Unlock()
	// A write may fail because the server closed after an earlier request: what the reader
	// saw is the better reason, so the error of the write itself is not final.
	_ = c.Write(b)
	select {
	case f, ok := <-w:
		if !ok {
			return nil, c.reason()
		}
		return f, nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, opaque)
		c.mu.Unlock()
		return nil, ErrSilent
	}
}

// OneWay sends a request with the one-way bit set and waits for nothing.
func (c *Conn) OneWay(f *Frame) error {
	c.fill(f)
	f.Flag |= FlagOneway
	b, err := f.Encode()
	if err != nil {
		return err
	}
	return c.Write(b)
}

// Reply answers a request of the server.
func (c *Conn) Reply(to *Frame, code int32, body []byte) error {
	b, err := (&Frame{Code: code, Opaque: to.Opaque, Flag: FlagResponse, Version: c.Version, Language: c.Language, Body: body}).Encode()
	if err != nil {
		return err
	}
	return c.Write(b)
}

// Push waits for the next frame that the server sent on its own account.
func (c *Conn) Push(ctx context.Context) (*Frame, error) {
	select {
	case f := <-c.pushes:
		return f, nil
	default:
	}
	select {
	case f := <-c.pushes:
		return f, nil
	case <-c.done:
		return nil, c.reason()
	case <-ctx.Done():
		return nil, ErrSilent
	}
}

// AwaitClose waits until the server closes the connection; false when it stayed open.
func (c *Conn) AwaitClose(within time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(within):
		return false
	}
}

// reason is why the reader ended.
func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return ErrClosed
	}
	return c.err
}

// Call dials address, makes one call, and closes again: for probes and preparations.
func Call(ctx context.Context, address string, f *Frame) (*Frame, error) {
	c, err := Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Call(ctx, f)
}
