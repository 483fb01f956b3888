package remoting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// openSession connects to a new server and returns its end.
func openSession(t *testing.T, o ServerOptions, tb *Table) (*testServer, wire, Session) {
	t.Helper()
	sessions := make(chan Session, 1)
	o.OnOpen = func(s Session) { sessions <- s }
	s := startServer(t, o, tb)
	w := dial(t, s.addr)
	w.send(encode(request(codeEcho, 1, "")))
	w.frame()
	return s, w, event(t, sessions)
}

func TestSessionTellsWhoIsThere(t *testing.T) {
	_, w, session := openSession(t, ServerOptions{}, echoTable(t))
	remote, local := netip.MustParseAddrPort(w.LocalAddr().String()), netip.MustParseAddrPort(w.RemoteAddr().String())
	if session.RemoteAddr() != remote || session.LocalAddr() != local {
		t.Errorf("%v → %v, want %v → %v", session.RemoteAddr(), session.LocalAddr(), remote, local)
	}
	if session.Language() != protocol.LanguageGo || session.Version() != protocol.V5_5_0 || session.Principal() != "" {
		t.Errorf("%v %v %q", session.Language(), session.Version(), session.Principal())
	}
	w.send(encode(codec.Command{Code: int32(codeEcho), Language: protocol.LanguageCPP, Version: protocol.V4_9_4}))
	w.frame()
	if session.Language() != protocol.LanguageCPP || session.Version() != protocol.V4_9_4 {
		t.Errorf("%v %v", session.Language(), session.Version())
	}
}

func TestProxyHeaderNamesTheClient(t *testing.T) {
	v6 := make([]byte, 36)
	v6[15], v6[31] = 1, 2
	v6[32], v6[33] = 0x12, 0x34
	cases := map[string]struct{ header, want string }{
		"v1":             {"PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n", "10.1.2.3:1111"},
		"v1 IPv6":        {"PROXY TCP6 2001:db8::1 ::1 1111 2222\r\n", "[2001:db8::1]:1111"},
		"v2":             {proxyV2Sig + "\x21\x11\x00\x0c\x0a\x01\x02\x03\x0a\x04\x05\x06\x04\x57\x08\xae", "10.1.2.3:1111"},
		"v2 IPv6":        {proxyV2Sig + "\x21\x21\x00\x24" + string(v6), "[::1]:4660"},
		"v2 with TLVs":   {proxyV2Sig + "\x21\x11\x00\x11\x0a\x01\x02\x03\x0a\x04\x05\x06\x04\x57\x08\xae\x01\x00\x02h2", "10.1.2.3:1111"},
		"v2 UNIX socket": {proxyV2Sig + "\x21\x31\x00\x02ab", ""},
	}
	for name, c := range cases {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", name, secure), func(t *testing.T) {
				sessions := make(chan Session, 1)
				s := startServer(t, ServerOptions{OnOpen: func(s Session) { sessions <- s }}, echoTable(t))
				w := dial(t, s.addr)
				for _, b := range []byte(c.header) { // in pieces
					w.send([]byte{b})
				}
				if secure {
					w = secured(t, w)
				}
				w.send(encode(request(codeEcho, 1, "hello")))
				if f := w.frame(); string(f.Body) != "hello" {
					t.Errorf("answer %+v", f)
				}
				want := c.want
				if want == "" {
					want = w.LocalAddr().String()
				}
				if got := event(t, sessions).RemoteAddr().String(); got != want {
					t.Errorf("remote address %s, want %s", got, want)
				}
			})
		}
	}
	t.Run("refused", func(t *testing.T) {
		s := startServer(t, ServerOptions{RefuseProxy: true}, echoTable(t))
		w := dial(t, s.addr)
		w.Write([]byte(cases["v1"].header))
		if !w.closed() {
			t.Error("not closed")
		}
	})
}

func TestPush(t *testing.T) {
	_, w, session := openSession(t, ServerOptions{}, echoTable(t))
	cmd := codec.Command{Code: int32(protocol.NotifyConsumerIDsChanged), Body: []byte("x")}
	for range 3 {
		if err := session.Push(&cmd); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[int32]bool{}
	for range 3 {
		f := w.frame()
		if f.Code != cmd.Code || f.Flag != protocol.FlagOneway || f.Version != protocol.CurrentVersion || string(f.Body) != "x" {
			t.Errorf("pushed %+v", f)
		}
		seen[f.Opaque] = true
	}
	if len(seen) != 3 || cmd.Opaque != 0 || cmd.Flag != 0 {
		t.Errorf("opaques %v; the caller's command is now %+v", seen, cmd)
	}
}

func TestServerCalls(t *testing.T) {
	_, w, session := openSession(t, ServerOptions{}, echoTable(t))
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			cmd := codec.Command{Code: int32(protocol.GetConsumerRunningInfo), Body: []byte{byte(i)}}
			f, err := session.Call(t.Context(), &cmd)
			if err != nil || f.Remark != "ok" || len(f.Body) != 1 || f.Body[0] != byte(i) {
				t.Errorf("call %d: %+v, %v", i, f, err)
			}
		})
	}
	var asked []*codec.Frame
	for range n {
		asked = append(asked, w.frame())
	}
	for i := range asked { // the other way round
		f := asked[n-1-i]
		w.send(encode(codec.Command{Opaque: f.Opaque, Flag: protocol.FlagResponse, Remark: "ok", Body: f.Body}))
	}
	wg.Wait()
}

func TestServerCallEnds(t *testing.T) {
	_, w, session := openSession(t, ServerOptions{}, echoTable(t))
	cmd := codec.Command{Code: int32(protocol.GetConsumerRunningInfo)}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := session.Call(ctx, &cmd); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled call: %v", err)
		}
	})
	late := w.frame()
	cancel()
	wg.Wait()
	w.send(encode(codec.Command{Opaque: late.Opaque, Flag: protocol.FlagResponse})) // nobody waits for it
	wg.Go(func() {
		if _, err := session.Call(t.Context(), &cmd); !errors.Is(err, io.EOF) {
			t.Errorf("call over a connection that the peer closed: %v", err)
		}
	})
	w.frame()
	w.Close()
	wg.Wait()
	<-session.Done()
	if _, err := session.Call(t.Context(), &cmd); !errors.Is(err, io.EOF) {
		t.Errorf("call after that: %v", err)
	}
}

func TestPending(t *testing.T) {
	pendings := make(chan *Pending, 1)
	outcomes := make(chan Outcome, 10)
	s, w, session := openSession(t, ServerOptions{OnOutcome: func(o Outcome) { outcomes <- o }}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { pendings <- r.Detach(); return nil }},
	))
	<-outcomes
	answers := map[string]func(*Pending){
		"reply": func(p *Pending) { p.Reply(7, "reply", nil, []byte("b")) },
		"ext": func(p *Pending) {
			p.ReplyExt(7, "ext", nil, codec.Fields{{Key: "k", Value: "v"}}, []byte("b"))
		},
		"buffers": func(p *Pending) { p.ReplyBuffers(7, "buffers", nil, [][]byte{{'b'}}, nil) },
		"fail":    func(p *Pending) { p.Fail(Errorf(7, "fail")) },
	}
	for name, answer := range answers {
		w.send(encode(request(1, 33, "")))
		p := event(t, pendings)
		if p.Session() != session || p.Received().IsZero() || s.InFlight() != 1 {
			t.Errorf("%v %v, %d in flight", p.Session(), p.Received(), s.InFlight())
		}
		answer(p)
		p.Reply(8, "too late", nil, nil)
		p.Drop()
		f := w.frame()
		if f.Code != 7 || f.Remark != name || f.Opaque != 33 || name != "fail" && string(f.Body) != "b" {
			t.Errorf("%s: %+v", name, f)
		}
		if o := event(t, outcomes); o.Request != 1 || o.Response != 7 || !o.Detached {
			t.Errorf("%s: outcome %+v", name, o)
		}
	}
	w.send(encode(request(1, 34, ""), request(codeEcho, 35, "")))
	event(t, pendings).Drop()
	if f := w.frame(); f.Opaque != 35 {
		t.Errorf("a dropped request was answered: %+v", f)
	}
	if n := s.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
	// After the end of the session an answer goes nowhere, and does no harm.
	w.send(encode(request(1, 36, "")))
	p := event(t, pendings)
	w.Close()
	<-session.Done()
	released := false
	p.ReplyBuffers(0, "", nil, [][]byte{{1}}, func() { released = true })
	if !released || s.InFlight() != 0 {
		t.Errorf("released %v, %d in flight", released, s.InFlight())
	}
}

// TestAtRest: what requests that come together ask for is done once, after the last of
// them, in the reader; also when the connection ends with them.
func TestAtRest(t *testing.T) {
	const codeLeave, codeElsewhere protocol.RequestCode = 1, 2
	rests, said := make(chan int, 10), make(chan bool, 10)
	served := 0 // by the reader alone, as all of this
	pool := NewPool(PoolOptions{})
	defer pool.Close()
	ask := func(r *Request) bool { return r.AtRest(func() { rests <- served }) }
	handle := func(r *Request) error {
		served++
		said <- ask(r)
		return echo(r)
	}
	_, w, _ := openSession(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: codeEchoLow, Handle: handle},
		Route{Code: codeLeave, Handle: func(r *Request) error { handle(r); r.Session.Close(errors.New("left")); return nil }},
		Route{Code: codeElsewhere, Worker: pool, Handle: func(r *Request) error { said <- ask(r); return echo(r) }},
	))
	together := []codec.Command{request(codeEchoLow, 1, ""), request(codeEchoLow, 2, ""), request(codeEchoLow, 3, "")}
	for round := range 2 {
		w.send(encode(together...))
		for range together {
			w.frame()
		}
		if n := event(t, rests); n != (round+1)*len(together) {
			t.Errorf("at rest after %d requests", n)
		}
		for i := range together {
			if event(t, said) != (i == 0) {
				t.Errorf("request %d was told the contrary", i)
			}
		}
	}
	w.send(encode(request(codeElsewhere, 4, "")))
	if w.frame(); event(t, said) {
		t.Error("a worker is told that it is a reader")
	}
	w.send(encode(request(codeLeave, 5, "")))
	if n := event(t, rests); n != 2*len(together)+1 {
		t.Errorf("at rest after %d requests", n)
	}
	if len(rests) > 0 {
		t.Error("more than was asked for")
	}
}

// TestWriteHere: the answer is written when Reply returns, by the one who answers.
func TestWriteHere(t *testing.T) {
	if !rawReads {
		t.Skip("writing without waiting is not possible here")
	}
	pendings := make(chan *Pending, 1)
	s := startServer(t, ServerOptions{}, table(t, Route{Code: 1, Handle: func(r *Request) error { pendings <- r.Detach(); return nil }}))
	nc, w := socketPair(t)
	counted := &countingConn{TCPConn: nc}
	s.admit(counted, s.table)
	for i := range int32(10) {
		w.send(encode(request(1, i, "")))
		p := event(t, pendings)
		p.WriteHere()
		p.Reply(7, "", nil, []byte("b"))
		if f := w.frame(); f.Opaque != i || f.Code != 7 {
			t.Fatalf("%+v", f)
		}
	}
	if n := counted.writes.Load(); n != 0 {
		t.Errorf("%d answers were written by another goroutine", n)
	}
}

// TestAnswersRace: a time-out and a wake-up may both answer; the client hears one.
func TestAnswersRace(t *testing.T) {
	pendings := make(chan *Pending)
	_, w, _ := openSession(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { pendings <- r.Detach(); return nil }},
	))
	for i := range 200 {
		w.send(encode(request(1, int32(i), "")))
		p := <-pendings
		var released atomic.Int32
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { p.ReplyBuffers(0, "", nil, nil, func() { released.Add(1) }) })
		}
		wg.Wait()
		if f := w.frame(); f.Opaque != int32(i) {
			t.Fatalf("answer to %d, want %d", f.Opaque, i)
		}
		if released.Load() != 3 {
			t.Fatalf("%d of 3 released", released.Load())
		}
	}
}

func TestInFlightLimit(t *testing.T) {
	pendings := make(chan *Pending, 3)
	_, w, _ := openSession(t, ServerOptions{Limits: Limits{MaxInFlight: 2}}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { pendings <- r.Detach(); return nil }},
	))
	w.send(encode(request(1, 1, ""), request(1, 2, ""), request(1, 3, "")))
	f := w.frame()
	if f.Opaque != 3 || f.Code != int32(protocol.ResponseSystemBusy) || f.Remark != "[OVERLOAD]system busy, start flow control for a while" {
		t.Errorf("third request: %+v", f)
	}
	event(t, pendings).Reply(0, "", nil, nil)
	w.frame()
	w.send(encode(request(1, 4, "")))
	event(t, pendings).Drop()
	event(t, pendings).Reply(0, "", nil, nil)
	if f := w.frame(); f.Code != 0 || f.Opaque != 4 {
		t.Errorf("fourth request: %+v", f)
	}
}

// TestIdleConnectionsAreClosed runs on a clock of its own: 120 s without a byte.
func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan error, 1)
		s := NewServer(ServerOptions{Idle: 120 * time.Second, OnClose: func(_ Session, reason error) { closed <- reason }}, echoTable(t))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		client := connect(t, s)
		began := time.Now()
		for range 5 { // busy for 500 s
			time.Sleep(100 * time.Second)
			client.send(encode(request(codeEcho, 1, "x")))
			client.frame()
		}
		if reason := <-closed; !errors.Is(reason, ErrIdle) {
			t.Errorf("closed because %v", reason)
		}
		if after := time.Since(began) - 500*time.Second; after < 120*time.Second || after > 122*time.Second {
			t.Errorf("closed %v after the last bytes, want 120 s", after)
		}
		if !client.closed() {
			t.Error("the client's end is open")
		}
		cancel()
		wg.Wait()
	})
}
