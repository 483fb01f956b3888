package inspect

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// Report is the outcome of Verify.
type Report struct {
	Findings
	LogMin, LogEnd int64 // physical offsets: first byte of the first file, end of the last record
	Records        int64 // whole records in the log
	Units          int64 // consume queue entries that were compared with the log
	Ext            int64 // units of consumequeue_ext that were
	Entries        int64 // index entries that were compared with the log
	TimerUnits     int64 // entries of the timer log
	Queues         int   // consume queues
	Compacted      int64 // messages of compacted queues
}

// verification is a Verify under way.
type verification struct {
	Report
	d           *Dir
	known       int64 // the log is proved to be at least this long
	assumed     bool  // nothing proves anything, so known is the end of the files
	recoverFrom int64
	logEnd      int64
	queues      map[queueName]*queueCheck
	batches     map[queueName]*batchCheck
	batchTopics map[string]bool // have queues of batches
	noQueues    bool            // there is nothing to compare with
	windows     int
	index       *indexCursor
	timer       timerCheckup
	ext         extWindow
	spans       []span    // damaged parts of the log
	damage      []Finding // the first of each kind and place
}

// Verify reads every file and compares: each record with its checksum and its place, the log with the consume queues, entry by
// entry in both directions and with their units in consumequeue_ext, the log with the index, both with the checkpoint, the timer's files with each other and with the log,
// and consumer offsets with the queues; and it reads all of config. It wants a directory that no broker uses: while one does, the
// files are ahead of each other by design.
//
// What the next start will put right by itself, as far as the abort file and the checkpoint tell, is a note and no damage.
func (d *Dir) Verify(ctx context.Context, now time.Time) (*Report, error) {
	v := d.verification()
	if err := v.run(ctx, now); err != nil {
		return nil, err
	}
	return &v.Report, nil
}

func (d *Dir) verification() *verification {
	v := &verification{d: d, recoverFrom: d.recoverFrom(), queues: map[queueName]*queueCheck{}, batches: map[queueName]*batchCheck{}, batchTopics: map[string]bool{}}
	places := map[string]bool{}
	v.onDamage = func(f Finding) {
		if key := f.Kind + f.Where; !places[key] {
			places[key] = true
			v.damage = append(v.damage, f)
		}
	}
	return v
}

// run does the steps in order.
func (v *verification) run(ctx context.Context, now time.Time) error {
	for _, f := range v.d.faults {
		v.add(f)
	}
	for _, step := range []func(context.Context) error{v.prepareQueues, v.prepareIndex, v.prepareTimer, v.walkLog, v.finishQueues, v.finishIndex, v.checkCompacted} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("verify the store: %w", err)
		}
	}
	v.finishTimer(now)
	v.checkPoint(now)
	v.checkConfig()
	v.LogMin, _ = v.d.logRange()
	v.LogEnd = v.logEnd
	return nil
}

// interrupted is the log's known end as a repair saw it that was cut short, or 0.
func (v *verification) interrupted() int64 {
	name := path.Join(v.d.root, store.RepairMark)
	text, err := v.d.readFile(name)
	if err != nil {
		return 0
	}
	known, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0 // cut short before anything else was done
	}
	v.report(Damage, "repair", name, -1, "a repair was cut short: do it again")
	return known
}

// late is the severity of something missing behind what is known of a message: what the next start looks at again is no
// damage.
func (v *verification) late(phy int64) Severity {
	if v.d.unclean && phy >= v.recoverFrom {
		return Note
	}
	return Damage
}

// walkLog visits every record once; queues and index are compared on the way.
func (v *verification) walkLog(ctx context.Context) error {
	lo, _ := v.d.logRange()
	v.logEnd = lo
	return v.d.walk(ctx, "verify", lo, func(m *codec.Message) error {
		v.Records++
		v.logEnd = m.PhysicalOffset + int64(m.StoreSize)
		if err := v.checkMessage(m); err != nil {
			return err
		}
		if m.Topic == protocol.TopicWheelTimer {
			v.checkTimed(m)
		}
		return v.index.compare(v, m)
	}, func(s span) error {
		v.hole(s)
		return nil
	})
}

// hole judges a span without records.
func (v *verification) hole(s span) {
	where := v.d.root
	if i := v.d.segmentOf(s.from); i < len(v.d.segments) {
		where = v.d.segments[i].Path
	}
	switch {
	case s.cause == nil: // a missing file, which was reported
	case s.from < v.known && s.last && !v.assumed:
		v.spans = append(v.spans, s)
		v.report(v.late(s.from), "log", where, s.from, "the log ends here (%v), but consume queues or checkpoint know of messages up to %d", s.cause, v.known)
	case s.from < v.known && !s.last:
		v.spans = append(v.spans, s)
		v.report(Damage, "log", where, s.from, "%d bytes hold no whole record (%v); the next one begins at %d", s.to-s.from, s.cause, s.to)
	case s.last && s.blank:
	case s.last:
		v.report(Note, "log", where, s.from, "the log ends here; behind it are bytes of no whole record (%v), which the next record overwrites", s.cause)
	default:
		v.report(Note, "log", where, s.from, "the log ends here (%v) as far as anything proves; whole records from %d on were never acknowledged as synced, or are left over from before a truncation", s.cause, s.to)
	}
}

// checkMessage compares a record with its consume queue, and with the queues that it was dispatched to besides.
func (v *verification) checkMessage(m *codec.Message) error {
	if v.noQueues || !inQueue(m.SysFlag) {
		return nil
	}
	if err := v.checkOwn(queueName{m.Topic, m.QueueID}, m); err != nil {
		return err
	}
	for name, off := range codec.MultiDispatch(m.Topic, m.Properties) {
		if q := v.queues[queueName{name, 0}]; q == nil || q.files == nil {
			continue // dispatch to light queues can be switched off
		}
		if err := v.checkUnit(queueName{name, 0}, off, m); err != nil {
			return err
		}
	}
	return nil
}

// checkOwn compares a record with the queue that it was sent to.
func (v *verification) checkOwn(name queueName, m *codec.Message) error {
	switch {
	case v.batchTopics[m.Topic]:
		return v.checkBatch(name, m)
	case m.SysFlag&protocol.SysFlagInnerBatch != 0: // its topic was deleted: no ordinary queue has an entry for it
		count, _ := store.InnerCount(m)
		c := v.queueCheck(name)
		v.follow(c, m.QueueOffset, m)
		c.next = m.QueueOffset + int64(count)
		return nil
	}
	return v.checkUnit(name, m.QueueOffset, m)
}

func (v *verification) queueDir(n queueName) string {
	return path.Join(v.d.root, "consumequeue", n.topic, fmt.Sprint(n.id))
}
