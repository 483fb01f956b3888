package remoting

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gantrymq/gantry/codec"
)

// errOutboxFull is what put reports when the limit is reached.
var errOutboxFull = errors.New("too many bytes are waiting to be written")

const (
	// highWater is how many waiting bytes make the reader pause until they are
	// written.
	highWater = 256 << 10
	// flushAt is how many bytes the answers of one run of requests may gather
	// before they are written.
	flushAt = 64 << 10
	// copyBelow is the size up to which a body given by reference is copied all
	// the same: a vectored write costs more than the copy.
	copyBelow = 8 << 10
	// headRoom is what most heads fit in; append sees to the others.
	headRoom = 512
	// keepRefs is how many entries an idle batch keeps room for.
	keepRefs = 8
	// writeRounds is how often a flush writes what was appended meanwhile before
	// it leaves the rest to a writer goroutine.
	writeRounds = 4
)

// outbox gathers what is to be written to one connection and writes it in order.
type outbox struct {
	w      io.Writer
	vector bool            // w writes several slices in one system call
	raw    syscall.RawConn // writes without waiting; nil where that is not possible
	limit  int             // of bytes accepted and not written
	// spawn starts a goroutine that calls drain. It is called with mu held.
	spawn func()
	// waiting is size, for the reader to look at without mu.
	waiting atomic.Int64

	mu      sync.Mutex // guards all that follows
	shrunk  sync.Cond  // size fell, or err was set
	next    batch      // what is being gathered
	current batch      // what is being written; belongs to whoever set writing
	size    int
	writing bool
	// corked says that the reader goroutine will flush soon: what others append
	// rides along.
	corked bool
	err    error // no more bytes are taken
}

// batch is a piece of the output: the bytes of buf with foreign slices in between.
type batch struct {
	buf     *buffer
	refs    []ref
	vec     net.Buffers
	size    int // bytes of buf and refs
	written int // bytes of buf that are written already, where there are no refs
}

// ref is a body that is written by reference, after buf.b[:at].
type ref struct {
	at      int
	bufs    [][]byte
	release func()
}

func (o *outbox) start(w io.Writer, limit int, spawn func()) {
	_, o.vector = w.(*net.TCPConn)
	o.raw = nil
	if sc, ok := w.(syscall.Conn); ok && rawReads {
		o.raw, _ = sc.SyscallConn()
	}
	o.w, o.limit, o.spawn = w, limit, spawn
	o.shrunk.L = &o.mu
}

// urgency says who writes what put has appended.
type urgency uint8

const (
	// later: the caller is the reader goroutine, which flushes.
	later urgency = iota
	// soon: a writer goroutine. The caller never touches the socket.
	soon
	// now: the caller, as far as the socket takes it without waiting.
	now
)

// put appends a command. Its body is c.Body, or else bufs, which are kept until
// release is called; release is called exactly once, also when put fails.
func (o *outbox) put(c *codec.Command, bufs [][]byte, release func(), when urgency) error {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	byRef := n > copyBelow && o.vector

	o.mu.Lock()
	err := o.err
	if err == nil && o.size > o.limit {
		err = errOutboxFull
	}
	if err == nil {
		err = o.append(c, bufs, n, byRef, release)
	}
	if err != nil {
		o.mu.Unlock()
		callRelease(release)
		return err
	}
	o.corked = o.corked || when == later
	lead := !o.corked && !o.writing
	o.writing = o.writing || lead
	if lead && when == now {
		lead = o.writeSomeLocked()
	}
	if lead {
		o.spawn()
	}
	o.mu.Unlock()

	if !byRef {
		callRelease(release)
	}
	return nil
}

// encodeError reports a command whose header panicked while it was encoded.
type encodeError struct {
	value any
	stack []byte
}

func (e *encodeError) Error() string {
	return fmt.Sprintf("the command cannot be encoded: %v", e.value)
}

// append is put's part under mu. A panic of the caller's header must not leave the
// lock taken or half a frame behind: it is undone and returned.
func (o *outbox) append(c *codec.Command, bufs [][]byte, n int, byRef bool, release func()) (err error) {
	b := &o.next
	room := headRoom + len(c.Body)
	if !byRef {
		room += n
	}
	if b.buf == nil {
		b.buf = takeBuffer(room)
	} else {
		b.buf = b.buf.grown(room)
	}
	before := len(b.buf.b)
	defer func() {
		if v := recover(); v != nil {
			b.buf.b = b.buf.b[:before]
			err = &encodeError{value: v, stack: debug.Stack()}
		}
	}()
	if bufs == nil {
		b.buf.b = codec.AppendCommand(b.buf.b, c)
	} else {
		b.buf.b = codec.AppendCommandHead(b.buf.b, c, n)
	}
	added := len(b.buf.b) - before
	if byRef {
		b.refs = append(b.refs, ref{at: len(b.buf.b), bufs: bufs, release: release})
		added += n
	} else {
		for _, s := range bufs {
			b.buf.b = append(b.buf.b, s...)
			added += len(s)
		}
	}
	b.size += added
	o.resize(added)
	return nil
}

// resize changes size. The caller holds mu.
func (o *outbox) resize(by int) {
	o.size += by
	o.waiting.Store(int64(o.size))
}

// flush writes what has gathered. It is the reader's: it waits while another
// goroutine is behind with writing.
func (o *outbox) flush() error {
	o.mu.Lock()
	o.corked = false
	for o.writing && o.size > highWater && o.err == nil {
		o.shrunk.Wait()
	}
	if o.writing {
		err := o.err
		o.mu.Unlock()
		return err
	}
	for round := 0; o.next.size > 0 && o.err == nil; round++ {
		o.writing = true
		if round == writeRounds {
			o.spawn()
			o.mu.Unlock()
			return nil
		}
		o.writeLocked()
	}
	o.writing = false
	err := o.err
	o.mu.Unlock()
	return err
}

// drain writes until nothing is left. It is the body of the writer goroutine.
func (o *outbox) drain() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.current.size+o.next.size > 0 && o.err == nil {
		o.writeLocked()
	}
	o.current.clear()
	o.writing = false
	o.shrunk.Broadcast()
	return o.err
}

// writeLocked writes one batch. It is called with mu held by whoever set writing,
// and lets go of mu while it writes.
func (o *outbox) writeLocked() {
	if o.current.size == 0 {
		o.current, o.next = o.next, o.current
	}
	o.mu.Unlock()
	size := o.current.size
	err := o.current.writeTo(o.w)
	o.current.clear()
	o.mu.Lock()
	o.resize(-size)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.shrunk.Broadcast()
}

// writeSomeLocked writes one batch as far as the socket takes it without waiting
// and reports whether there is work left for a writer goroutine; if not, writing
// is over. It is called as writeLocked is.
func (o *outbox) writeSomeLocked() (left bool) {
	if o.raw == nil || len(o.next.refs) > 0 {
		return true
	}
	o.current, o.next = o.next, o.current
	o.mu.Unlock()
	size := o.current.size
	n, err := writeNow(o.raw, o.current.buf.b)
	o.current.written = n
	o.mu.Lock()
	if err != nil && o.err == nil {
		o.err = err
	}
	if n == size || o.err != nil {
		o.current.clear()
		o.resize(-size)
	}
	left = o.err == nil && o.current.size+o.next.size > 0
	o.writing = left
	o.shrunk.Broadcast()
	return left
}

// finish writes all there is, or gives up at the first error.
func (o *outbox) finish() {
	o.flush()
	o.mu.Lock()
	for o.size > 0 && o.err == nil {
		o.shrunk.Wait()
	}
	o.mu.Unlock()
}

// close refuses further commands with err and drops what nobody has begun to
// write. Whoever is writing is stopped by closing the connection.
func (o *outbox) close(err error) {
	o.mu.Lock()
	if o.err == nil {
		o.err = err
	}
	dropped := o.next
	o.next = batch{}
	o.resize(-dropped.size)
	o.shrunk.Broadcast()
	o.mu.Unlock()
	dropped.clear()
}

func (b *batch) writeTo(w io.Writer) error {
	if len(b.refs) == 0 {
		_, err := w.Write(b.buf.b[b.written:])
		return err
	}
	vec, at := b.vec[:0], 0
	for i := range b.refs {
		r := &b.refs[i]
		vec = append(append(vec, b.buf.b[at:r.at]), r.bufs...)
		at = r.at
	}
	if at < len(b.buf.b) {
		vec = append(vec, b.buf.b[at:])
	}
	b.vec = vec
	_, err := b.vec.WriteTo(w)
	clear(vec)
	b.vec = vec[:0]
	return err
}

// clear lets go of everything that the batch refers to.
func (b *batch) clear() {
	for i := range b.refs {
		callRelease(b.refs[i].release)
	}
	clear(b.refs)
	b.refs = b.refs[:0]
	if cap(b.refs) > keepRefs {
		b.refs, b.vec = nil, nil
	}
	if b.buf != nil {
		b.buf.free()
		b.buf = nil
	}
	b.size, b.written = 0, 0
}

func callRelease(release func()) {
	if release != nil {
		release()
	}
}
