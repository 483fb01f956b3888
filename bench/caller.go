package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// dialTimeout bounds the wait for a connection, callTimeout that for the answer to a
// question of preparation.
const (
	dialTimeout = 5 * time.Second
	callTimeout = 30 * time.Second
)

// caller asks the questions of preparation, one after another on one connection.
type caller struct {
	conn   net.Conn
	opaque int32
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", address, err)
	}
	return conn, nil
}

func dialCaller(ctx context.Context, address string) (*caller, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return &caller{conn: conn}, nil
}

func (c *caller) close() error { return c.conn.Close() }

// callOnce asks one question on a connection of its own.
func callOnce(ctx context.Context, address string, code protocol.RequestCode, h protocol.Header) (*codec.Frame, error) {
	c, err := dialCaller(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.call(ctx, code, h)
}

// call waits for the answer; one that is not SUCCESS is an error.
func (c *caller) call(ctx context.Context, code protocol.RequestCode, h protocol.Header) (*codec.Frame, error) {
	return c.exchange(ctx, &codec.Command{Code: int32(code), Header: h})
}

func (c *caller) exchange(ctx context.Context, cmd *codec.Command) (*codec.Frame, error) {
	f, err := c.roundTrip(ctx, cmd)
	code := protocol.RequestCode(cmd.Code)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", code, c.conn.RemoteAddr(), err)
	}
	if answer := protocol.ResponseCode(f.Code); answer != protocol.ResponseSuccess {
		return nil, fmt.Errorf("%s at %s: %w", code, c.conn.RemoteAddr(), &answerError{answer, f.Remark})
	}
	return f, nil
}

// answerError is an answer that is not SUCCESS.
type answerError struct {
	code   protocol.ResponseCode
	remark string
}

func (e *answerError) Error() string { return fmt.Sprintf("answered %s: %s", e.code, e.remark) }

func (c *caller) roundTrip(ctx context.Context, cmd *codec.Command) (*codec.Frame, error) {
	deadline := time.Now().Add(callTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Now()) })()
	c.opaque++
	cmd.Opaque, cmd.Language, cmd.Version = c.opaque, protocol.LanguageGo, protocol.V5_5_0
	if _, err := c.conn.Write(codec.AppendCommand(nil, cmd)); err != nil {
		return nil, err
	}
	for {
		var word [codec.LengthSize]byte
		if _, err := io.ReadFull(c.conn, word[:]); err != nil {
			return nil, err
		}
		n := binary.BigEndian.Uint32(word[:])
		if n > maxFrame {
			return nil, fmt.Errorf("the server announced a frame of %d bytes", n)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c.conn, b); err != nil {
			return nil, err
		}
		f := new(codec.Frame)
		if err := f.Decode(b); err != nil {
			return nil, err
		}
		if f.IsResponse() && f.Opaque == c.opaque {
			return f, nil
		}
	}
}
