package inspect

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Bounds of what is held in memory.
const (
	windowUnits = 512    // entries read at a time
	mostWindows = 4096   // queues that keep what was read; then all let go
	mostPending = 100000 // entries of one queue that wait for their record
)

// queueCheck is one consume queue as far as the walk through the log has come.
type queueCheck struct {
	*queue
	seen bool  // the log has messages of it
	next int64 // offset that its next message must have
	end  int64 // behind its last entry

	missing      int64 // messages without an entry
	firstMissing int64 // the offset of the first of them
	missingPhy   int64
	lastPhy      int64           // place of the newest message without an entry
	pending      map[int64]int64 // offset → place: entries that point at a record which is still to come

	at     int64 // offset of window
	window []unit
}

// prepareQueues finds the end of each queue, which also proves how long the log must be.
func (v *verification) prepareQueues(context.Context) error {
	d := v.d
	v.known = max(d.point.position, d.point.queuePhy, v.interrupted())
	v.Queues = len(d.queues) + len(d.batches)
	for _, f := range d.faults {
		if f.Kind == "queues" {
			v.noQueues = true
		}
	}
	if len(d.queues) == 0 && len(d.batches) == 0 && !v.noQueues {
		v.noQueues = true
		if _, hi := d.logRange(); v.known == 0 { // nothing proves where the log ends: all that is whole belongs to it
			v.known, v.assumed = hi, true
		}
		v.report(Note, "queue", path.Join(d.root, "consumequeue"), -1, "there are no consume queues: the next start makes them from the log")
	}
	if err := v.prepareBatches(); err != nil {
		return err
	}
	for _, q := range d.queues {
		c := &queueCheck{queue: q}
		var err error
		if c.end, err = d.end(q); err != nil {
			return err
		}
		v.queues[q.queueName] = c
		if c.end == q.begin() {
			continue
		}
		u, _, err := d.unit(q, c.end-1)
		if err != nil {
			return err
		}
		if _, hi := d.logRange(); !d.standsForNone(u) && u.phy+int64(u.size) <= hi {
			v.known = max(v.known, u.phy+int64(u.size))
		}
	}
	return nil
}

// read returns the entry of a queue at an offset; the zero entry where there is none.
func (v *verification) read(c *queueCheck, off int64) (unit, error) {
	if off < c.at || off >= c.at+int64(len(c.window)) {
		if c.window == nil {
			if v.windows++; v.windows > mostWindows {
				for _, other := range v.queues {
					other.window = nil
				}
				v.windows = 1
			}
		}
		list, err := v.d.units(c.queue, off, windowUnits)
		if err != nil {
			return unit{}, err
		}
		c.at, c.window = off, list
	}
	if i := off - c.at; i < int64(len(c.window)) {
		return c.window[i], nil
	}
	return unit{}, nil
}

// queueCheck is the check of a queue, which may have no files. The topic may be a view of a record.
func (v *verification) queueCheck(name queueName) *queueCheck {
	c := v.queues[name]
	if c == nil {
		name.topic = strings.Clone(name.topic)
		c = &queueCheck{queue: &queue{queueName: name, unit: unitSize}}
		v.queues[name] = c
	}
	return c
}

// checkUnit compares the entry at a queue offset with the message that has it.
func (v *verification) checkUnit(name queueName, off int64, m *codec.Message) error {
	c := v.queueCheck(name)
	v.follow(c, off, m)
	u, err := v.read(c, off)
	if err != nil {
		return err
	}
	switch {
	case !u.valid() || v.d.standsForNone(u):
		if c.missing++; c.missing == 1 {
			c.firstMissing, c.missingPhy = off, m.PhysicalOffset
		}
		c.lastPhy = m.PhysicalOffset
		return nil
	case u.phy > m.PhysicalOffset && len(c.pending) < mostPending: // a later message has taken its offset: the topic was made anew
		if c.pending == nil {
			c.pending = map[int64]int64{}
		}
		c.pending[off] = u.phy
		return nil
	}
	v.Units++
	delete(c.pending, off)
	switch tags, fixed := unitTags(m); {
	case u.phy != m.PhysicalOffset || u.size != m.StoreSize:
		v.report(v.late(m.PhysicalOffset), "queue", v.queueDir(name), off, "the entry points at %d, %d bytes, where its message lies at %d, %d bytes", u.phy, u.size, m.PhysicalOffset, m.StoreSize)
	case u.tags <= extAddress:
		return v.checkExt(c, off, u, m)
	case fixed && u.tags != tags:
		v.report(v.late(m.PhysicalOffset), "queue", v.queueDir(name), off, "the entry's tag hash is %d where the message at %d makes %d", u.tags, m.PhysicalOffset, tags)
	}
	return nil
}

// follow checks that queue offsets have no holes. An offset that goes back begins the queue anew: its topic was deleted and
// made again, and what came before belongs to the old one.
func (v *verification) follow(c *queueCheck, off int64, m *codec.Message) {
	switch {
	case c.seen && off < c.next:
		c.missing = 0
	case c.seen && off > c.next:
		u, err := v.read(c, c.next)
		known := err == nil && v.d.standsForNone(u)
		severity, text := Damage, "the log has no message with the offsets before this one, from %d on"
		if known {
			severity, text = Note, "the messages with the offsets before this one, from %d on, are known to be lost"
		}
		v.report(severity, "offsets", v.queueDir(c.queueName), off, text, c.next)
	}
	c.seen, c.next = true, off+1
}

// finishQueues reports what is missing, and entries that the log knows nothing of.
func (v *verification) finishQueues(context.Context) error {
	names := make([]queueName, 0, len(v.queues))
	for name := range v.queues {
		names = append(names, name)
	}
	slices.SortFunc(names, compareNames)
	topics := map[string]bool{}
	for _, q := range v.d.queues {
		topics[q.topic] = true
	}
	for _, name := range names {
		c := v.queues[name]
		v.reportMissing(c, topics[name.topic])
		for off, phy := range c.pending {
			if phy < v.logEnd {
				v.report(v.late(phy), "queue", v.queueDir(name), off, "the entry points at %d, where no message of this queue with this offset lies", phy)
			}
		}
		if err := v.checkBehind(c); err != nil {
			return err
		}
	}
	return v.finishBatches()
}

func (v *verification) reportMissing(c *queueCheck, topicThere bool) {
	if c.missing == 0 {
		return
	}
	where := v.queueDir(c.queueName)
	if !topicThere {
		v.report(Note, "topic", where, -1, "%d messages in the log have no consume queue: their topic was deleted, or its queues are made by the next start", c.missing)
		return
	}
	v.report(v.late(c.missingPhy), "queue", where, c.firstMissing, "%d messages have no entry, the first of them lies at %d", c.missing, c.missingPhy)
}

// checkBehind looks for entries behind the log's last message of a queue.
func (v *verification) checkBehind(c *queueCheck) error {
	off := c.next
	if !c.seen {
		off = c.end - 1
	}
	if len(c.files) == 0 || off < c.begin() {
		return nil
	}
	u, err := v.read(c, off)
	if err != nil {
		return err
	}
	logMin, _ := v.d.logRange()
	if !u.valid() || v.d.standsForNone(u) || u.phy < logMin {
		return nil
	}
	severity := Damage
	if v.d.unclean && u.phy >= v.recoverFrom {
		severity = Note
	}
	if u.phy >= v.logEnd {
		v.report(severity, "queue", v.queueDir(c.queueName), off, "the entry points at %d, behind the end of the log, %d", u.phy, v.logEnd)
	} else {
		v.report(severity, "queue", v.queueDir(c.queueName), off, "the entry points at %d, where no message of this queue lies", u.phy)
	}
	return nil
}

// unitTags is what a message's entry carries besides its place. fixed is false where that depends on settings.
func unitTags(m *codec.Message) (tags int64, fixed bool) {
	if m.Topic == protocol.TopicSchedule {
		return 0, false
	}
	text, ok := codec.Property(m.Properties, protocol.PropertyTags)
	if !ok {
		return 0, true
	}
	return tagHash(text), true
}
