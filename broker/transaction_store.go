package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// halfStore is the message store as transactions see it.
type halfStore struct{ b *Broker }

// Bounds is the first offset of a topic's queue 0 and the one behind its last message.
func (s halfStore) Bounds(topic string) (first, end int64) { return s.b.queueBounds(topic, 0) }

// Next is the offset of the next message of that queue.
func (s halfStore) Next(topic string) int64 {
	next, err := s.b.store.NextOffset(topic, 0)
	if err != nil {
		s.b.log.WithError(err).Warnf("the end of topic %s is not known", topic)
	}
	return next
}

// ReadQueue reads the message at an offset of that queue.
func (s halfStore) ReadQueue(m *codec.Message, topic string, offset int64) error {
	units, err := s.b.store.Units(topic, 0, offset, 1)
	if err != nil {
		return err
	}
	first, _ := s.Bounds(topic)
	if len(units) == 0 || offset < first {
		return fmt.Errorf("offset %d of topic %s: %w", offset, topic, transaction.ErrGone)
	}
	err = s.b.readMessage(units[0].Physical, m)
	if lo, _ := s.b.store.LogRange(); err != nil && (units[0].Physical < lo || isNoRecord(err)) {
		return fmt.Errorf("%w: %w", transaction.ErrGone, err)
	}
	return err
}

// isNoRecord reports that what was read is no message.
func isNoRecord(err error) bool {
	for _, fault := range []error{codec.ErrRecordFiller, codec.ErrRecordTruncated, codec.ErrRecordMagic, codec.ErrRecordLength, codec.ErrRecordCRC} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// ReadAt reads the message at a place that a client names: what is not found there
// is not there.
func (s halfStore) ReadAt(m *codec.Message, physical int64) error {
	if err := s.b.readMessage(physical, m); err != nil {
		return fmt.Errorf("%w: %w", transaction.ErrGone, err)
	}
	return nil
}

// Append stores a message of the broker's own topics.
func (s halfStore) Append(m *codec.Message) error {
	result, err := s.b.store.Append(m)
	if result.Status != store.PutOK {
		return s.refused(result.Status, err)
	}
	s.b.countPut(m.Topic, 1, result.Size)
	return nil
}

// Deliver stores a committed message, or has it wait when it asks for a delay. Such
// a message is stored without the mark of a transaction, as upstream does.
func (s halfStore) Deliver(m *codec.Message) error {
	level, err := delay.LevelOf(m.Properties)
	if err != nil {
		return err
	}
	topic := m.Topic
	if level > 0 {
		s.b.levels.Defer(m, level)
	} else if err := s.b.divertTimed(m); err != nil {
		return err
	}
	if m.Topic != topic {
		m.Properties = codec.DeleteProperty(m.Properties, protocol.PropertyTransactionPrepared)
	}
	return s.Append(m)
}

// refused maps what the store says to what upstream's EndTransactionProcessor
// answers.
func (s halfStore) refused(status store.Status, why error) error {
	s.b.stats.Rates().PutFailed.Add(1, 0)
	switch status {
	case store.CreateMappedFileFailed:
		return refuse(protocol.ResponseSystemError, "Create mapped file failed.")
	case store.MessageIllegal, store.PropertiesSizeExceeded:
		return refuse(protocol.ResponseMessageIllegal, "The message is illegal, maybe msg body or properties length not matched. msg body length limit %dB, msg properties length limit 32KB.", s.b.config.Load().MaxMessageSize)
	case store.ServiceNotAvailable:
		return refuse(protocol.ResponseServiceNotAvailable, "Service not available now.")
	case store.InSyncReplicasNotEnough:
		return refuse(protocol.ResponseSystemError, "in-sync replicas not enough")
	}
	s.b.log.WithError(why).Error("a message of a transaction was not stored")
	return refuse(protocol.ResponseSystemError, "UNKNOWN_ERROR")
}

// halfSyncTimeout bounds the wait for a sync of the log.
const halfSyncTimeout = 10 * time.Second

// Sync waits until what was appended is on the disk.
func (s halfStore) Sync() error {
	_, end := s.b.store.LogRange()
	done := make(chan store.Status, 1)
	s.b.store.Await(end, store.Flushed, s.b.now().Add(halfSyncTimeout), func(status store.Status) { done <- status })
	if status := <-done; status != store.PutOK {
		return fmt.Errorf("the log is not synced up to %d: %s", end, status)
	}
	return nil
}
