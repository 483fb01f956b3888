package store

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// A message may go to light queues besides its own (upstream's LMQ): one record in the log, an entry in each queue. The
// record itself says where: INNER_MULTI_DISPATCH names the queues, INNER_MULTI_QUEUE_OFFSET the offset in each, so that the
// log stays the only truth. Offsets are known under the log's lock only, and the record's length depends on them.

var errLightQueues = errors.New("too many light queues")

func lightStatus(err error) Status {
	if errors.Is(err, errLightQueues) {
		return LightQueuesExceeded
	}
	return UnknownError
}

// lightList is the list of light queues that a message brings along, "" when it goes to none.
func (s *Store) lightList(m *codec.Message) string {
	if !s.o.LightQueues || queueStep(m.SysFlag) == 0 || !compat.AllowsLMQ(m.Topic) {
		return ""
	}
	list, _ := codec.Property(m.Properties, protocol.PropertyInnerMultiDispatch)
	return list
}

// lightPlace is one place of the list of queues that a message names.
type lightPlace struct {
	q     *queue // nil when the name can have no queue
	again bool   // the name stands there before: it is the same place
}

// lightPlaces takes a list apart. One with a name that is no light queue's counts as none: upstream's dispatcher stumbles over
// such a record and goes no further.
func (s *Store) lightPlaces(list string) ([]lightPlace, error) {
	places := make([]lightPlace, 0, 1+strings.Count(list, ","))
	seen := make(map[*queue]struct{}, cap(places))
	for name := range codec.DispatchNames(list) {
		switch {
		case codec.LightQueueName(name):
			if most := s.tuning.Load().MaxLightQueues; most >= 0 && s.LightQueues() >= most && s.queues.topic(name, false) == nil {
				return nil, fmt.Errorf("there are %d light queues, %s would be one more (maxLmqConsumeQueueNum): %w", s.LightQueues(), name, errLightQueues)
			}
			q, err := s.queues.open(name, 0)
			if err != nil {
				return nil, err
			}
			_, again := seen[q]
			seen[q] = struct{}{}
			places = append(places, lightPlace{q, again})
		case compat.IsLMQ(name) && strings.IndexByte(name, '/') >= 0:
			places = append(places, lightPlace{}) // upstream gives such a place an offset and passes over it afterwards
		default:
			return nil, nil
		}
	}
	return places, nil
}

// appendLight stores a message that goes to light queues as well.
func (s *Store) appendLight(q *queue, m *codec.Message, light []lightPlace) (AppendResult, error) {
	one := *m
	if s.o.PropertyCRC {
		one.Properties = codec.DeleteProperty(one.Properties, protocol.PropertyCRC32)
	}
	one.Properties = codec.SetProperty(one.Properties, protocol.PropertyInnerMultiQueueOffset, "")
	one.Properties = one.Properties[:len(one.Properties)-1] // the value and its end follow under the lock
	e := encoders.Get().(*encoder)
	defer e.release()
	var err error
	if e.buf, err = codec.AppendRecord(e.buf[:0], &one); err != nil {
		return AppendResult{Status: MessageIllegal}, err
	}
	const digits = 20
	more := len(light)*digits + 1 + crcRoom
	e.buf = slices.Grow(e.buf, more)
	for {
		res, err := s.placeLight(q, e.buf, len(one.Properties), light)
		if err == nil {
			s.appended(res.StoreTimestamp)
			return res, nil
		}
		if again, res, err := s.placeFailed(err, len(e.buf)+more); !again {
			return res, err
		}
	}
}

// placeLight ends a record with its offsets in the light queues and puts it into the log.
func (s *Store) placeLight(q *queue, head []byte, properties int, light []lightPlace) (AppendResult, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	record := head
	for i, at := range light {
		if i > 0 {
			record = append(record, ',')
		}
		var next int64
		if at.q != nil {
			next = at.q.next
		}
		record = strconv.AppendInt(record, next, 10)
	}
	record = append(record, codec.PropertyValueEnd)
	if s.o.PropertyCRC {
		record = append(record, make([]byte, crcRoom)...)
	}
	properties += len(record) - len(head)
	// Here upstream's limit is for the whole record, and both limits have one answer (CommitLog.handlePropertiesForLmqMsg).
	if limit := s.tuning.Load().MaxMessageSize; properties > codec.MaxProperties || len(record) > limit {
		return AppendResult{}, fmt.Errorf("a record of %d bytes with properties of %d, of at most %d and %d: %w", len(record), properties, limit, codec.MaxProperties, errRecordSize)
	}
	codec.SetRecordLengths(record, properties)
	res, err := s.placeLocked(q, record, 1, 1)
	if err != nil {
		return res, err
	}
	for _, at := range light {
		if at.q != nil && !at.again {
			at.q.next++
		}
	}
	return res, nil
}

// leastRecord is less than any record that goes to a light queue takes.
const leastRecord = 100

// dispatchLight feeds the light queues of a message, decoded in m, with the entry u of its own queue.
func (s *Store) dispatchLight(m *codec.Message, u unit, record []byte) error {
	for name, off := range codec.MultiDispatch(m.Topic, m.Properties) {
		q, err := s.queues.open(name, 0)
		if err != nil {
			return err
		}
		if end, phy := q.newest(); off > end && (off-end) > (m.PhysicalOffset-phy)/leastRecord {
			s.o.Event(Event{Level: Warning, Text: fmt.Sprintf("the message at %d claims the offset %d of the light queue %s, which ends at %d: more messages than the log has room for; it is left out of that queue", m.PhysicalOffset, off, name, end)})
			continue
		}
		if err := s.queues.add(q, off, u); err != nil {
			return err
		}
		s.dispatch.arrivals = append(s.dispatch.arrivals, Arrival{
			Topic: q.topic.name, QueueID: q.id, QueueOffset: off, TagsCode: u.tags,
			StoreTime: m.StoreTimestamp, Physical: m.PhysicalOffset, Record: record,
		})
	}
	return nil
}

// newest is a queue's max offset and the end of its newest record.
func (q *queue) newest() (end, phy int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.max, q.maxPhy
}

// isLightEntry reports whether a record belongs to a light queue at an offset.
func isLightEntry(m *codec.Message, topic string, id int32, off int64) bool {
	if id != 0 || !compat.IsLMQ(topic) {
		return false
	}
	for name, at := range codec.MultiDispatch(m.Topic, m.Properties) {
		if name == topic && at == off {
			return true
		}
	}
	return false
}

// otherQueues is the list of queues that a message brings along which goes to no light queue, "" when it names none.
func (s *Store) otherQueues(m *codec.Message) string {
	if !s.o.LightQueues || !compat.AllowsLMQ(m.Topic) { // a retry or a delayed message keeps what it was given the first time
		return ""
	}
	list, _ := codec.Property(m.Properties, protocol.PropertyInnerMultiDispatch)
	if strings.TrimSpace(list) == "" {
		return ""
	}
	return list
}

// withoutLightOffsets takes out of the properties of a message that goes to no light queue what only the store may write. Without
// names of queues the offsets mean nothing, and stay.
func (s *Store) withoutLightOffsets(m *codec.Message) string {
	if s.otherQueues(m) == "" {
		return m.Properties
	}
	return codec.DeleteProperty(m.Properties, protocol.PropertyInnerMultiQueueOffset)
}

// lightless is withoutLightOffsets for a message that is none of a batch. Where it names queues, none of which is a light one,
// upstream writes the commas that would stand between their offsets.
func (s *Store) lightless(m *codec.Message) string {
	list := s.otherQueues(m)
	if list == "" {
		return m.Properties
	}
	names, light := countNames(list)
	if light > 0 {
		return s.withoutLightOffsets(m)
	}
	return codec.SetProperty(m.Properties, protocol.PropertyInnerMultiQueueOffset, strings.Repeat(",", names-1))
}

// countNames counts the names in a list of queues, and those of light ones among them.
func countNames(list string) (names, light int) {
	for name := range codec.DispatchNames(list) {
		names++
		if compat.IsLMQ(name) {
			light++
		}
	}
	return names, light
}

// LightQueues counts the light queues that exist.
func (s *Store) LightQueues() int { return int(s.queues.light.Load()) }
