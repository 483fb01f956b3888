package inspect

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// timerEntry is an entry of the timer log that waits for its message to come by in the log.
type timerEntry struct {
	physical int64
	pos      int64 // in the timer log
	due      int64 // its slot's time, ms
	size     int32
	topic    int32
	seen     bool
}

// timerCheckup compares the timer's files with each other and with the log.
type timerCheckup struct {
	entries []timerEntry    // by physical offset
	last    map[int64]int64 // slot's time in ms → its newest entry, for slots that have not been delivered
	end     int64           // of the timer log
	cut     bool            // it ends too early; its messages are not missed one by one
}

// prepareTimer reads the timer log and the wheel.
func (v *verification) prepareTimer(context.Context) error {
	d, t := v.d, &v.timer
	t.last = map[int64]int64{}
	check := d.timer.check
	var err error
	t.end, err = d.timerUnits(func(pos int64, u timerUnit) error {
		v.TimerUnits++
		if u.due >= check.readTime {
			if first := d.timer.log[0].base; u.prev >= pos || u.prev >= first && !t.leadsTo(u.prev, u.due) {
				v.report(v.lateTimer(pos), "timer log", d.timerLog(), pos, "the entry leads back to %d, where no earlier entry of its slot is", u.prev)
			}
			t.last[u.due] = pos
		}
		t.entries = append(t.entries, timerEntry{physical: u.physical, pos: pos, due: u.due, size: u.size, topic: u.topic})
		return nil
	})
	if err != nil {
		return err
	}
	v.checkTimerEnd()
	slices.SortFunc(t.entries, func(a, b timerEntry) int { return cmp.Compare(a.physical, b.physical) })
	if !d.timer.wheel {
		return nil
	}
	return v.checkWheel()
}

// leadsTo reports whether an entry of a slot begins at a position. The entries are still in the timer log's order.
func (t *timerCheckup) leadsTo(pos, due int64) bool {
	i, ok := slices.BinarySearchFunc(t.entries, pos, func(e timerEntry, pos int64) int { return cmp.Compare(e.pos, pos) })
	return ok && t.entries[i].due == due
}

// lateTimer is the severity of something wrong with an entry: what was not synced at a crash is looked at again.
func (v *verification) lateTimer(pos int64) Severity {
	if v.d.unclean && (!v.d.timer.check.there || pos >= v.d.timer.check.flushed) {
		return Note
	}
	return Damage
}

// checkTimerEnd compares the end of the timer log with what is known of it.
func (v *verification) checkTimerEnd() {
	d, t := v.d, &v.timer
	flushed := d.timer.check.flushed
	t.cut = t.end < flushed
	switch {
	case t.cut && len(d.timer.log) == 0:
		v.report(Note, "timer log", d.timerLog(), -1, "there is none: Gantry enters what waits again from %s when it starts", protocol.TopicWheelTimer)
	case t.cut:
		v.report(Damage, "timer log", d.timerLog(), t.end, "the timer log ends here, but it was synced up to %d", flushed)
	}
}

// checkWheel compares every slot that has not been delivered with the newest entry of its time in the timer log. After an
// unclean stop, and after a run of the other broker, Gantry makes the wheel anew.
func (v *verification) checkWheel() error {
	d, t := v.d, &v.timer
	severity := Damage
	if d.unclean || t.cut {
		severity = Note
	}
	var step int64 // ms between two slots, as the first entry says that is found
	dueAt := map[int64]int64{}
	for due, pos := range t.last {
		dueAt[pos] = due
	}
	found := map[int64]bool{}
	err := d.wheelSlots(func(s timerSlot) {
		if s.index != s.time%timerSlots {
			v.report(severity, "timer wheel", d.wheelPath(), s.index, "the slot holds the time %d, which belongs to slot %d", s.time, s.time%timerSlots)
			return
		}
		due, ok := dueAt[s.last]
		if ok && step == 0 {
			step = due / s.time
		}
		switch {
		case ok && due/max(step, 1) == s.time:
			found[due] = true
		case step > 0 && s.time*step >= d.timer.check.readTime && s.last >= 0 && (ok || s.last >= t.end):
			v.report(severity, "timer wheel", d.wheelPath(), s.index, "the slot leads to %d of the timer log, where no entry of its time is", s.last)
		}
	})
	if err != nil {
		return err
	}
	for _, due := range slices.Sorted(maps.Keys(t.last)) {
		if !found[due] {
			v.report(severity, "timer wheel", d.wheelPath(), -1, "no slot leads to the entry at %d of the timer log, which is due at %s", t.last[due], formatTime(due))
		}
	}
	return nil
}

// checkTimed compares a message of the timer topic with its entries in the timer log.
func (v *verification) checkTimed(m *codec.Message) {
	t, check := &v.timer, v.d.timer.check
	i, entered := slices.BinarySearchFunc(t.entries, m.PhysicalOffset, func(e timerEntry, phy int64) int { return cmp.Compare(e.physical, phy) })
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	for ; i < len(t.entries) && t.entries[i].physical == m.PhysicalOffset; i++ {
		e := &t.entries[i]
		e.seen = true
		if e.size != m.StoreSize || e.topic != compat.HashCode(topic) {
			v.report(v.lateTimer(e.pos), "timer log", v.d.timerLog(), e.pos, "the entry does not fit its message at %d: %d bytes and topic hash %d where %d and %d are right",
				m.PhysicalOffset, e.size, e.topic, m.StoreSize, compat.HashCode(topic))
		}
	}
	text, _ := codec.Property(m.Properties, protocol.PropertyTimerOutMs)
	out, err := strconv.ParseInt(text, 10, 64)
	if err != nil || entered || !check.there || m.QueueOffset >= check.queueOffset || out < check.readTime || t.cut {
		return
	}
	v.report(v.lateTimer(check.flushed-1), "timer log", v.d.timerLog(), -1, "the message at %d is due at %s and has no entry: it would never be delivered", m.PhysicalOffset, formatTime(out))
}

// finishTimer reports entries without a message, and looks at the timer's checkpoint.
func (v *verification) finishTimer(now time.Time) {
	d, t := v.d, &v.timer
	logMin, _ := d.logRange()
	check := d.timer.check
	for _, e := range t.entries {
		if e.due >= check.readTime && !e.seen && e.physical >= logMin {
			v.report(v.lateTimer(e.pos), "timer log", d.timerLog(), e.pos, "the entry names a message at %d, where none of the timer topic is", e.physical)
		}
	}
	name := d.timerCheckPath()
	if !check.there {
		return
	}
	if check.readTime > now.Add(24*time.Hour).UnixMilli() {
		v.report(Damage, "timer checkpoint", name, -1, "it says that everything up to %s has been delivered, which is in the future", formatTime(check.readTime))
	}
	if q := v.queues[queueName{protocol.TopicWheelTimer, 0}]; !v.noQueues && check.queueOffset > 0 {
		end := int64(0)
		if q != nil {
			end = max(q.end, q.next)
		}
		if check.queueOffset > end {
			v.report(Note, "timer checkpoint", name, -1, "it says that %d messages of %s were read, but the queue ends at %d: the next start goes on there", check.queueOffset, path.Join(protocol.TopicWheelTimer, "0"), end)
		}
	}
}
