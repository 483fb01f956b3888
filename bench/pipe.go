package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// source makes the requests of one connection and takes their answers. The pipe
// calls its methods one at a time.
type source interface {
	// request appends a request with the given opaque for a slot that is free, due at
	// the time due. It
	// returns dst as it was when there is nothing left to ask for in this slot.
	request(dst []byte, slot int, opaque int32, due, now time.Time) []byte
	// answer takes the answer to the slot's request. The frame is lent.
	answer(slot int, f *codec.Frame, now time.Time) outcome
}

// outcome is what an answer meant.
type outcome struct {
	messages int64  // acknowledged or received
	failure  string // name of the failure, empty for none
	again    bool   // the slot goes on with another request, due when this one was
	silent   bool   // no sample: the request waited for messages on purpose
}

// opaques have ten digits, so that they can be patched into a JSON header in place.
const (
	firstOpaque = 1_000_000_000
	lastOpaque  = 2_000_000_000
)

// slot is one request that may be in flight.
type slot struct {
	opaque int32 // of the request in flight, 0 when there is none
	due    time.Time
}

// pipe drives one connection with a window of slots.
//
// In the closed loop the reading goroutine refills each slot as its answer arrives,
// with one write for all answers that one read brought. In the open loop a second
// goroutine sends by the schedule, as far as slots are free.
type pipe struct {
	conn  net.Conn
	src   source
	meter *shard
	pace  *pace        // nil in the closed loop
	stop  *atomic.Bool // set when no new request is to be made

	oneWay bool // requests are not answered and take no slot

	freed chan struct{} // tells the pacing goroutine of free slots, and of the stop

	mu       sync.Mutex // guards what follows, and src
	slots    []slot
	free     []int // indices of slots without a request
	next     int32
	inFlight int
	dry      bool   // the source has nothing more to ask for
	out      []byte // requests that were made and not written yet

	in     []byte
	lo, hi int // unread bytes of in
	frame  codec.Frame
}

const (
	readBuffer = 64 << 10
	maxFrame   = 64 << 20 // an answer beyond this is a broken stream, not a message
)

func newPipe(conn net.Conn, window int, src source, m *shard, pc *pace, stop *atomic.Bool) *pipe {
	p := &pipe{
		conn: conn, src: src, meter: m, pace: pc, stop: stop, freed: make(chan struct{}, 1),
		slots: make([]slot, window), in: make([]byte, readBuffer), next: firstOpaque,
	}
	for i := range window {
		p.free = append(p.free, window-1-i)
	}
	return p
}

// run drives the connection until the load was stopped and every request was
// answered, or the connection ends. Close the connection to end it earlier.
func (p *pipe) run() error {
	if p.pace == nil {
		p.refill(time.Now())
		if err := p.flush(); err != nil {
			return err
		}
		return p.read()
	}
	var pacing sync.WaitGroup
	pacing.Go(func() {
		if err := p.send(); err != nil {
			p.conn.Close() // the reader ends with it
		}
	})
	err := p.read()
	if err != nil {
		p.stop.Store(true) // a lost connection ends the load
	}
	p.wake()
	pacing.Wait()
	return err
}

// read takes answers until there is none to wait for.
func (p *pipe) read() error {
	for !p.finished() {
		n, err := p.conn.Read(p.room())
		p.hi += n
		if n > 0 {
			if err := p.take(time.Now()); err != nil {
				return err
			}
			if err := p.flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return p.ended(err)
		}
	}
	return nil
}

// ended says why reading ended. A deadline is how quit ends a stopped load.
func (p *pipe) ended(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // only quit and a dry source set one
		return nil
	case errors.Is(err, io.EOF):
		return errors.New("the server closed the connection")
	}
	return err
}

// quit is called after stop was set: the pipe ends at once when nothing is
// outstanding, and else with the last answer, at deadline at the latest.
func (p *pipe) quit(deadline time.Time) {
	p.mu.Lock()
	if p.inFlight == 0 {
		deadline = time.Now()
	}
	p.mu.Unlock()
	p.wake()
	_ = p.conn.SetReadDeadline(deadline) // fails only on a connection that has ended
}

// unanswered is how many requests are in flight.
func (p *pipe) unanswered() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.inFlight)
}

// finished reports whether no answer is outstanding and none will be asked for.
func (p *pipe) finished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight == 0 && (p.pace == nil || p.dry || p.stop.Load())
}

// room makes space behind the unread bytes, for a whole frame where its length is
// known.
func (p *pipe) room() []byte {
	if p.lo == p.hi {
		p.lo, p.hi = 0, 0
	}
	need := p.hi - p.lo + 4096
	if p.hi-p.lo >= codec.LengthSize {
		need = max(need, codec.LengthSize+int(binary.BigEndian.Uint32(p.in[p.lo:])))
	}
	switch {
	case need > len(p.in):
		grown := make([]byte, max(need, 2*len(p.in)))
		p.hi = copy(grown, p.in[p.lo:p.hi])
		p.in, p.lo = grown, 0
	case p.lo > 0 && len(p.in)-p.lo < need:
		p.hi = copy(p.in, p.in[p.lo:p.hi])
		p.lo = 0
	}
	return p.in[p.hi:]
}

// take handles every whole frame that was read, and refills the slots that they
// freed when the loop is closed.
func (p *pipe) take(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter.begin()
	defer p.meter.end()
	for p.hi-p.lo >= codec.LengthSize {
		n := int(binary.BigEndian.Uint32(p.in[p.lo:]))
		if n > maxFrame {
			return fmt.Errorf("the server announced a frame of %d bytes", n)
		}
		if p.hi-p.lo < codec.LengthSize+n {
			break
		}
		if err := p.frame.Decode(p.in[p.lo+codec.LengthSize : p.lo+codec.LengthSize+n]); err != nil {
			return err
		}
		p.lo += codec.LengthSize + n
		p.meter.received(codec.LengthSize + n)
		if p.frame.IsResponse() {
			p.settle(now)
		}
	}
	if p.pace == nil {
		p.refill(now)
	} else if len(p.free) > 0 {
		p.wake()
	}
	return nil
}

// settle gives the answer in p.frame to its request.
func (p *pipe) settle(now time.Time) {
	if p.oneWay { // a server that refuses a one-way request may say so
		p.meter.failed(protocol.ResponseCode(p.frame.Code).String(), 1)
		return
	}
	i := int(p.frame.Opaque-firstOpaque) % len(p.slots)
	if p.frame.Opaque < firstOpaque || p.slots[i].opaque != p.frame.Opaque {
		p.meter.failed("an answer that nothing asked for", 1)
		return
	}
	o := p.src.answer(i, &p.frame, now)
	if o.failure != "" {
		p.meter.failed(o.failure, 1)
	} else if !o.silent {
		p.meter.answered(now.Sub(p.slots[i].due), o.messages)
	} else {
		p.meter.counted(o.messages)
	}
	p.slots[i].opaque = 0
	p.inFlight--
	if o.again && !p.stop.Load() {
		p.ask(i, p.slots[i].due, now)
		return
	}
	p.free = append(p.free, i)
}

// refill puts a request into every free slot, until the load is stopped or the
// source has none.
func (p *pipe) refill(now time.Time) {
	kept := p.free[:0]
	for _, i := range p.free {
		if p.stop.Load() || !p.ask(i, now, now) {
			kept = append(kept, i)
		}
	}
	p.free = kept
}

// ask appends a request for slot i; false when the source has none.
func (p *pipe) ask(i int, due, now time.Time) bool {
	opaque := p.opaque(i)
	before := len(p.out)
	p.out = p.src.request(p.out, i, opaque, due, now)
	if len(p.out) == before {
		return false
	}
	if !p.oneWay {
		p.slots[i] = slot{opaque: opaque, due: due}
		p.inFlight++
	}
	return true
}

// opaque is a fresh id whose remainder is the slot.
func (p *pipe) opaque(i int) int32 {
	w := int32(len(p.slots))
	if p.next > lastOpaque-w {
		p.next = firstOpaque
	}
	base := p.next - (p.next-firstOpaque)%w
	p.next = base + w
	return base + int32(i)
}

// flush writes the requests that were made. Only one goroutine of a pipe makes
// requests: the reader in the closed loop, the pacing one in the open loop, where
// the reader may only repeat one and then both may come here.
func (p *pipe) flush() error {
	p.mu.Lock()
	out := p.out
	p.out = nil
	p.mu.Unlock()
	if len(out) == 0 {
		return nil
	}
	_, err := p.conn.Write(out)
	p.meter.sent(len(out))
	p.mu.Lock()
	if p.out == nil {
		p.out = out[:0]
	}
	p.mu.Unlock()
	return err
}

func (p *pipe) wake() {
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// send makes requests when they are due. When no slot is free, it waits for one;
// the time that passes meanwhile belongs to the latency of the requests that wait.
func (p *pipe) send() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !p.stop.Load() {
		full, dry := p.askDue(time.Now())
		if err := p.flush(); err != nil {
			return err
		}
		if dry {
			return nil
		}
		if full {
			<-p.freed
			continue
		}
		wait, exact := p.pace.rest()
		if exact {
			p.pace.sleep(wait)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-p.freed:
		}
	}
	return nil
}

// askDue makes the requests that are due, as far as slots are free. full says that
// the next one has to wait for a slot, dry that there will be no next one.
func (p *pipe) askDue(now time.Time) (full, dry bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) > 0 && !p.stop.Load() {
		due, ok := p.pace.next(now)
		if !ok {
			break
		}
		i := p.free[len(p.free)-1]
		if !p.ask(i, due, now) {
			p.dry = true
			if p.inFlight == 0 {
				_ = p.conn.SetReadDeadline(now) // no answer will wake the reader
			}
			return false, true
		}
		if !p.oneWay {
			p.free = p.free[:len(p.free)-1]
		}
	}
	return len(p.free) == 0, false
}
