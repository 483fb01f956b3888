package store

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// appendWhole stores a batch that stays one record (upstream's inner batch). Its property INNER_BASE repeats the queue offset
// of its first message, so the end of the record is written when that is known, under the log's lock.
func (s *Store) appendWhole(m *codec.Message) (AppendResult, error) {
	q, err := s.queues.open(m.Topic, m.QueueID)
	if err != nil {
		return AppendResult{Status: UnknownError}, err
	}
	count, _ := InnerCount(m)
	one := *m
	one.Properties = s.lightless(m)
	if s.o.PropertyCRC {
		one.Properties = codec.DeleteProperty(one.Properties, protocol.PropertyCRC32)
	}
	one.Properties = codec.SetProperty(one.Properties, protocol.PropertyInnerBase, "0")
	one.Properties = one.Properties[:len(one.Properties)-2] // the number and its end follow under the lock
	e := encoders.Get().(*encoder)
	defer e.release()
	if e.buf, err = codec.AppendRecord(e.buf[:0], &one); err != nil {
		return AppendResult{Status: encodeStatus(err)}, err
	}
	const digits = 20
	e.buf = slices.Grow(e.buf, digits+crcRoom)
	for {
		res, err := s.placeWhole(q, e.buf, len(one.Properties), int64(count))
		if err == nil {
			s.appended(res.StoreTimestamp)
			res.Count = count
			m.QueueOffset, m.PhysicalOffset, m.StoreTimestamp = res.QueueOffset, res.PhysicalOffset, res.StoreTimestamp
			return res, nil
		}
		if again, res, err := s.placeFailed(err, cap(e.buf)); !again {
			return res, err
		}
	}
}

// admitWhole judges a message that is marked as a whole batch (upstream's DefaultMessageStore.asyncPutMessage). Upstream stores
// one whose number of messages makes no sense, too, and stumbles over it when it dispatches and recovers.
func (s *Store) admitWhole(m *codec.Message) (Status, error) {
	if !s.queues.layoutOf(m.Topic).batch {
		return MessageIllegal, fmt.Errorf("a batch is stored whole only in a topic with queue.type=BatchCQ, which %s is not", m.Topic)
	}
	if _, ok := InnerCount(m); !ok {
		return MessageIllegal, fmt.Errorf("a batch that is stored whole holds between 1 and %d messages", maxInnerCount)
	}
	return PutOK, nil
}

// placeWhole ends a record with the offset of its first message and puts it into the log.
func (s *Store) placeWhole(q *queue, head []byte, properties int, count int64) (AppendResult, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	record := head
	record = strconv.AppendInt(record, q.next, 10)
	record = append(record, codec.PropertyValueEnd)
	if s.o.PropertyCRC {
		record = append(record, make([]byte, crcRoom)...)
	}
	properties += len(record) - len(head)
	if limit := s.tuning.Load().MaxMessageSize + encodeRoom; properties > codec.MaxProperties || len(record) > limit {
		return AppendResult{}, fmt.Errorf("a record of %d bytes with properties of %d, of at most %d and %d: %w", len(record), properties, limit, codec.MaxProperties, errRecordSize)
	}
	codec.SetRecordLengths(record, properties)
	return s.placeLocked(q, record, 1, count)
}
