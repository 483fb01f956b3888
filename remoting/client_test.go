package remoting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func newClient(t testing.TB, o ClientOptions) *Client {
	c := NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientCalls(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	for _, config := range []*tls.Config{nil, {InsecureSkipVerify: true}} {
		var dials atomic.Int32
		c := newClient(t, ClientOptions{TLS: config, Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				body := strings.Repeat(fmt.Sprint(i), 1+i*100)
				for range 20 {
					cmd := request(codeEcho, 0, body)
					f, err := c.Call(t.Context(), s.addr, &cmd)
					if err != nil || string(f.Body) != body {
						t.Errorf("call: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		if n := dials.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
	}
}

func TestClientGo(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	c := newClient(t, ClientOptions{})
	const n = 2000
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		body := fmt.Sprint(i)
		cmd := request(codeEcho, 0, body)
		c.Go(s.addr, &cmd, patience, func(f *codec.Frame, err error) {
			if err != nil || string(f.Body) != body {
				t.Errorf("call %d: %+v %v", i, f, err)
			}
			wg.Done()
		})
	}
	wg.Wait()
}

func TestClientOneWayAndPushes(t *testing.T) {
	got := make(chan string, 10)
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: 1, Handle: func(r *Request) error {
			body := string(r.Body)
			p := r.Detach()
			push := request(2, 0, "pushed "+body)
			if err := p.Session().Push(&push); err != nil {
				t.Error(err)
			}
			go func() { // not inline: the answer comes over the same connection
				call := request(3, 0, "asked "+body)
				f, err := p.Session().Call(context.Background(), &call)
				if err != nil || string(f.Body) != "asked "+body {
					t.Errorf("call of the client: %+v, %v", f, err)
				}
				p.Drop()
				got <- "called"
			}()
			return nil
		}},
	))
	c := newClient(t, ClientOptions{Table: table(t,
		Route{Code: 2, Handle: func(r *Request) error { got <- string(r.Body); return nil }},
		Route{Code: 3, Handle: echo},
	)})
	cmd := request(1, 0, "hello")
	if err := c.OneWay(t.Context(), s.addr, &cmd); err != nil {
		t.Fatal(err)
	}
	if a, b := event(t, got), event(t, got); a != "pushed hello" || b != "called" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestClientErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	l.Close()
	pending := make(chan *Pending, 10)
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: 1, Handle: func(r *Request) error { pending <- r.Detach(); return nil }},
		Route{Code: 2, Handle: func(r *Request) error { r.Session.Close(nil); return nil }},
	))
	closed := make(chan error, 10)
	c := newClient(t, ClientOptions{OnClose: func(addr string, _ Session, reason error) {
		if addr != s.addr {
			t.Errorf("OnClose for %s", addr)
		}
		closed <- reason
	}})
	call := func(ctx context.Context, addr string, code protocol.RequestCode) error {
		cmd := request(code, 0, "")
		_, err := c.Call(ctx, addr, &cmd)
		return err
	}
	soonOver, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	cases := []struct {
		err  error
		is   error
		text string
	}{
		{call(t.Context(), dead, 34), syscall.ECONNREFUSED, "cannot connect to " + dead + ": connect: connection refused"},
		{call(soonOver, s.addr, 1), context.DeadlineExceeded, "1 was not answered by " + s.addr + " in time: context deadline exceeded"},
		{call(t.Context(), s.addr, 2), io.EOF, "the connection to " + s.addr + " was lost before 2 was answered: EOF"},
		{call(soonOver, s.addr, 1), context.DeadlineExceeded, "cannot connect to " + s.addr + ": context deadline exceeded"},
	}
	for _, c := range cases {
		if !errors.Is(c.err, c.is) || c.err.Error() != c.text {
			t.Errorf("error %q, want %q", c.err, c.text)
		}
	}
	if reason := event(t, closed); !errors.Is(reason, io.EOF) {
		t.Errorf("closed because %v", reason)
	}
	event(t, pending).Drop()

	// Close ends what waits.
	errs := make(chan error, 2)
	cmd := request(1, 0, "")
	c.Go(s.addr, &cmd, 0, func(_ *codec.Frame, err error) { errs <- err })
	event(t, pending)
	c.Close() // takes the pending request with it
	for range 2 {
		if err := event(t, errs); !errors.Is(err, ErrShutdown) {
			t.Errorf("after Close: %v", err)
		}
		c.Go(s.addr, &cmd, 0, func(_ *codec.Frame, err error) { errs <- err })
	}
	if err := call(t.Context(), s.addr, 1); !errors.Is(err, ErrShutdown) {
		t.Errorf("Call after Close: %v", err)
	}
}

// TestClientConnectsAgain: after a loss the next call makes a new connection.
func TestClientConnectsAgain(t *testing.T) {
	ids := make(chan uint64, 10)
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: func(r *Request) error { ids <- r.Session.ID(); return echo(r) }}))
	lost := make(chan error, 10)
	c := newClient(t, ClientOptions{OnClose: func(_ string, _ Session, err error) { lost <- err }})
	var last uint64
	for round := range 4 {
		cmd := request(codeEcho, 0, "")
		if _, err := c.Call(t.Context(), s.addr, &cmd); err != nil {
			t.Fatal(err)
		}
		id := event(t, ids)
		if id == last {
			t.Errorf("round %d: still connection %d", round, id)
		}
		last = id
		if round%2 == 0 {
			c.Disconnect(s.addr)
		} else {
			s.Sessions(func(session Session) bool { session.Close(io.EOF); return true })
		}
		event(t, lost)
	}
}

// TestClientLeavesAServerThatSaysGoAway: the answer is the caller's to judge, the
// connection is not used again.
func TestClientLeavesAServerThatSaysGoAway(t *testing.T) {
	sessions := make(chan uint64, 2)
	s := startServer(t, ServerOptions{}, table(t, Route{Code: 1, Handle: func(r *Request) error {
		sessions <- r.Session.ID()
		return Errorf(protocol.ResponseGoAway, "please go away")
	}}))
	c := newClient(t, ClientOptions{})
	for range 2 {
		cmd := request(1, 0, "")
		f, err := c.Call(t.Context(), s.addr, &cmd)
		if err != nil {
			t.Fatal(err)
		}
		if err := ResponseError(f); err == nil || err.Error() != "GO_AWAY: please go away" {
			t.Errorf("error %v", err)
		}
	}
	if a, b := event(t, sessions), event(t, sessions); a == b {
		t.Error("the connection was used again")
	}
}

// pipeClient is a client whose connections are pipes to a server.
func pipeClient(t *testing.T, s *Server) *Client {
	return NewClient(ClientOptions{Dial: func(context.Context, string) (net.Conn, error) {
		nc, peer := net.Pipe()
		s.admit(nc, s.table)
		return peer, nil
	}})
}

// TestCallTimeouts: asynchronous calls end when their time is over, each at its
// own, and answers that come later harm nobody.
func TestCallTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pendings []*Pending
		s, stop := runServer(t, ServerOptions{}, table(t,
			Route{Code: codeEcho, Handle: echo},
			Route{Code: 1, Handle: func(r *Request) error { pendings = append(pendings, r.Detach()); return nil }}))
		c := pipeClient(t, s)
		began := time.Now()
		var mu sync.Mutex // guards ended: callbacks of different calls may run side by side
		var ended []time.Duration
		for _, timeout := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second, 0, time.Second + time.Millisecond} {
			cmd := request(1, 0, "")
			c.Go("x", &cmd, timeout, func(f *codec.Frame, err error) {
				if timeout > 0 && (!errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("%v: %+v, %v", timeout, f, err)
				}
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, time.Since(began))
			})
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		mu.Lock()
		late := time.Millisecond + expiryStep
		if len(ended) != 4 {
			t.Fatalf("ended %v", ended)
		}
		for i, want := range []time.Duration{time.Second, time.Second, 2 * time.Second, 3 * time.Second} {
			if ended[i] < want || ended[i] > want+late {
				t.Errorf("call %d ended after %v, want %v", i, ended[i], want)
			}
		}
		mu.Unlock()
		for _, p := range pendings {
			p.Reply(0, "", nil, nil)
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(ended) != 5 {
			t.Errorf("the call without time-out has not ended: %v", ended)
		}
		c.Close()
		stop()
	})
}

// TestSilentServerIsLeft: a connection on which nothing comes back is given up,
// one on which other answers come is not.
func TestSilentServerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns atomic.Int32
		s, stop := runServer(t, ServerOptions{OnOpen: func(Session) { conns.Add(1) }}, table(t,
			Route{Code: codeEcho, Handle: echo},
			Route{Code: 1, Handle: func(r *Request) error { r.Detach(); return nil }}))
		c := pipeClient(t, s)
		hang := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			cmd := request(1, 0, "")
			if _, err := c.Call(ctx, "x", &cmd); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("call: %v", err)
			}
		}
		for _, step := range []struct {
			wait time.Duration
			ping time.Duration // 0: none
			want int32
		}{{time.Second, 0, 1}, {3 * time.Second, 0, 1}, {2 * silentLimit, silentLimit + time.Second, 1}, {silentLimit, 0, 1}, {time.Second, 0, 2}} {
			if step.ping > 0 {
				cmd := request(codeEcho, 0, "")
				time.AfterFunc(step.ping, func() { c.Go("x", &cmd, 0, func(*codec.Frame, error) {}) })
			}
			hang(step.wait)
			if n := conns.Load(); n != step.want {
				t.Errorf("%+v: %d connections", step, n)
			}
		}
		c.Close()
		stop()
	})
}

// TestClientRefusesTooMuch: its own requests do not grow without bound either.
func TestClientRefusesTooMuch(t *testing.T) {
	server, peer := net.Pipe() // nobody reads
	defer server.Close()
	c := newClient(t, ClientOptions{
		Limits: Limits{MaxOutbound: 1 << 20},
		Dial:   func(context.Context, string) (net.Conn, error) { return peer, nil },
	})
	cmd := request(1, 0, strings.Repeat("x", 100<<10))
	var err error
	for range 100 {
		if err = c.OneWay(t.Context(), "x", &cmd); err != nil {
			break
		}
	}
	if want := "1 cannot be sent to x: too many bytes are waiting to be written"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestTooManyCalls(t *testing.T) {
	var table calls
	table.start(&host{started: time.Now()}, nil)
	ended := 0
	for range maxCalls {
		if _, err := table.add(0, func(*codec.Frame, error) { ended++ }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.add(0, nil); !errors.Is(err, ErrTooManyCalls) {
		t.Errorf("error %v", err)
	}
	// The counter passes over those that wait.
	table.opaque = 0
	if _, ok := table.remove(5); !ok {
		t.Fatal("call 5 is gone")
	}
	if opaque, err := table.add(0, func(*codec.Frame, error) { ended++ }); err != nil || opaque != 5 {
		t.Errorf("opaque %d, %v", opaque, err)
	}
	table.close(io.EOF)
	table.close(io.EOF)
	if ended != maxCalls {
		t.Errorf("%d of %d calls ended", ended, maxCalls)
	}
}
