package remoting

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gantrymq/gantry/protocol"
)

// countingConn counts write calls. Reads go to the socket itself.
type countingConn struct {
	*net.TCPConn
	writes atomic.Int32
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(b)
}

// socketPair makes the two ends of a TCP connection.
func socketPair(t testing.TB) (server *net.TCPConn, client wire) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client = dial(t, l.Addr().String())
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return nc.(*net.TCPConn), client
}

// TestPipelinedRequestsAreAnsweredByOneWrite: a hundred requests that lie in the
// socket cost one write.
func TestPipelinedRequestsAreAnsweredByOneWrite(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	nc, client := socketPair(t)
	const n = 100
	var all []byte
	for i := range n {
		all = append(all, encode(request(codeEchoLow, int32(i), "hello"))...)
	}
	client.send(all)
	counted := &countingConn{TCPConn: nc}
	s.admit(counted, s.table)
	for i := range n {
		if f := client.frame(); f.Opaque != int32(i) || string(f.Body) != "hello" {
			t.Fatalf("answer %d: opaque %d, body %q", i, f.Opaque, f.Body)
		}
	}
	if got := counted.writes.Load(); got != 1 {
		t.Errorf("%d writes for %d answers", got, n)
	}
}

// TestAnswersFromElsewhereShareAWrite: answers that other goroutines give while
// the writer is busy go out together.
func TestAnswersFromElsewhereShareAWrite(t *testing.T) {
	gate := make(chan struct{})
	w := &gatedWriter{gate: gate}
	var o outbox
	var wg sync.WaitGroup
	o.start(w, 1<<20, func() { wg.Go(func() { o.drain() }) })
	cmd := request(codeEcho, 1, "x")
	const n = 50
	for range n {
		if err := o.put(&cmd, nil, nil, soon); err != nil {
			t.Fatal(err)
		}
	}
	close(gate)
	wg.Wait()
	if w.writes > 2 {
		t.Errorf("%d writes for %d commands", w.writes, n)
	}
	if want := bytes.Repeat(encode(cmd), n); !bytes.Equal(w.all, want) {
		t.Errorf("%d bytes written, want %d", len(w.all), len(want))
	}
}

// gatedWriter holds writes until its gate is open.
type gatedWriter struct {
	gate   chan struct{}
	writes int
	all    []byte
	err    error
}

func (w *gatedWriter) Write(b []byte) (int, error) {
	<-w.gate
	if w.err != nil {
		return 0, w.err
	}
	w.writes++
	w.all = append(w.all, b...)
	return len(b), nil
}

// TestReleaseIsCalledOnce: whatever becomes of a body that was given by
// reference, its owner hears of it once.
func TestReleaseIsCalledOnce(t *testing.T) {
	big := [][]byte{make([]byte, copyBelow), make([]byte, 1)}
	small := [][]byte{{1, 2}, {3}}
	for _, bufs := range [][][]byte{big, small} {
		for _, vector := range []bool{true, false} {
			for _, fail := range []error{nil, io.ErrClosedPipe} {
				gate := make(chan struct{})
				w := &gatedWriter{gate: gate, err: fail}
				var o outbox
				var wg sync.WaitGroup
				o.start(w, 1, func() { wg.Go(func() { o.drain() }) })
				o.vector = vector
				cmd := request(codeEcho, 1, "")
				var released [4]atomic.Int32
				put := func(i int) error {
					return o.put(&cmd, bufs, func() { released[i].Add(1) }, soon)
				}
				put(0) // is being written
				for o.peekCurrent() == 0 {
					runtime.Gosched()
				}
				o.limit = 1 << 30
				put(1) // waits
				o.limit = 1
				if err := put(2); !errors.Is(err, errOutboxFull) {
					t.Errorf("error %v, want a full outbox", err)
				}
				if fail != nil {
					o.close(io.EOF)
					if err := put(3); !errors.Is(err, io.EOF) {
						t.Errorf("error %v after closing", err)
					}
				}
				close(gate)
				wg.Wait()
				for i := range 3 {
					if n := released[i].Load(); n != 1 {
						t.Errorf("%d bytes, vector %v, fail %v: body %d released %d times", len(bufs[0]), vector, fail, i, n)
					}
				}
			}
		}
	}
}

// peekCurrent is the size of the batch that is being written.
func (o *outbox) peekCurrent() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.writing || o.next.size > 0 {
		return 0
	}
	return o.size
}

// TestBodiesByReference sends bodies of many sizes between ordinary answers and
// looks at every byte.
func TestBodiesByReference(t *testing.T) {
	var released atomic.Int32
	sizes := []int{0, 1, copyBelow, copyBelow + 1, 100_000, 1 << 20}
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error {
			body := bytes.Repeat([]byte{byte(r.Opaque)}, sizes[r.Opaque])
			bufs := [][]byte{body[:len(body)/3], body[len(body)/3:]}
			r.ReplyBuffers(protocol.ResponseSuccess, "found", nil, bufs, func() { released.Add(1) })
			return nil
		}},
	))
	for _, secure := range []bool{false, true} {
		w := dial(t, s.addr)
		if secure {
			w = secured(t, w)
		}
		var all []byte
		for i := range sizes {
			all = append(all, encode(request(1, int32(i), ""), request(codeEcho, 100, "between"))...)
		}
		w.send(all)
		for i, size := range sizes {
			f := w.frame()
			if f.Opaque != int32(i) || f.Remark != "found" || !bytes.Equal(f.Body, bytes.Repeat([]byte{byte(i)}, size)) {
				t.Errorf("TLS %v, body of %d bytes: opaque %d, %d bytes", secure, size, f.Opaque, len(f.Body))
			}
			if f := w.frame(); string(f.Body) != "between" {
				t.Errorf("between: %q", f.Body)
			}
		}
	}
	s.stop()
	if got := int(released.Load()); got != 2*len(sizes) {
		t.Errorf("%d of %d bodies released", got, 2*len(sizes))
	}
}

// TestSlowReaderIsClosed: a client that takes nothing is closed when its share of
// memory is used up, and its bodies are released.
func TestSlowReaderIsClosed(t *testing.T) {
	closed := make(chan error, 1)
	sessions := make(chan Session, 1)
	o := ServerOptions{
		Limits:  Limits{MaxOutbound: 1 << 20},
		OnOpen:  func(s Session) { sessions <- s },
		OnClose: func(_ Session, reason error) { closed <- reason },
	}
	s := startServer(t, o, echoTable(t))
	w := dial(t, s.addr)
	w.send(encode(request(codeEcho, 1, "")))
	w.frame()
	session := event(t, sessions)
	push := request(1, 0, strings.Repeat("x", 64<<10))
	var err error
	for range 10_000 {
		if err = session.Push(&push); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrSlowReader) {
		t.Errorf("Push: %v", err)
	}
	if reason := event(t, closed); !errors.Is(reason, ErrSlowReader) {
		t.Errorf("closed because %v", reason)
	}
	if err := session.Push(&push); !errors.Is(err, ErrSlowReader) {
		t.Errorf("Push afterwards: %v", err)
	}
}

// TestReaderPausesForASlowPeer: a client that asks and does not read is not read
// from any more, so nothing grows; when it reads, it gets all answers.
func TestReaderPausesForASlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		body := make([]byte, 64<<10)
		s, stop := runServer(t, ServerOptions{}, table(t,
			Route{Code: 1, Handle: func(r *Request) error {
				served++
				r.Reply(protocol.ResponseSuccess, "", nil, body)
				return nil
			}},
			Route{Code: 2, Handle: func(r *Request) error {
				served++
				r.Detach().Reply(protocol.ResponseSuccess, "", nil, body)
				return nil
			}},
		))
		for code := range protocol.RequestCode(2) {
			w := connect(t, s)
			const n = 500
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := range n {
					w.send(encode(request(code+1, int32(i), "")))
				}
			})
			synctest.Wait()
			if most := 2 * highWater / len(body); served > most {
				t.Errorf("code %d: %d requests were served before a byte was read, want %d at most", code+1, served, most)
			}
			for i := range n {
				if f := w.frame(); f.Opaque != int32(i) {
					t.Fatalf("answer %d has opaque %d", i, f.Opaque)
				}
			}
			wg.Wait()
			served = 0
		}
		stop()
	})
}
