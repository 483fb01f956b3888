package inspect

import (
	"encoding/binary"
	"path"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// batchUnitSize is the size of an entry in a queue of batches (docs/format/batchconsumequeue.md).
const batchUnitSize = 46

func (q *queue) batch() bool { return q.unit == batchUnitSize }

func (q *queue) decode(b []byte) unit {
	u := decodeUnit(b)
	if q.batch() {
		be := binary.BigEndian
		u.time, u.base, u.count = int64(be.Uint64(b[20:])), int64(be.Uint64(b[28:])), int32(int16(be.Uint16(b[36:])))
	}
	return u
}

func (q *queue) valid(u unit) bool {
	return u.valid() && (!q.batch() || u.base >= 0 && u.count > 0)
}

// offsets turns the numbers of a queue's first entry and of the one behind its last into queue offsets.
func (d *Dir) offsets(q *queue, first, end int64) (lo, hi int64, err error) {
	if !q.batch() {
		return first, end, nil
	}
	u, ok, err := d.unit(q, end-1)
	if !ok || err != nil {
		return 0, 0, err
	}
	hi = u.base + int64(u.count)
	if u, ok, err = d.unit(q, first); !ok || err != nil {
		return hi, hi, err
	}
	return u.base, hi, nil
}

// batchCheck is one queue of batches as far as the walk through the log has come. Entries stand in the order of their records,
// so both are walked side by side.
type batchCheck struct {
	*queue
	at   int64 // number of the entry that is compared next
	end  int64 // number behind the last one
	last int64 // the queue offset behind the last entry's messages

	seen bool  // the log has messages of it
	next int64 // offset that its next message must have

	missing      int64 // records without an entry
	firstMissing int64 // the offset of the first of them
	missingPhy   int64

	windowAt int64
	window   []unit
}

// batchWindow is how many entries of a queue are read at a time.
const batchWindow = 64

// batchTopics names the topics with queues of batches, as the table of topics has them. known is false when it cannot be read.
func (d *Dir) batchTopics() (names map[string]bool, known bool) {
	names = map[string]bool{}
	file := path.Join(d.root, "config", "topics.json")
	for _, name := range []string{file, file + copySuffix} {
		var table protocol.TopicConfigSerializeWrapper
		text, err := d.readFile(name)
		if err != nil || compat.UnmarshalFastjson(text, &table) != nil {
			continue
		}
		for topic, c := range table.TopicConfigTable {
			if c != nil && c.Attributes["queue.type"] == "BatchCQ" {
				names[topic] = true
			}
		}
		return names, true
	}
	return names, false
}

// checkKinds looks whether queues are of the kind that their topics say: no broker starts where they are not.
func (v *verification) checkKinds() {
	names, known := v.d.batchTopics()
	v.batchTopics = names
	for _, q := range v.d.batches {
		if known && !names[q.topic] {
			v.report(Damage, "config", q.dir, -1, "is a queue of batches, but config/topics.json has no topic %s with queue.type=BatchCQ: no broker starts on it; if the topic was deleted, remove the directory", q.topic)
		}
		names[q.topic] = true
	}
	for _, q := range v.d.queues {
		if known && names[q.topic] {
			v.report(Damage, "config", q.dir, -1, "is an ordinary queue, but config/topics.json says queue.type=BatchCQ: no broker starts on it; if it is of a deleted topic of the same name, remove the directory")
		}
	}
}

// prepareBatches finds both ends of each queue of batches.
func (v *verification) prepareBatches() error {
	d := v.d
	v.checkKinds()
	for _, q := range d.batches {
		c := &batchCheck{queue: q}
		v.batches[q.queueName] = c
		var err error
		if c.end, err = d.end(q); err != nil {
			return err
		}
		if c.at, err = d.first(q, c.end); err != nil {
			return err
		}
		if _, c.last, err = d.offsets(q, c.at, c.end); err != nil {
			return err
		}
		u, ok, err := d.unit(q, c.end-1)
		if err != nil {
			return err
		}
		if _, hi := d.logRange(); ok && !d.standsForNone(u) && u.phy+int64(u.size) <= hi {
			v.known = max(v.known, u.phy+int64(u.size))
		}
	}
	return nil
}

// batchUnit is the entry that a queue is at; ok is false behind the last one.
func (v *verification) batchUnit(c *batchCheck) (u unit, ok bool, err error) {
	if c.at >= c.end {
		return unit{}, false, nil
	}
	if i := c.at - c.windowAt; i < 0 || i >= int64(len(c.window)) {
		if c.window, err = v.d.units(c.queue, c.at, batchWindow); err != nil || len(c.window) == 0 {
			return unit{}, false, err
		}
		c.windowAt = c.at
	}
	return c.window[c.at-c.windowAt], true, nil
}

// checkBatch compares a record with the entry of its queue of batches.
func (v *verification) checkBatch(name queueName, m *codec.Message) error {
	c := v.batches[name]
	if c == nil {
		name.topic = strings.Clone(name.topic) // it is a view of the record
		c = &batchCheck{queue: &queue{queueName: name, unit: batchUnitSize}}
		v.batches[name] = c
	}
	count, _ := store.InnerCount(m)
	if c.seen && m.QueueOffset < c.next { // the topic was deleted and made again
		c.missing = 0
	}
	lost := c.seen && m.QueueOffset > c.next
	c.seen = true
	for {
		u, ok, err := v.batchUnit(c)
		switch {
		case err != nil:
			return err
		case ok && v.d.standsForNone(u):
			if lost = lost && u.base > c.next; !lost {
				c.next = u.base + int64(u.count)
			}
			c.at++
			continue
		case ok && u.phy < m.PhysicalOffset:
			v.report(v.late(u.phy), "queue", v.batchDir(name), u.base, "the entry points at %d, where no message of this queue lies", u.phy)
			c.at++
			continue
		}
		if lost && m.QueueOffset > c.next {
			v.report(Damage, "offsets", v.batchDir(name), m.QueueOffset, "the log has no message with the offsets before this one, from %d on", c.next)
		}
		c.next = m.QueueOffset + int64(count)
		if !ok || u.phy > m.PhysicalOffset {
			if c.missing++; c.missing == 1 {
				c.firstMissing, c.missingPhy = m.QueueOffset, m.PhysicalOffset
			}
			return nil
		}
		v.Units++
		c.at++
		v.compareBatch(name, u, m, count)
		return nil
	}
}

// compareBatch compares the entry that points at a record with it.
func (v *verification) compareBatch(name queueName, u unit, m *codec.Message, count int) {
	tags, _ := unitTags(m)
	if u.size == m.StoreSize && u.base == m.QueueOffset && int(u.count) == count && u.time == m.StoreTimestamp && u.tags == tags {
		return
	}
	v.report(v.late(m.PhysicalOffset), "queue", v.batchDir(name), m.QueueOffset,
		"the entry of the message at %d says %d bytes, offset %d, %d messages, stored at %d, tag hash %d, where it has %d, %d, %d, %d, %d",
		u.phy, u.size, u.base, u.count, u.time, u.tags, m.StoreSize, m.QueueOffset, count, m.StoreTimestamp, tags)
}

// finishBatches reports records without an entry, and entries behind the last record.
func (v *verification) finishBatches() error {
	for name, c := range v.batches {
		if c.missing > 0 {
			v.report(v.late(c.missingPhy), "queue", v.batchDir(name), c.firstMissing, "%d messages have no entry, the first of them lies at %d", c.missing, c.missingPhy)
		}
		u, ok, err := v.batchUnit(c)
		for ; ok && err == nil && v.d.standsForNone(u); u, ok, err = v.batchUnit(c) {
			c.at++
		}
		if err != nil {
			return err
		}
		if ok {
			v.report(v.late(u.phy), "queue", v.batchDir(name), u.base, "the entry points at %d, where no message of this queue lies", u.phy)
		}
	}
	return nil
}

func (v *verification) batchDir(n queueName) string {
	return path.Join(v.d.root, store.BatchQueueDir, n.String())
}
