package remoting

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// TestLentMemoryIsTakenBack: a handler that keeps what it was lent sees it gone
// with the next request, so that its own test fails.
func TestLentMemoryIsTakenBack(t *testing.T) {
	var kept, copied string
	s := startServer(t, ServerOptions{}, table(t, Route{Code: codeEcho, Handle: func(r *Request) error {
		if kept == "" {
			kept, _ = r.Ext.Get("key")
			copied = strings.Clone(kept)
		}
		r.Reply(0, fmt.Sprint(kept == copied), nil, nil)
		return nil
	}}))
	w := dial(t, s.addr)
	first := request(codeEcho, 1, "body")
	first.Ext = append(first.Ext, struct{ Key, Value string }{"key", "value"})
	w.send(encode(first))
	if f := w.frame(); f.Remark != "true" {
		t.Errorf("while it is lent it is the same: %s", f.Remark)
	}
	w.send(encode(request(codeEcho, 2, "")))
	if f := w.frame(); f.Remark != "false" {
		t.Errorf("after the handler has returned it is the same: %s", f.Remark)
	}
	if copied != "value" {
		t.Errorf("copied %q", copied)
	}
}

// TestMove: an inline handler that would have to wait passes the request on with
// a copy of its frame, and the reader goes on.
func TestMove(t *testing.T) {
	p := NewPool(PoolOptions{Workers: 1, Queue: 1})
	defer p.Close()
	gate := make(chan struct{})
	var outcomes = make(chan Outcome, 10)
	slow := func(r *Request) error {
		<-gate
		v, _ := r.Ext.Get("key")
		r.Reply(0, v, nil, r.Body)
		return nil
	}
	s := startServer(t, ServerOptions{OnOutcome: func(o Outcome) { outcomes <- o }}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { return r.Move(p, slow) }},
	))
	w := dial(t, s.addr)
	ask := func(opaque int32) {
		cmd := request(1, opaque, fmt.Sprint("body ", opaque))
		cmd.Ext = append(cmd.Ext, struct{ Key, Value string }{"key", fmt.Sprint("value ", opaque)})
		w.send(encode(cmd))
	}
	ask(1)
	ask(2)
	w.send(encode(request(codeEcho, 9, "quick")))
	if f := w.frame(); f.Opaque != 9 {
		t.Fatalf("the first answer is that to %d, want the quick request's", f.Opaque)
	}
	if n := s.InFlight(); n != 2 {
		t.Errorf("%d requests are in flight, want 2", n)
	}
	ask(4)
	if f := w.frame(); f.Opaque != 4 || f.Code != int32(protocol.ResponseSystemBusy) {
		t.Errorf("with a full pool the answer is %d %s to %d", f.Code, f.Remark, f.Opaque)
	}
	close(gate)
	for i := range int32(2) {
		if f := w.frame(); f.Opaque != i+1 || f.Remark != fmt.Sprint("value ", i+1) || string(f.Body) != fmt.Sprint("body ", i+1) {
			t.Errorf("answer to %d: %q %q", f.Opaque, f.Remark, f.Body)
		}
	}
	seen := map[protocol.RequestCode]int{}
	for range 4 {
		seen[event(t, outcomes).Request]++
	}
	if seen[1] != 3 || seen[codeEcho] != 1 || len(outcomes) != 0 {
		t.Errorf("outcomes %v and %d more, want one for each request", seen, len(outcomes))
	}
}
