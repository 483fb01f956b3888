package wire

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve accepts one connection and hands it to f.
func serve(t *testing.T, f func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		f(c)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func write(t *testing.T, c net.Conn, f *Frame) {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Error(err)
	}
	if _, err := c.Write(b); err != nil {
		t.Error(err)
	}
}

func TestCallsArePairedByOpaque(t *testing.T) {
	address := serve(t, func(c net.Conn) {
		first, err1 := ReadFrame(c)
		second, err2 := ReadFrame(c)
		if err1 != nil || err2 != nil {
			t.Error(err1, err2)
			return
		}
		write(t, c, &Frame{Code: 40, Opaque: first.Opaque}) // a request with the same number
		for _, f := range []*Frame{second, first} {
			write(t, c, &Frame{Code: f.Code * 10, Opaque: f.Opaque, Flag: FlagResponse})
		}
	})
	conn, err := Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := make(chan int32, 2)
	go func() {
		r, err := conn.Call(t.Context(), &Frame{Code: 1, Opaque: 100})
		if err != nil {
			t.Error(err)
		}
		answers <- r.Code
	}()
	r, err := conn.Call(t.Context(), &Frame{Code: 2, Opaque: 200})
	if err != nil || r.Code != 20 {
		t.Errorf("the call with code 2 was answered %v, %v", r, err)
	}
	if got := <-answers; got != 10 {
		t.Errorf("the call with code 1 was answered %d", got)
	}
	if push, err := conn.Push(t.Context()); err != nil || push.Code != 40 {
		t.Errorf("the push came as %v, %v", push, err)
	}
}

func TestServerHangsUp(t *testing.T) {
	address := serve(t, func(c net.Conn) { _, _ = ReadFrame(c) })
	conn, err := Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Call(t.Context(), &Frame{Code: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("a call ended with %v", err)
	}
	if _, err := conn.Call(t.Context(), &Frame{Code: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("a call after that ended with %v", err)
	}
	if !conn.AwaitClose(time.Second) {
		t.Error("the connection does not count as closed")
	}
}

func TestServerIsSilent(t *testing.T) {
	end := make(chan struct{})
	address := serve(t, func(net.Conn) { <-end })
	defer close(end)
	conn, err := Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := conn.Call(ctx, &Frame{Code: 1}); !errors.Is(err, ErrSilent) {
		t.Errorf("a call ended with %v", err)
	}
	if _, err := conn.Push(ctx); !errors.Is(err, ErrSilent) {
		t.Errorf("waiting for a push ended with %v", err)
	}
	if conn.AwaitClose(time.Millisecond) {
		t.Error("the connection counts as closed")
	}
}
