package remoting

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

const overload = "[OVERLOAD]system busy, start flow control for a while"

// TestPoolServesOwnedFrames: a worker's frame outlives the reader's buffer.
func TestPoolServesOwnedFrames(t *testing.T) {
	p := NewPool(PoolOptions{Name: "test", Workers: 2, Queue: 1000})
	defer p.Close()
	gate := make(chan struct{})
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Worker: p, Handle: func(r *Request) error {
			<-gate
			v, _ := r.Ext.Get("key")
			r.Reply(0, r.Remark+v, nil, r.Body)
			return nil
		}},
	))
	w := dial(t, s.addr)
	const n = 100
	for i := range n {
		cmd := request(1, int32(i), fmt.Sprintf("body %d", i))
		cmd.Remark = fmt.Sprintf("remark \"%d\" ", i)
		cmd.Ext = append(cmd.Ext, struct{ Key, Value string }{"key", fmt.Sprintf("value %d", i)})
		w.send(encode(cmd))
	}
	for range n { // overwrite whatever the reader has in its buffer
		w.send(encode(request(codeEcho, -1, strings.Repeat("#", 1000))))
		w.frame()
	}
	close(gate)
	seen := map[int32]bool{}
	for range n {
		f := w.frame()
		i := f.Opaque
		if want := fmt.Sprintf("remark \"%d\" value %d", i, i); f.Remark != want || string(f.Body) != fmt.Sprintf("body %d", i) || seen[i] {
			t.Errorf("answer to %d: %q %q, want %q", i, f.Remark, f.Body, want)
		}
		seen[i] = true
	}
}

func TestFullPool(t *testing.T) {
	p := NewPool(PoolOptions{Workers: 1, Queue: 2})
	defer p.Close()
	gate, started := make(chan struct{}), make(chan struct{}, 10)
	s := startServer(t, ServerOptions{}, table(t, Route{Code: 1, Worker: p, Handle: func(r *Request) error {
		started <- struct{}{}
		<-gate
		r.Reply(0, "", nil, nil)
		return nil
	}}))
	w := dial(t, s.addr)
	w.send(encode(request(1, 0, "")))
	event(t, started)
	w.send(encode(request(1, 1, ""), request(1, 2, ""), request(1, 3, "")))
	if f := w.frame(); f.Opaque != 3 || f.Code != int32(protocol.ResponseSystemBusy) || f.Remark != overload {
		t.Errorf("fourth request: %+v", f)
	}
	if p.Len() != 2 || p.Cap() != 2 || p.HeadWait() <= 0 || s.InFlight() != 3 {
		t.Errorf("%d of %d wait, the oldest for %v; %d in flight", p.Len(), p.Cap(), p.HeadWait(), s.InFlight())
	}
	close(gate)
	for i := range int32(3) {
		if f := w.frame(); f.Opaque != i || f.Code != 0 {
			t.Errorf("answer %d: %+v", i, f)
		}
	}
	p.Close()
	w.send(encode(request(1, 4, "")))
	if f := w.frame(); f.Remark != overload {
		t.Errorf("a closed pool: %+v", f)
	}
	if p.Len() != 0 || p.HeadWait() != 0 || s.InFlight() != 0 {
		t.Errorf("%d wait, the oldest for %v, %d in flight", p.Len(), p.HeadWait(), s.InFlight())
	}
}

// TestOverdueRequestsFailFast: with its only worker stuck, a pool answers what has
// waited 200 ms, in upstream's words, and does not serve it afterwards.
func TestOverdueRequestsFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(PoolOptions{Workers: 1, Queue: 10, MaxWait: 200 * time.Millisecond})
		var served []int32
		s := NewServer(ServerOptions{}, table(t, Route{Code: 1, Worker: p, Handle: func(r *Request) error {
			served = append(served, r.Opaque)
			time.Sleep(time.Second)
			r.Reply(0, "", nil, nil)
			return nil
		}}))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		w := connect(t, s)
		began := time.Now()
		w.send(encode(request(1, 0, "")))
		synctest.Wait()
		w.send(encode(request(1, 1, "")))
		time.Sleep(50 * time.Millisecond)
		w.send(encode(request(1, 2, "")))
		synctest.Wait()

		const text = "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 200ms, size of queue: "
		for i, at := range []time.Duration{200 * time.Millisecond, 250 * time.Millisecond} {
			f := w.frame()
			want := text + fmt.Sprint(1-i)
			if f.Opaque != int32(i+1) || f.Code != int32(protocol.ResponseSystemBusy) || f.Remark != want || time.Since(began) != at {
				t.Errorf("after %v: %d %q, want %q", time.Since(began), f.Opaque, f.Remark, want)
			}
		}
		if f := w.frame(); f.Opaque != 0 || f.Code != 0 || time.Since(began) != time.Second {
			t.Errorf("after %v: %+v", time.Since(began), f)
		}
		p.SetMaxWait(0)
		w.send(encode(request(1, 3, "")))
		synctest.Wait()
		w.send(encode(request(1, 4, "")))
		for i := range int32(2) {
			if f := w.frame(); f.Opaque != i+3 || f.Code != 0 {
				t.Errorf("without a limit: %+v", f)
			}
		}
		cancel()
		wg.Wait()
		p.Close()
		if fmt.Sprint(served) != "[0 3 4]" {
			t.Errorf("served %v", served)
		}
	})
}

func TestRejectingRoute(t *testing.T) {
	s := startServer(t, ServerOptions{}, table(t, Route{Code: 1, Handle: echo, Reject: func() bool { return true }}))
	w := dial(t, s.addr)
	w.send(encode(request(1, 1, "")))
	const want = "[REJECTREQUEST]system busy, start flow control for a while"
	if f := w.frame(); f.Code != int32(protocol.ResponseSystemBusy) || f.Remark != want {
		t.Errorf("answer %+v", f)
	}
}

func TestRing(t *testing.T) {
	q := ring{limit: 100}
	in, out := int32(0), int32(0)
	for round := range 1000 {
		for range round % 23 {
			j := &job{}
			j.req.state = requestState(in % 200)
			if q.push(j) != (in-out < 100) {
				t.Fatalf("push with %d inside", in-out)
			} else if in-out < 100 {
				in++
			}
		}
		for range round % 19 {
			j := q.pop()
			if (j == nil) != (in == out) {
				t.Fatalf("pop with %d inside: %v", in-out, j)
			}
			if j != nil {
				if j.req.state != requestState(out%200) {
					t.Fatal("out of order")
				}
				out++
			}
		}
	}
}
