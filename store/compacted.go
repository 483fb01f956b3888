package store

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/compaction"
)

// CompactionFolder is where queues of compacted topics lie below the root.
const CompactionFolder = "compaction"

// Compaction is what the queues of compacted topics are told: of compaction.Options what the store does not know itself.
type Compaction struct {
	// Compacted tells whether a topic has cleanup.policy=COMPACTION. It is asked for reads and by the dispatcher, and must be quick.
	Compacted func(topic string) bool
	Topics    []string // those that there are at the start

	Options compaction.Options // Sizes, MapBytes, Workers and Interval
}

// compacted is the queues of compacted topics.
type compacted struct {
	files *compaction.Store
	is    func(topic string) bool
}

// OpenCompaction opens the queues of compacted topics and completes them from the log. With Options.Compaction it has to be called after
// Open and before Run: what Open has recovered counts as recovered from then on only.
func (s *Store) OpenCompaction(c Compaction) error {
	o := c.Options
	o.Root, o.FS, o.Now, o.Handles = path.Join(s.o.Root, CompactionFolder), s.o.FS, s.o.Now, s.o.OpenFiles
	o.Checkpoint = s.takeCheckpoint
	o.Original = func(topic string, id int32, off int64) (*compaction.Record, error) {
		q, err := s.queues.find(topic, id)
		if q == nil || err != nil {
			return nil, err
		}
		return s.keyedMessages(q)(off)
	}
	o.Event = func(text string, err error) {
		level := Info
		if err != nil {
			level = Fault
		}
		s.o.Event(Event{Level: level, Text: text, Err: err})
	}
	o.Trusted = s.recovered.own
	if s.recovered.unclean {
		o.Doubt = max(s.recovered.doubt, 1)
	}
	files, err := compaction.Open(o)
	if err != nil {
		return fmt.Errorf("open the queues of compacted topics: %w", err)
	}
	s.compacted = &compacted{files: files, is: c.Compacted}
	s.dispatch.forgetQueue() // recovery has dispatched without asking which topics are compacted
	for _, topic := range c.Topics {
		if err := s.completeCompacted(topic); err != nil {
			return fmt.Errorf("complete the queues of compacted topic %s: %w", topic, err)
		}
	}
	if settle := s.recovered.settle; settle != nil {
		s.recovered.settle = nil
		return settle()
	}
	return nil
}

// completeCompacted brings a topic's compacted queues to where its consume queues are.
func (s *Store) completeCompacted(topic string) error {
	ids, err := s.Queues(topic)
	if err != nil {
		return err
	}
	ids = append(ids, s.compacted.files.Queues(topic)...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		q, err := s.queues.find(topic, id)
		if err != nil {
			return err
		}
		var lo, hi int64
		if q != nil {
			if lo, hi, err = s.queues.bounds(q); err != nil {
				return err
			}
		}
		if hi == 0 {
			// Either it was never filled, and what is kept of it was lost in the log, or all of it has expired, and what is
			// kept is the only copy.
			if s.log.min() == 0 {
				if err := s.compacted.files.Cut(topic, id, 0); err != nil {
					return err
				}
			}
			continue
		}
		from := lo
		if s.recovered.unclean {
			derived, err := s.derivedFrom(q, lo, hi)
			if err != nil {
				return err
			}
			_, end, _ := s.compacted.files.Bounds(topic, id)
			from = max(lo, min(end, derived))
		}
		if err := s.compacted.files.Restore(topic, id, from, hi, s.recovered.unclean, s.keyedMessages(q)); err != nil {
			return err
		}
	}
	return nil
}

// derivedFrom is the first offset of a queue that the last start has derived from the log again.
func (s *Store) derivedFrom(q *queue, lo, hi int64) (int64, error) {
	var failed error
	n := sort.Search(int(hi-lo), func(i int) bool {
		u, ok, err := s.queues.unitAt(q, lo+int64(i))
		if err != nil {
			failed = err
		}
		return ok && u.phy >= s.recovered.from
	})
	return lo + int64(n), failed
}

// keyedMessages reads the messages of a queue that compaction keeps. A batch that stays whole is one, with its first offset.
func (s *Store) keyedMessages(q *queue) func(off int64) (*compaction.Record, error) {
	var buf []byte
	var m codec.Message
	return func(off int64) (*compaction.Record, error) {
		u, ok, err := s.queues.unitAt(q, off)
		if err != nil || !ok || u.filler() || q.topic.layout.batch && u.base != off {
			return nil, err
		}
		record, err := s.log.readRecord(u.phy, buf)
		if errors.Is(err, errGone) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		buf = record
		if _, err := codec.DecodeRecord(record, &m, false); err != nil {
			return nil, err
		}
		return compactedRecord(&m, record, s.tagsCode(&m)), nil
	}
}

// compactedRecord is a message as compaction keeps it, or nil for one without a key.
func compactedRecord(m *codec.Message, record []byte, tags int64) *compaction.Record {
	if keys, _ := codec.Property(m.Properties, protocol.PropertyKeys); !compaction.HasKey(keys) {
		return nil
	}
	return &compaction.Record{Bytes: record, QueueOffset: m.QueueOffset, TagsCode: tags, StoreTime: m.StoreTimestamp}
}

// dispatchCompacted feeds a record, decoded in d.message, to its compacted queue.
func (s *Store) dispatchCompacted(record []byte, tags int64) error {
	m := &s.dispatch.message
	if r := compactedRecord(m, record, tags); r != nil {
		return s.compacted.files.Append(m.Topic, m.QueueID, r)
	}
	return nil
}

// getCompacted is Get for compacted topics. Filters are not asked, as upstream does not ask them: consumers compare tags themselves.
func (s *Store) getCompacted(query *Query, r *GetResult) {
	limits := s.limits(query, queueUnit)
	var found compaction.Result
	err := s.compacted.files.Get(&compaction.Query{
		Topic: query.Topic, QueueID: query.QueueID, Offset: query.Offset, MaxCount: limits.count, MaxBytes: limits.bytes, NoWait: query.NoWait,
		InMemory: limits.inMemory, MemBytes: limits.t.MaxTransferBytesInMemory, MemCount: limits.t.MaxTransferCountInMemory,
		DiskBytes: limits.t.MaxTransferBytesOnDisk, DiskCount: limits.t.MaxTransferCountOnDisk,
		Buffer: func(n int) []byte {
			b := getBuffer(n)
			r.pooled = append(r.pooled, b)
			return *b
		},
	}, &found)
	r.NextOffset, r.MinOffset, r.MaxOffset, r.Err = found.NextOffset, found.MinOffset, found.MaxOffset, err
	if err != nil {
		r.Status, r.NextOffset = MessageWasRemoving, query.Offset
		return
	}
	switch found.Status {
	case compaction.Found:
		r.Status, r.Count, r.Messages, r.Bytes = Found, len(found.Offsets), len(found.Offsets), len(found.Data)
		r.Buffers = append(r.Buffers, found.Data)
		r.QueueOffsets = append(r.QueueOffsets, found.Offsets...)
	case compaction.NoQueue:
		r.Status = NoMatchedLogicQueue
	case compaction.NoMessage:
		r.Status = NoMessageInQueue
	case compaction.OverflowOne:
		r.Status = OffsetOverflowOne
	case compaction.OverflowBadly:
		r.Status = OffsetOverflowBadly
	case compaction.Cold:
		r.Status, r.Cold = NoMatchedMessage, true
	default:
		r.Status = NoMatchedMessage
	}
	r.SuggestSlave = found.Behind > limits.inMemory
}

// deleteCompacted removes the compacted queues of topics, if they have any.
func (s *Store) deleteCompacted(names []string) error {
	if s.compacted == nil {
		return nil
	}
	var errs []error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		errs = append(errs, s.compacted.files.Delete(name))
	}
	return errors.Join(errs...)
}
