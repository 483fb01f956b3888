package remoting

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestStoppingAnswersWhatIsInFlight: a request in a pool and a pending one are
// answered, new ones of clients that know GO_AWAY are sent away, others served.
func TestStoppingAnswersWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool(PoolOptions{Workers: 1, Queue: 1})
		gate, pendings := make(chan struct{}), make(chan *Pending, 1)
		closed := make(chan error, 1)
		s, stop := runServer(t, ServerOptions{OnClose: func(_ Session, reason error) { closed <- reason }}, table(t,
			Route{Code: codeEcho, Handle: echo},
			Route{Code: 1, Handle: func(r *Request) error { pendings <- r.Detach(); return nil }},
			Route{Code: 2, Worker: pool, Handle: func(r *Request) error {
				<-gate
				r.Reply(0, "from the pool", nil, nil)
				return nil
			}},
		))
		w := connect(t, s)
		w.send(encode(request(1, 1, ""), request(2, 2, "")))
		pending := <-pendings
		synctest.Wait()

		var wg sync.WaitGroup
		wg.Go(stop)
		synctest.Wait()
		old := request(codeEcho, 4, "served")
		old.Version = protocol.V5_3_1
		w.send(encode(request(codeEcho, 3, ""), old, request(9999, 5, "")))
		if f := w.frame(); f.Opaque != 3 || f.Code != int32(protocol.ResponseGoAway) || f.Remark != "please go away" {
			t.Errorf("new client: %+v", f)
		}
		if f := w.frame(); f.Opaque != 4 || f.Code != 0 || string(f.Body) != "served" {
			t.Errorf("old client: %+v", f)
		}
		if f := w.frame(); f.Opaque != 5 || f.Code != int32(protocol.ResponseRequestCodeNotSupported) {
			t.Errorf("unknown code: %+v", f)
		}
		pending.Reply(0, "late", nil, nil)
		if f := w.frame(); f.Opaque != 1 || f.Remark != "late" {
			t.Errorf("pending request: %+v", f)
		}
		close(gate)
		if f := w.frame(); f.Opaque != 2 || f.Remark != "from the pool" {
			t.Errorf("request in the pool: %+v", f)
		}
		wg.Wait()
		if !w.closed() {
			t.Error("the connection is open")
		}
		if reason := <-closed; !errors.Is(reason, ErrShutdown) {
			t.Errorf("closed because %v", reason)
		}
		pool.Close()
	})
}

// TestStoppingClosesThePort first of all.
func TestStoppingClosesThePort(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	s.stop()
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("the port is open")
	}
}

// TestStoppingIsBounded: what is never answered does not keep the server.
func TestStoppingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(ServerOptions{DrainTimeout: time.Second}, table(t,
			Route{Code: 1, Handle: func(r *Request) error { r.Detach(); return nil }},
			Route{Code: 2, Handle: func(r *Request) error {
				r.Reply(0, "", nil, make([]byte, 1<<20)) // which the client does not read
				return nil
			}},
		))
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the test is over")
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() {
			if err := s.Run(ctx); !errors.Is(err, reason) {
				t.Errorf("Run: %v", err)
			}
		})
		for code := range protocol.RequestCode(3) {
			w := connect(t, s)
			w.send(encode(request(code, 1, ""))[:20+20*code])
		}
		w := connect(t, s)
		w.send(encode(request(1, 1, "")))
		w = connect(t, s)
		w.send(encode(request(2, 1, "")))
		synctest.Wait()
		cancel(reason)
		wg.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("stopping took %v", took)
		}
		w = connect(t, s)
		if !w.closed() {
			t.Error("a stopped server takes connections")
		}
	})
}

// TestGoAwayTime: while stopping, clients hear for as long as they should that
// they must go, even with nothing in flight.
func TestGoAwayTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(ServerOptions{DrainTimeout: time.Second, GoAwayTime: func() time.Duration { return 3 * time.Second }}, echoTable(t))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		w := connect(t, s)
		w.send(encode(request(codeEcho, 1, "")))
		w.frame()
		began := time.Now()
		cancel()
		time.Sleep(2 * time.Second)
		w.send(encode(request(codeEcho, 1, "")))
		if f := w.frame(); f.Code != int32(protocol.ResponseGoAway) {
			t.Errorf("answer %+v", f)
		}
		wg.Wait()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestServerRunsOnce(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	w := dial(t, s.addr)
	w.send(encode(request(codeEcho, 1, "")))
	w.frame()
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "once") {
		t.Errorf("second Run: %v", err)
	}
	if _, err := s.Listen("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("Listen while it runs: %v", err)
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	for session := range s.Sessions {
		session.Close(io.ErrNoProgress)
		session.Close(io.EOF) // does nothing
		<-session.Done()
	}
	if !w.closed() {
		t.Error("the session was not closed")
	}
}

// TestClosingFromHandlers: a session may be closed from wherever one holds it.
func TestClosingFromHandlers(t *testing.T) {
	reasons := make(chan error, 4)
	cause := errors.New("not welcome")
	var o ServerOptions
	o.OnOpen = func(s Session) {
		if s.Version() != 0 {
			t.Error("OnOpen came after a request")
		}
	}
	o.OnClose = func(s Session, reason error) { s.Close(io.EOF); reasons <- reason }
	pool := NewPool(PoolOptions{Workers: 1, Queue: 1})
	defer pool.Close()
	shut := func(r *Request) error { r.Session.Close(cause); return nil }
	s := startServer(t, o, table(t, Route{Code: 1, Handle: shut}, Route{Code: 2, Handle: shut, Worker: pool}))
	for code := range protocol.RequestCode(2) {
		w := dial(t, s.addr)
		w.send(encode(codec.Command{Code: int32(code + 1)}))
		if !w.closed() {
			t.Error("not closed")
		}
		if reason := event(t, reasons); !errors.Is(reason, cause) {
			t.Errorf("closed because %v", reason)
		}
	}
}
