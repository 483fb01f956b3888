package broker

import (
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/store"
)

// slowReadersTurn is how often groups are looked for that are far behind, from the
// start of the broker on (upstream's BrokerController.protectBroker).
const slowReadersTurn = 3 * time.Minute

// slowReaders keeps how many bytes of the log lay behind what each group has read
// last of each queue. Groups that have not read since it was switched on are not in it;
// upstream keeps that of all, and notes it with every read.
type slowReaders struct {
	mu     sync.Mutex           // guards behind
	behind map[readQueue]*int64 // by pointer: to assign a value to a key would keep the new key's strings
}

// readQueue is a queue as a group reads it, by the names that statistics have.
type readQueue struct {
	group, topic string
	queue        int32
}

// note keeps how far behind a read was. The key may be of views.
func (s *slowReaders) note(k readQueue, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.behind[k]; b != nil {
		*b = bytes
		return
	}
	if s.behind == nil {
		s.behind = map[readQueue]*int64{}
	}
	s.behind[readQueue{strings.Clone(k.group), strings.Clone(k.topic), k.queue}] = &bytes
}

// forget drops what some reads have shown.
func (s *slowReaders) forget(which func(readQueue) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.behind {
		if which(k) {
			delete(s.behind, k)
		}
	}
}

// beyond lists the groups that are further behind in some queue, and how far.
func (s *slowReaders) beyond(limit int64) map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := map[string]int64{}
	for k, b := range s.behind {
		if *b > limit {
			groups[k.group] = max(groups[k.group], *b)
		}
	}
	return groups
}

// watchesReaders reports whether disableConsumeIfConsumerReadSlowly has groups watched.
func (c *Config) watchesReaders() bool {
	return c.DisableConsumeIfConsumerReadSlowly && c.DiskFallRecorded
}

// noteRead notes how far behind a group is after a read. Reads of compacted topics say
// nothing about the log.
func (b *Broker) noteRead(group string, q *store.Query, r *store.GetResult) {
	if b.config.Load().EnableCompaction && isCompacted(b.topics.Get(q.Topic)) {
		return
	}
	k := readQueue{b.counted(group), b.counted(q.Topic), q.QueueID}
	switch r.Status {
	case store.OffsetOverflowOne:
		b.slow.note(k, 0)
	case store.Found, store.NoMatchedMessage, store.MessageWasRemoving:
		units, err := b.store.Units(q.Topic, q.QueueID, r.NextOffset-1, 1)
		if err != nil || len(units) == 0 {
			return // it has expired meanwhile; the next read tells
		}
		_, end := b.store.LogRange()
		b.slow.note(k, end-units[0].Physical)
	}
}

// stopSlowReaders forbids consuming to groups that are too far behind. Only an
// administrator allows it again.
func (b *Broker) stopSlowReaders() {
	cfg := b.config.Load()
	if !cfg.watchesReaders() {
		b.slow.forget(func(readQueue) bool { return true })
		return
	}
	for group, bytes := range b.slow.beyond(cfg.ConsumerFallbehindThreshold) {
		stopped, err := b.groups.DisableConsume(group)
		if err != nil {
			b.log.WithError(err).Error("consumer groups could not be written")
		}
		if stopped {
			b.log.Warnf("group %s reads %d bytes behind the end of the log, more than consumerFallbehindThreshold: it may not consume until an administrator allows it", group, bytes)
		}
	}
}
