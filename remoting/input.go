package remoting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/codec"
)

// minFrame is the shortest length that a length word may give: the word that
// holds the header's form and length.
const minFrame = 4

// How much is asked of a connection at once follows what it sends, within these
// bounds. Where reading holds a buffer while it waits, the lower one is
// smallestBuffer.
const (
	smallestRead = 16 << 10
	largestRead  = 256 << 10
)

// FrameSizeError reports a length word that no frame can have. Upstream closes
// the connection without an answer (NettyDecoder), and so does this package.
type FrameSizeError struct {
	Size int64 // bytes after the length word, as the word gives them
	Max  int64
}

func (e *FrameSizeError) Error() string {
	return fmt.Sprintf("broken stream: a frame of %d bytes was announced, %d to %d are possible", e.Size, minFrame, e.Max)
}

// input takes frames out of a connection. It is used by the reader goroutine
// alone.
type input struct {
	conn net.Conn
	// raw reads without holding a buffer while there is nothing to read. nil
	// where the connection is not a plain socket.
	raw syscall.RawConn
	max int // of a frame with its length word
	// beforeWait is called before the reader may block.
	beforeWait func() error

	buf     *buffer       // nil while nothing is buffered
	r, w    int           // unread bytes are buf.b[r:w]
	size    int           // how much to ask for
	floor   int           // the least that size falls to
	need    int           // unread bytes that next or peek waits for
	arrived time.Time     // when bytes were last read
	active  *atomic.Int64 // arrived, as nanoseconds after epoch, for others to see
	epoch   time.Time

	readFn func(fd uintptr) bool // in.tryRead, bound once
	n      int                   // outcome of tryRead
	err    error
}

// start makes the input ready to read from conn.
func (in *input) start(conn net.Conn, maxFrame int, beforeWait func() error, active *atomic.Int64, epoch time.Time) {
	*in = input{conn: conn, max: maxFrame, beforeWait: beforeWait, floor: smallestBuffer, active: active, epoch: epoch}
	if sc, ok := conn.(syscall.Conn); ok && rawReads {
		if raw, err := sc.SyscallConn(); err == nil {
			in.raw, in.readFn, in.floor = raw, in.tryRead, smallestRead
		}
	}
	in.size = in.floor
}

// next returns what follows the length word of the next frame. The bytes are the
// caller's, who may write to them, until next is called again. io.EOF means that
// the peer closed between two frames.
func (in *input) next() ([]byte, error) {
	for {
		need := codec.LengthSize
		if have := in.w - in.r; have >= codec.LengthSize {
			n := int64(int32(binary.BigEndian.Uint32(in.buf.b[in.r:in.w])))
			if limit := int64(in.max - codec.LengthSize); n < minFrame || n > limit {
				return nil, &FrameSizeError{Size: n, Max: limit}
			}
			need += int(n)
			if have >= need {
				frame := in.buf.b[in.r+codec.LengthSize : in.r+need : in.r+need]
				in.r += need
				return frame, nil
			}
		}
		if err := in.more(need); err != nil {
			return nil, err
		}
	}
}

// whole reports whether next returns without reading.
func (in *input) whole() bool {
	have := in.w - in.r
	return have >= codec.LengthSize && have-codec.LengthSize >= int(int32(binary.BigEndian.Uint32(in.buf.b[in.r:in.w])))
}

// peek returns at least n unread bytes without taking them. They are lent until
// the next call.
func (in *input) peek(n int) ([]byte, error) {
	for in.w-in.r < n {
		if err := in.more(n); err != nil {
			return nil, err
		}
	}
	return in.buf.b[in.r:in.w], nil
}

// skip takes n bytes that peek has returned.
func (in *input) skip(n int) { in.r += n }

// rest takes all unread bytes, as a copy.
func (in *input) rest() []byte {
	if in.buf == nil {
		return nil
	}
	b := append([]byte(nil), in.buf.b[in.r:in.w]...)
	in.r = in.w
	return b
}

// release gives the buffer back when it holds nothing.
func (in *input) release() {
	if in.buf != nil && in.r == in.w {
		in.buf.free()
		in.buf, in.r, in.w = nil, 0, 0
	}
}

// close gives the buffer back whatever it holds.
func (in *input) close() {
	in.r = in.w
	in.release()
}

// more reads once, towards need unread bytes in all.
func (in *input) more(need int) error {
	in.need = need
	in.n, in.err = 0, nil
	var err error
	if in.raw != nil {
		if err = in.raw.Read(in.readFn); errors.Is(err, os.ErrDeadlineExceeded) {
			in.readLeftovers()
		}
	} else if err = in.beforeWait(); err == nil {
		in.n, err = in.conn.Read(in.room())
	}
	if in.err != nil {
		err = in.err
	}
	if in.n == 0 {
		return in.ended(err)
	}
	in.arrived = time.Now()
	in.active.Store(int64(in.arrived.Sub(in.epoch)))
	in.adapt()
	in.w += in.n
	return nil
}

// readLeftovers reads once without waiting when the reader has been told to end:
// what the peer sent before is in the socket, and a one-way request among it
// (a consumer's last offsets) would be lost without a trace.
func (in *input) readLeftovers() {
	_ = in.raw.Control(func(fd uintptr) {
		in.n = in.readReady(fd)
	})
}

func (in *input) ended(err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if in.w > in.r {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// room returns where to read to, taking or growing the buffer if need be. Memory
// follows what has arrived, not what a length word promises: it at most doubles.
func (in *input) room() []byte {
	have := in.w - in.r
	want := min(max(in.need, in.size), max(2*have, in.size))
	if in.buf == nil || cap(in.buf.b) < want {
		grown := takeBuffer(want)
		if in.buf != nil {
			copy(grown.b[:have], in.buf.b[in.r:in.w])
			in.buf.free()
		}
		in.buf, in.r, in.w = grown, 0, have
	}
	b := in.buf.b[:cap(in.buf.b)]
	if in.r > 0 {
		copy(b, b[in.r:in.w])
		in.r, in.w = 0, have
	}
	in.buf.b = b
	return b[have:]
}

// adapt asks for more where a read filled the room, and for less where it hardly
// used it.
func (in *input) adapt() {
	switch free := len(in.buf.b) - in.w; {
	case in.n == free && free >= in.size/2:
		in.size = min(in.size*4, largestRead)
	case in.n < in.size/16:
		in.size = max(in.size/4, in.floor)
	}
}
