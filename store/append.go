package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// AppendResult is where a message went. The fields besides Status mean something with PutOK only.
type AppendResult struct {
	Status         Status
	PhysicalOffset int64 // of the record, or of a batch's first
	Size           int   // bytes of the record, or of all records of a batch
	QueueOffset    int64 // of the message, or of a batch's first
	Count          int   // messages: 1, or the size of a batch
	StoreTimestamp int64 // ms
}

// End is the physical offset behind the record: what Await waits for.
func (r AppendResult) End() int64 { return r.PhysicalOffset + int64(r.Size) }

// encodeRoom is what a record may have beyond the body limit (upstream's MessageExtEncoder).
const encodeRoom = 64 << 10

// maxPooledBuffer is the largest encoding buffer that is kept: one huge message must not pin memory.
const maxPooledBuffer = 256 << 10

// encoder is the scratch space of one append.
type encoder struct {
	buf   []byte
	sizes []int32 // of the records in buf, when there are several
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) release() {
	if cap(e.buf) <= maxPooledBuffer {
		encoders.Put(e)
	}
}

// Append stores one message and returns where. A message that is marked as a whole batch (protocol.SysFlagInnerBatch) takes as
// many queue offsets as it holds messages; its topic must have queues of batches. Topic, queue id, flags, times of birth, hosts, body and properties are m's;
// queue offset, physical offset and store time are assigned here and left in m as well. m may be used again when Append
// returns. The error explains every Status but PutOK; it is for people, the Status is for programs.
//
// The message is in the page cache and will be dispatched. Await tells when it is synced. Append allocates nothing in steady
// state and is safe for concurrent use.
func (s *Store) Append(m *codec.Message) (AppendResult, error) {
	if err := s.writable(); err != nil {
		return AppendResult{Status: ServiceNotAvailable}, err
	}
	if status, err := s.admit(m); err != nil {
		return AppendResult{Status: status}, err
	}
	if !m.StoreHost.IsValid() {
		m.StoreHost = s.o.StoreHost
	}
	if m.SysFlag&protocol.SysFlagInnerBatch != 0 && queueStep(m.SysFlag) > 0 { // a half of a transaction has no place in a queue
		return s.appendWhole(m)
	}
	var light []lightPlace
	if list := s.lightList(m); list != "" {
		var err error
		if light, err = s.lightPlaces(list); err != nil {
			return AppendResult{Status: lightStatus(err)}, err
		}
	}
	res, err := s.appendOne(m, light)
	if err == nil {
		m.QueueOffset, m.PhysicalOffset, m.StoreTimestamp = res.QueueOffset, res.PhysicalOffset, res.StoreTimestamp
	}
	return res, err
}

// appendOne stores a message that was admitted, in its queue and those light queues.
func (s *Store) appendOne(m *codec.Message, light []lightPlace) (AppendResult, error) {
	q, err := s.queues.open(m.Topic, m.QueueID)
	if err != nil {
		return AppendResult{Status: UnknownError}, err
	}
	if len(light) > 0 {
		return s.appendLight(q, m, light)
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	if e.buf, err = s.encode(e.buf[:0], m, s.lightless(m)); err != nil {
		return AppendResult{Status: encodeStatus(err)}, err
	}
	if limit := s.tuning.Load().MaxMessageSize + encodeRoom; len(e.buf) > limit {
		return AppendResult{Status: MessageIllegal}, fmt.Errorf("a record of %d bytes exceeds %d", len(e.buf), limit)
	}
	return s.appendEncoded(q, e.buf, 1, queueStep(m.SysFlag))
}

// AppendBatch stores the entries of a batch body as messages of their own, all or none, next to each other in the log, with
// consecutive queue offsets and one store time. What an entry does not say is taken from m: topic, queue id, system flag,
// hosts, time of birth, reconsume times. With wantPhysical the physical offset of each message is appended to phys, which
// message ids are made of.
func (s *Store) AppendBatch(m *codec.Message, entries codec.BatchBody, phys []int64) (AppendResult, []int64, error) {
	if err := s.writable(); err != nil {
		return AppendResult{Status: ServiceNotAvailable}, phys, err
	}
	limit := s.tuning.Load().MaxMessageSize
	if len(entries) == 0 || len(entries) > limit {
		return AppendResult{Status: MessageIllegal}, phys, fmt.Errorf("a batch of %d bytes is not between 1 and %d", len(entries), limit)
	}
	if err := admitTopic(m.Topic); err != nil {
		return AppendResult{Status: MessageIllegal}, phys, err
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	if err := e.encodeBatch(m, entries, s); err != nil {
		return AppendResult{Status: encodeStatus(err)}, phys, err
	}
	q, err := s.queues.open(m.Topic, m.QueueID)
	if err != nil {
		return AppendResult{Status: UnknownError}, phys, err
	}
	res, err := s.appendEncoded(q, e.buf, len(e.sizes), queueStep(m.SysFlag))
	if err == nil {
		at := res.PhysicalOffset
		for _, size := range e.sizes {
			phys = append(phys, at)
			at += int64(size)
		}
	}
	return res, phys, err
}

// encodeBatch encodes each entry as a record.
func (e *encoder) encodeBatch(m *codec.Message, entries codec.BatchBody, s *Store) error {
	one := *m
	one.PreparedTransactionOffset = 0
	if !one.StoreHost.IsValid() {
		one.StoreHost = s.o.StoreHost
	}
	e.buf, e.sizes = e.buf[:0], e.sizes[:0]
	var entry codec.BatchEntry
	var err error
	for len(entries) > 0 {
		if entries, err = entries.Next(&entry); err != nil {
			return err
		}
		one.Flag, one.Body, one.Properties = entry.Flag, entry.Body, entry.Properties
		if n, ok := InnerCount(&one); n != 1 || !ok {
			return errors.New("an entry of a batch is marked as a batch itself")
		}
		before := len(e.buf)
		if e.buf, err = s.encode(e.buf, &one, s.withoutLightOffsets(&one)); err != nil {
			return err
		}
		e.sizes = append(e.sizes, int32(len(e.buf)-before))
	}
	return nil
}

// queueStep is how far a message moves its queue's offset: what is prepared or rolled back does not appear in the queue.
func queueStep(sysFlag int32) int64 {
	switch sysFlag & protocol.SysFlagTransactionMask {
	case protocol.SysFlagTransactionPrepared, protocol.SysFlagTransactionRollback:
		return 0
	}
	return 1
}

// appendEncoded puts count records, encoded one after the other, into the log and the queue's numbering.
func (s *Store) appendEncoded(q *queue, records []byte, count int, step int64) (AppendResult, error) {
	for {
		s.log.mu.Lock()
		res, err := s.placeLocked(q, records, count, step)
		s.log.mu.Unlock()
		if err == nil {
			s.appended(res.StoreTimestamp)
			return res, nil
		}
		if again, res, err := s.placeFailed(err, len(records)); !again {
			return res, err
		}
	}
}

// placeFailed does what a failed attempt to place n bytes asks for. again says that the next attempt may succeed; otherwise
// it returns what the append is answered.
func (s *Store) placeFailed(err error, n int) (again bool, res AppendResult, _ error) {
	switch {
	case errors.Is(err, errNeedSegment), errors.Is(err, errNeedRoom):
		if err := s.log.makeRoom(int64(n), s.nowMillis()); err != nil {
			return false, AppendResult{Status: roomStatus(err)}, err
		}
		return true, AppendResult{}, nil
	case errors.Is(err, errClosed):
		return false, AppendResult{Status: ServiceNotAvailable}, err
	case errors.Is(err, errRecordSize):
		return false, AppendResult{Status: MessageIllegal}, fmt.Errorf("%d bytes: %w", n, err)
	}
	s.stop(fmt.Errorf("writing the commit log failed, writes have stopped: %w", err))
	return false, AppendResult{Status: UnknownError}, err
}

// placeLocked assigns offsets and time and copies. The log's mu is held.
func (s *Store) placeLocked(q *queue, records []byte, count int, step int64) (AppendResult, error) {
	l := s.log
	now := max(s.nowMillis(), l.lastTime) // the log's times do not go back when the clock does: look-ups by time are binary
	var first int64
	if step > 0 {
		first = q.next
	}
	stamp := stamper{queueOffset: first, step: step, time: now, crc: s.o.PropertyCRC}
	phy, err := l.place(records, &stamp)
	if err != nil {
		return AppendResult{}, err
	}
	q.next += step * int64(count)
	l.lastTime = now
	return AppendResult{
		Status: PutOK, PhysicalOffset: phy, Size: len(records), QueueOffset: first, Count: count, StoreTimestamp: now,
	}, nil
}

// stamper fills in what records learn from their place.
type stamper struct {
	queueOffset int64
	step        int64
	time        int64
	crc         bool // the records end with room for a checksum
}

func (st *stamper) stamp(records []byte, phy int64) {
	off := st.queueOffset
	for len(records) > 0 {
		size, _, _ := codec.RecordHead(records)
		codec.StampRecord(records[:size], off, phy, st.time)
		if st.crc {
			sealCRC(records[:size])
		}
		off += st.step
		phy += int64(size)
		records = records[size:]
	}
}

// admit judges a message as upstream's HookUtils.checkBeforePutMessage and MessageExtEncoder do.
func (s *Store) admit(m *codec.Message) (Status, error) {
	if err := admitTopic(m.Topic); err != nil {
		return MessageIllegal, err
	}
	if len(m.Body) == 0 {
		return MessageIllegal, errors.New("message has no body")
	}
	if limit := s.tuning.Load().MaxMessageSize; len(m.Body) > limit {
		return MessageIllegal, fmt.Errorf("a body of %d bytes exceeds maxMessageSize, %d", len(m.Body), limit)
	}
	if m.SysFlag&protocol.SysFlagInnerBatch != 0 {
		return s.admitWhole(m)
	}
	return PutOK, nil
}

// admitTopic judges the length of a topic: only retry topics may exceed 127 bytes.
func admitTopic(topic string) error {
	const retryMost = 255
	n := len(topic)
	if n == 0 || n > retryMost || n > codec.MaxTopicV1 && !isRetry(topic) {
		return fmt.Errorf("a topic of %d bytes is not between 1 and %d (%d for retry topics)", n, codec.MaxTopicV1, retryMost)
	}
	return nil
}

func isRetry(topic string) bool {
	return len(topic) >= len(protocol.PrefixRetry) && topic[:len(protocol.PrefixRetry)] == protocol.PrefixRetry
}

func encodeStatus(err error) Status {
	if errors.Is(err, codec.ErrPropertiesLength) {
		return PropertiesSizeExceeded
	}
	return MessageIllegal
}

func roomStatus(err error) Status {
	if errors.Is(err, errDiskFull) {
		return ServiceNotAvailable
	}
	return CreateMappedFileFailed
}
