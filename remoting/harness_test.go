package remoting

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// The codes that the test table serves.
const (
	codeEcho    protocol.RequestCode = 900001 // answers with the body
	codeEchoLow protocol.RequestCode = 901
)

// patience bounds waits in tests for what must happen.
const patience = 10 * time.Second

func echo(r *Request) error {
	r.Reply(protocol.ResponseSuccess, "", nil, r.Body)
	return nil
}

func table(t testing.TB, routes ...Route) *Table {
	t.Helper()
	tb, err := NewTable(routes...)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func echoTable(t testing.TB) *Table {
	return table(t, Route{Code: codeEcho, Handle: echo}, Route{Code: codeEchoLow, Handle: echo})
}

// testServer is a running server.
type testServer struct {
	*Server
	addr string
	stop func() // ends Run and waits for it; may be called twice
}

func startServer(t testing.TB, o ServerOptions, tb *Table) *testServer {
	t.Helper()
	s := NewServer(o, tb)
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	stop := func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return &testServer{s, addr.String(), stop}
}

// wire is a bare client: bytes in, frames out.
type wire struct {
	net.Conn
	t testing.TB
}

func dial(t testing.TB, addr string) wire {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return wire{c, t}
}

func (w wire) send(b []byte) {
	w.t.Helper()
	if _, err := w.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// frame reads one frame.
func (w wire) frame() *codec.Frame {
	w.t.Helper()
	f, err := w.tryFrame()
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w wire) tryFrame() (*codec.Frame, error) {
	b, err := w.tryRaw()
	if err != nil {
		return nil, err
	}
	f := new(codec.Frame)
	return f, f.Decode(b)
}

// raw reads one frame and returns what follows its length.
func (w wire) raw() []byte {
	w.t.Helper()
	b, err := w.tryRaw()
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w wire) tryRaw() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(w, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(w, b)
	return b, err
}

// closed reports whether the server closes the connection without saying more.
func (w wire) closed() bool {
	w.t.Helper()
	b := make([]byte, 1)
	n, err := w.Read(b)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	return n == 0 && err != nil
}

func request(code protocol.RequestCode, opaque int32, body string) codec.Command {
	return codec.Command{Code: int32(code), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque, Body: []byte(body)}
}

func encode(cmds ...codec.Command) []byte {
	var b []byte
	for i := range cmds {
		b = codec.AppendCommand(b, &cmds[i])
	}
	return b
}

// event waits for something that a callback reports.
func event[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

// pipe makes the two ends of a connection in memory, for tests with their own
// clock.
func pipe(t testing.TB) (server net.Conn, client wire) {
	server, c := net.Pipe()
	t.Cleanup(func() { c.Close() })
	return server, wire{c, t}
}

// runServer runs a server without ports, for connections of connect.
func runServer(t testing.TB, o ServerOptions, tb *Table) (s *Server, stop func()) {
	s = NewServer(o, tb)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	return s, func() { cancel(); wg.Wait() }
}

// connect makes a connection in memory to a server.
func connect(t testing.TB, s *Server) wire {
	nc, w := pipe(t)
	s.admit(nc, s.table)
	return w
}
