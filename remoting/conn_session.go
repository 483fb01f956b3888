package remoting

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

var (
	_ Session   = (*conn)(nil)
	_ Responder = (*conn)(nil)
)

// ID implements Session.
func (c *conn) ID() uint64 { return c.id }

// RemoteAddr implements Session.
func (c *conn) RemoteAddr() netip.AddrPort { return c.remote }

// LocalAddr implements Session.
func (c *conn) LocalAddr() netip.AddrPort { return c.local }

// Language implements Session.
func (c *conn) Language() protocol.Language { return protocol.Language(c.peer.Load() >> 32) }

// Version implements Session.
func (c *conn) Version() protocol.Version { return protocol.Version(uint32(c.peer.Load())) }

// Principal implements Session.
func (c *conn) Principal() string { return c.subject }

// Done implements Session.
func (c *conn) Done() <-chan struct{} { return c.closed }

// Push implements Session.
func (c *conn) Push(cmd *codec.Command) error {
	out := outgoing(cmd)
	out.Flag |= protocol.FlagOneway
	out.Opaque = c.calls.oneway()
	return c.send(&out, soon)
}

// Call implements Session.
func (c *conn) Call(ctx context.Context, cmd *codec.Command) (*codec.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, ok := c.host.waiters.Get().(*waiter)
	if !ok {
		w = newWaiter()
	}
	defer func() {
		w.frame, w.err = nil, nil
		c.host.waiters.Put(w)
	}()
	out := outgoing(cmd)
	opaque, err := c.calls.add(0, w.finish)
	if err != nil {
		return nil, err
	}
	out.Opaque = opaque
	if err := c.send(&out, now); err != nil {
		if _, mine := c.calls.remove(opaque); mine {
			return nil, err
		}
	}
	select {
	case <-w.answered:
	case <-ctx.Done():
		if call, mine := c.calls.remove(opaque); mine {
			c.suspect(call.began)
			return nil, ctx.Err()
		}
		<-w.answered // it is being delivered
	}
	return w.frame, w.err
}

// waiter keeps the outcome of a call for the goroutine that waits for it. It is
// used again only when the call is out of the table and its outcome, if there was
// one, was received: nobody else knows it then.
type waiter struct {
	frame    *codec.Frame
	err      error
	answered chan struct{}             // told once per call
	finish   func(*codec.Frame, error) // w.done, bound once
}

func newWaiter() *waiter {
	w := &waiter{answered: make(chan struct{}, 1)}
	w.finish = w.done
	return w
}

func (w *waiter) done(f *codec.Frame, err error) {
	if f != nil {
		f = cloneFrame(f)
	}
	w.frame, w.err = f, err
	w.answered <- struct{}{}
}

// start sends a request whose answer done is told, on the reader goroutine or
// whichever learns that there will be none. The frame is lent to it. If start
// fails, done is not called.
func (c *conn) start(cmd *codec.Command, timeout time.Duration, done func(*codec.Frame, error)) error {
	out := outgoing(cmd)
	opaque, err := c.calls.add(timeout, done)
	if err != nil {
		return err
	}
	out.Opaque = opaque
	if err := c.send(&out, soon); err != nil {
		if _, mine := c.calls.remove(opaque); mine {
			return err
		}
	}
	return nil
}

// send appends a command that asks for something.
func (c *conn) send(cmd *codec.Command, when urgency) error {
	err := c.out.put(cmd, nil, nil, when)
	if errors.Is(err, errOutboxFull) && c.host.server {
		err = ErrSlowReader
		c.Close(err)
	}
	return err
}

// outgoing is the command to be written for what a caller gave: the version of
// this release where he named none.
func outgoing(cmd *codec.Command) codec.Command {
	out := *cmd
	if out.Version == 0 {
		out.Version = protocol.CurrentVersion
	}
	return out
}

// silentLimit is how long a client believes in a connection that takes requests
// and gives nothing back.
const silentLimit = 10 * time.Second

// suspect closes a client's connection on which a call was not answered in time
// and nothing else came either: the peer may be gone without a word, and the next
// call should find out by dialing.
func (c *conn) suspect(began time.Duration) {
	silent := c.host.now() - max(began, time.Duration(c.heard.Load()))
	if !c.host.server && silent >= silentLimit {
		c.Close(fmt.Errorf("nothing came from %s for %v while requests were waiting", c.remote, silent.Round(time.Second)))
	}
}
