package remoting

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
)

// script is a connection whose peer says given bytes in given pieces and takes
// everything.
type script struct {
	net.Conn // nil: what is not defined here is not used
	in       []byte
	piece    int
	read     int // bytes given out

	mu  sync.Mutex // guards what follows
	out bytes.Buffer
	end error // once closed or past its deadline
}

func (s *script) Read(b []byte) (int, error) {
	s.mu.Lock()
	end := s.end
	s.mu.Unlock()
	if end != nil {
		return 0, end
	}
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), s.piece)], s.in)
	s.in = s.in[n:]
	s.read += n
	s.piece = 1 + s.piece*7%97
	return n, nil
}

func (s *script) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

func (s *script) stop(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.end = err
	}
	return nil
}

func (s *script) Close() error                      { return s.stop(net.ErrClosed) }
func (s *script) SetDeadline(time.Time) error       { return nil }
func (s *script) SetWriteDeadline(time.Time) error  { return nil }
func (s *script) SetReadDeadline(t time.Time) error { return s.stop(os.ErrDeadlineExceeded) }
func (s *script) RemoteAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) LocalAddr() net.Addr               { return &net.TCPAddr{} }

// FuzzConnection gives a server bytes as they may come over a connection. It must
// neither panic nor hang nor take memory for what was only announced, and must
// write whole frames.
func FuzzConnection(f *testing.F) {
	f.Add(encode(request(codeEcho, 1, "hello"), request(9999, 2, ""), request(1, 3, ""), request(2, 4, "x")), byte(1))
	f.Add([]byte("PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n"+string(encode(request(codeEcho, 1, "")))), byte(7))
	f.Add([]byte(proxyV2Sig+"\x21\x11\x00\x0c\x0a\x01\x02\x03\x0a\x04\x05\x06\x04\x57\x08\xae"), byte(30))
	f.Add([]byte("\x16\x03\x01\x00\x05hello"), byte(2))
	f.Add([]byte("\x00\xff\xff\xf0\x00\x00\x00\x02{}"), byte(3))
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00"), byte(8))
	f.Add([]byte("\x00\x00\x00\x13\x00\x00\x00\x0f{\"flag\":1}     "), byte(4))

	pool := NewPool(PoolOptions{Workers: 1, Queue: 2})
	f.Cleanup(pool.Close)
	tb := table(f,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { r.Detach().Reply(0, "", nil, r.Body); return nil }},
		Route{Code: 2, Handle: echo, Worker: pool},
	)
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		ended := make(chan struct{})
		s := NewServer(ServerOptions{
			OnRefused: func(net.Addr, error) { close(ended) },
			OnClose: func(_ Session, reason error) {
				if reason == nil {
					t.Error("no reason")
				}
				close(ended)
			},
			OnPanic: func(p Panic) { t.Errorf("panic: %v\n%s", p.Value, p.Stack) },
		}, tb)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		nc := &script{in: in, piece: 1 + int(piece)}
		s.admit(nc, s.table)
		<-ended
		cancel()
		wg.Wait()
		for out := nc.out.Bytes(); len(out) > 0 && out[0] == 0; { // a TLS alert begins otherwise
			n := int(out[1])<<16 | int(out[2])<<8 | int(out[3])
			var f codec.Frame
			if err := f.Decode(bytes.Clone(out[4 : 4+n])); err != nil || !f.IsResponse() {
				t.Fatalf("answered %q: %+v, %v", out[:4+n], f, err)
			}
			out = out[4+n:]
		}
	})
}

// FuzzInput takes frames out of bytes in random pieces and puts them together
// again: nothing may be lost, and the buffer may not grow beyond what arrived.
func FuzzInput(f *testing.F) {
	f.Add(encode(request(codeEcho, 1, "hello"), request(codeEcho, 2, "")), byte(3))
	f.Add([]byte("\x00\x00\x00\x05abcde\x00\x00\x00\x04abcd\x00\xf0\x00\x00abc"), byte(0))
	f.Fuzz(func(t *testing.T, all []byte, piece byte) {
		nc := &script{in: bytes.Clone(all), piece: 1 + int(piece)}
		c := newConn(&host{limits: Limits{}.withDefaults()}, nc, nil, nil)
		var got []byte
		for {
			frame, err := c.in.next()
			if c.in.buf != nil {
				if held, most := cap(c.in.buf.b), max(smallestBuffer, 8*nc.read); held > most {
					t.Fatalf("%d bytes held after %d arrived", held, nc.read)
				}
			}
			if err != nil {
				tail := all[len(got):]
				if size, ok := errors.AsType[*FrameSizeError](err); ok {
					if size.Size >= minFrame && size.Size <= size.Max {
						t.Fatalf("refused %d", size.Size)
					}
				} else if (err == io.EOF) != (len(tail) == 0) {
					t.Fatalf("%v with %d bytes left", err, len(tail))
				}
				break
			}
			n := len(frame)
			got = append(got, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
			got = append(got, frame...)
			for i := range frame { // the frame is ours
				frame[i] = 0xFF
			}
		}
		if !bytes.HasPrefix(all, got) {
			t.Fatalf("read %q of %q", got, all)
		}
		c.Close(nil)
		c.in.close()
	})
}

// FuzzProxyHeaders: parsers say the same of whole headers and of headers in
// pieces, and never claim more bytes than there are.
func FuzzProxyHeaders(f *testing.F) {
	f.Add([]byte("PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\nabc"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(proxyV2Sig + "\x21\x11\x00\x0c\x0a\x01\x02\x03\x0a\x04\x05\x06\x04\x57\x08\xae"))
	f.Add([]byte(proxyV2Sig + "\x20\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (proxyHeader, bool, error){parseProxyV1, parseProxyV2} {
			whole, ok, err := parse(b)
			if ok && (err != nil || whole.size > len(b)) {
				t.Fatalf("%+v %v of %d bytes", whole, err, len(b))
			}
			for i := range b {
				part, done, partErr := parse(b[:i])
				if done && (!ok || part != whole) {
					t.Fatalf("%d of %d bytes: %+v, all: %+v %v %v", i, len(b), part, whole, ok, err)
				}
				if partErr != nil && ok {
					t.Fatalf("%d of %d bytes: %v, all: fine", i, len(b), partErr)
				}
			}
		}
	})
}

// TestManyFieldsAreNotKept: one request with absurdly many ext fields does not make
// its connection expensive for the rest of its life.
func TestManyFieldsAreNotKept(t *testing.T) {
	cmd := request(codeEcho, 1, "")
	cmd.Serialize = codec.SerializeRocketMQ
	cmd.Ext = make(codec.Fields, 100_000)
	cmd.Code = int32(codeEchoLow)
	var wg sync.WaitGroup
	c := newConn(&host{limits: Limits{}.withDefaults()}, &script{in: encode(cmd), piece: 97}, echoTable(t), &wg)
	if err := c.end(c.read(), time.Second); err != io.EOF {
		t.Errorf("ended with %v", err)
	}
	wg.Wait()
	if kept := cap(c.frame.Ext); kept > keepFields {
		t.Errorf("room for %d fields is kept", kept)
	}
	if out := c.stream.(*script).out.Len(); out == 0 {
		t.Error("the request was not answered")
	}
}
