package store

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// GroupEntry is one message of AppendGroup and what became of it.
type GroupEntry struct {
	Message *codec.Message
	Result  AppendResult
	Err     error

	queue *queue
	size  int
}

// AppendGroup stores several unrelated messages under one acquisition of the log's lock, in order, each as Append would.
// One that is refused does not affect the others; its entry says why. A batch that is to be stored whole is refused: it goes
// through Append.
func (s *Store) AppendGroup(group []GroupEntry) {
	if s.o.LightQueues { // the length of a record that goes to light queues is known only when it is placed
		for i := range group {
			group[i].Result, group[i].Err = s.Append(group[i].Message)
		}
		return
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	e.buf = e.buf[:0]
	for i := range group {
		s.encodeEntry(e, &group[i])
	}
	rest := e.buf
	for i := 0; i < len(group); {
		g := &group[i]
		if g.size == 0 {
			i++
			continue
		}
		placed, used, err := s.placeRun(group[i:], rest)
		i, rest = i+placed, rest[used:]
		if err == nil {
			continue
		}
		// The log had no room for the next one: appendEncoded knows how to make it.
		g = &group[i]
		g.Result, g.Err = s.appendEncoded(g.queue, rest[:g.size], 1, queueStep(g.Message.SysFlag))
		g.deliver()
		i, rest = i+1, rest[g.size:]
	}
	s.appended(s.nowMillis())
}

// encodeEntry judges and encodes one entry behind the others; size 0 means that it was refused.
func (s *Store) encodeEntry(e *encoder, g *GroupEntry) {
	g.size = 0
	if g.Err = s.writable(); g.Err != nil {
		g.Result = AppendResult{Status: ServiceNotAvailable}
		return
	}
	var status Status
	if status, g.Err = s.admit(g.Message); g.Err != nil {
		g.Result = AppendResult{Status: status}
		return
	}
	if !g.Message.StoreHost.IsValid() {
		g.Message.StoreHost = s.o.StoreHost
	}
	if g.queue, g.Err = s.queues.open(g.Message.Topic, g.Message.QueueID); g.Err != nil {
		g.Result = AppendResult{Status: UnknownError}
		return
	}
	if g.Message.SysFlag&protocol.SysFlagInnerBatch != 0 {
		g.Result, g.Err = AppendResult{Status: MessageIllegal}, errGroupedBatch
		return
	}
	before := len(e.buf)
	e.buf, g.Err = s.encode(e.buf, g.Message, s.lightless(g.Message))
	if g.Err != nil {
		g.Result = AppendResult{Status: encodeStatus(g.Err)}
		return
	}
	g.size = len(e.buf) - before
	if limit := s.tuning.Load().MaxMessageSize + encodeRoom; g.size > limit {
		g.Result, g.Err = AppendResult{Status: MessageIllegal}, fmt.Errorf("a record of %d bytes exceeds %d", g.size, limit)
		e.buf, g.size = e.buf[:before], 0
	}
}

// placeRun places entries from the first on until one does not go in.
func (s *Store) placeRun(group []GroupEntry, records []byte) (placed, used int, err error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for i := range group {
		g := &group[i]
		if g.size > 0 {
			g.Result, err = s.placeLocked(g.queue, records[used:used+g.size], 1, queueStep(g.Message.SysFlag))
			if err != nil {
				return i, used, errNotPlaced
			}
			g.deliver()
			used += g.size
		}
	}
	return len(group), used, nil
}

var errGroupedBatch = errors.New("a batch that is stored whole is not appended in a group")

var errNotPlaced = errors.New("the next record was not placed")

// deliver leaves the places that were assigned in the message.
func (g *GroupEntry) deliver() {
	if g.Err == nil {
		m, r := g.Message, g.Result
		m.QueueOffset, m.PhysicalOffset, m.StoreTimestamp = r.QueueOffset, r.PhysicalOffset, r.StoreTimestamp
	}
}
