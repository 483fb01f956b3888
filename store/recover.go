package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// recoveryPlan is what start-up decides before it touches anything.
type recoveryPlan struct {
	unclean bool  // the last user did not stop cleanly
	own     bool  // the checkpoint is Gantry's, and fits the files
	start   int64 // the log is walked from here, and dispatched again
	kept    bool  // the page cache has lived on since the checkpoint was written
	mended  bool  // a damaged part of the log is taken out
	whole   bool  // queues have lost something: all of the log is dispatched again
	cut     int64 // after an unclean stop, entries for records behind are not believed
	damage  []span
}

// span is a part of the log, from one physical offset to another.
type span struct{ from, to int64 }

// recoverWindow bounds how many files upstream looks back for a start (commitLogRecoverMaxNum).
const recoverWindow = 10

// recover loads the log and everything derived from it. See doc.go for what is promised.
func (s *Store) recover() error {
	unclean, err := s.uncleanStop()
	if err != nil {
		return fmt.Errorf("look for a running broker's mark: %w", err)
	}
	s.checkpointFile, s.checkpoint, err = openCheckpoint(s.o.FS, s.o.Root)
	if err != nil {
		return err
	}
	if s.checkpoint.forgetFuture(s.nowMillis()) {
		s.o.Event(Event{Level: Warning, Text: fmt.Sprintf("%s tells of times that are still to come: they are not believed, and more of the commit log is read", path.Join(s.o.Root, "checkpoint"))})
	}
	segs, err := s.log.list()
	if err != nil {
		return err
	}
	s.log.view.Store(&logView{segs: segs})
	s.queues.unclean = unclean
	if err := s.queues.list(); err != nil {
		return err
	}
	if err := s.checkFiles(); err != nil { // before anything is put right
		return err
	}
	if len(segs) == 0 {
		s.queues.begun.set(0, true)
		return s.startEmpty()
	}
	s.log.end.Store(segs[len(segs)-1].end())
	plan, err := s.plan(segs, unclean)
	if err != nil {
		return err
	}
	if err := s.log.checkBegins(segs, plan.start); err != nil {
		return err
	}
	if err := s.distrustCache(&plan, segs); err != nil {
		return err
	}
	end, lastTime, err := s.walk(&plan, s.log.end.Load())
	if err != nil {
		return err
	}
	// Up to here nothing was changed: what has to be refused was refused.
	if err := s.takeOutAll(plan.damage); err != nil {
		return err
	}
	if err := s.log.paths.make(); err != nil { // one may be new
		return err
	}
	if err := s.log.resume(end, lastTime, plan.unclean || !plan.own); err != nil {
		return err
	}
	err = s.rederive(plan, end)
	if errors.Is(err, errUnjoined) {
		err = s.rederiveWhole(plan, segs, err)
	}
	return err
}

// startEmpty begins a log. Queues without a log are not thrown away, as upstream does: more likely a disk is not mounted
// (intended difference 35).
func (s *Store) startEmpty() error {
	for t := range s.queues.topics() {
		return fmt.Errorf("%s has no commit log files, but there are consume queues (of topic %s): if its disk is missing, mount it; to begin anew, remove consumequeue, batchconsumequeue, index and checkpoint as well", &s.log.paths, t.name)
	}
	if err := s.log.dropEmpty(); err != nil {
		return err
	}
	if err := s.log.paths.make(); err != nil {
		return err
	}
	if err := s.log.begin(0); err != nil {
		return err
	}
	if _, err := s.index.load(func(indexHeader) bool { return true }); err != nil {
		return err
	}
	return s.index.dropDoomed()
}

// list finds the segments. A last file without a byte, which was just being made, is none; it goes when the start is certain.
func (l *commitLog) list() ([]*segment, error) {
	entries, err := l.paths.list()
	if err != nil {
		return nil, err
	}
	var segs []*segment
	for i, e := range entries {
		name := e.path
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("commit log file %s: %w", name, err)
		}
		base, ok := segmentBase(e.Name())
		if !ok {
			return nil, fmt.Errorf("%s is no commit log file: move it out of the store", name)
		}
		if info.Size() == 0 && i == len(entries)-1 {
			l.empty = name
			continue
		}
		if info.Size() != l.size {
			return nil, fmt.Errorf("commit log file %s has %d bytes where mappedFileSizeCommitLog says %d: set the size that the store was made with", name, info.Size(), l.size)
		}
		if n := len(segs); n > 0 && segs[n-1].end() != base {
			return nil, fmt.Errorf("the commit log lacks what lies between %s and %s: bring the missing files back, or move the older ones away", segs[n-1].path, name)
		}
		segs = append(segs, l.segmentAt(base, name))
	}
	return segs, nil
}

// checkBegins refuses a log in which a file that is not walked does not begin with a record: one of zeros, or of something else. Readers would be
// handed what stands there.
func (l *commitLog) checkBegins(segs []*segment, start int64) error {
	var head [codec.RecordHeadSize]byte
	for _, g := range segs {
		if g.base >= start {
			break
		}
		if err := l.readSegment(g, g.base, head[:]); err != nil {
			return fmt.Errorf("read the begin of commit log file %s: %w", g.path, err)
		}
		switch _, magic, _ := codec.RecordHead(head[:]); {
		case magic == codec.MagicFiller:
		case magic != codec.MagicV1 && magic != codec.MagicV2, codec.RecordPhysicalOffset(head[:]) != g.base:
			return fmt.Errorf("commit log file %s does not begin with a message: bring it back from a copy, or run `gantry store repair`, which keeps what is there in quarantine and takes it out", g.path)
		}
	}
	return nil
}

// dropEmpty removes the last file when it has no byte.
func (l *commitLog) dropEmpty() error {
	if l.empty == "" {
		return nil
	}
	if err := l.fs.Remove(l.empty); err != nil {
		return fmt.Errorf("remove an empty commit log file: %w", err)
	}
	l.empty = ""
	return nil
}

// plan chooses where to walk the log from.
func (s *Store) plan(segs []*segment, unclean bool) (recoveryPlan, error) {
	c := &s.checkpoint
	p := recoveryPlan{unclean: unclean, own: c.own, kept: c.bootID != "" && c.bootID == s.o.FS.BootID()}
	first, last := segs[0], segs[len(segs)-1]
	if s.o.Rebuild != nil {
		p.own, p.kept, p.start = false, false, first.base
		return p, nil
	}
	if s.queues.empty() {
		p.own, p.start = false, first.base // they were moved away: all of them are made from the log
		s.queues.begun.set(0, true)
		return p, nil
	}
	if c.own {
		if c.position > last.end() {
			return p, fmt.Errorf("the checkpoint says that the commit log is complete up to %d, but its files end at %d: bring the missing files back; to go on with what is there, remove %s",
				c.position, last.end(), path.Join(s.o.Root, "checkpoint"))
		}
		p.start = max(c.position, first.base)
		p.cut = p.start
	}
	if lacking := s.lacking(); lacking != "" {
		s.o.Event(Event{Level: Warning, Text: lacking + wholeLog})
		p.own, p.whole, p.start = false, true, first.base
		return p, nil
	}
	if c.own {
		s.queues.begun.set(s.queues.found.begun.sum, c.queues != 0)
		return p, nil
	}
	// Somebody else's checkpoint: start at the beginning of a file, as upstream does (v5.5-delta §9), and within its window.
	for i := len(segs) - 1; i >= 0; i-- {
		p.start = segs[i].base
		if len(segs)-i >= recoverWindow || s.startsHere(segs[i], unclean) {
			break
		}
	}
	if c.queuePhy > p.start && !unclean && s.log.holdsRecord(c.queuePhy) {
		p.start = c.queuePhy // a clean stop has synced the log and all queues: only the very end has to be found
	}
	return p, nil
}

// startsHere reports whether queues are known to be complete before a segment.
func (s *Store) startsHere(g *segment, unclean bool) bool {
	c := &s.checkpoint
	if !s.log.holdsRecord(g.base) {
		return false // made ahead and never written, or its beginning was lost
	}
	switch {
	case !unclean: // upstream stops cleanly only when everything is dispatched; its checkpoint may be far behind
		return true
	case c.queuePhy > 0:
		return g.base <= c.queuePhy
	}
	var head [codec.RecordHeadSize]byte
	if err := s.log.readSegment(g, g.base, head[:]); err != nil {
		return false
	}
	t := codec.RecordStoreTimestamp(head[:])
	return t != 0 && t <= c.minTime()
}

// holdsRecord reports whether a whole record begins at phy.
func (l *commitLog) holdsRecord(phy int64) bool {
	sc := l.scan(phy, l.end.Load())
	defer sc.close()
	var m codec.Message
	_, err := sc.next(&m, true)
	return err == nil && m.PhysicalOffset == phy
}

// progressEvery is how much of the log is walked between two reports.
const progressEvery = 1 << 30

// walk checks every record from the plan's start on, up to limit at most, and returns where the log ends, and its newest store time. It notes damage
// between records that had been synced: that is to be taken out, and nothing is where more is found that cannot be.
func (s *Store) walk(p *recoveryPlan, limit int64) (end, lastTime int64, err error) {
	sc := s.log.scan(p.start, limit)
	defer func() { sc.close() }()
	if p.unclean && s.o.Rebuild == nil {
		s.o.Event(Event{Level: Warning, Text: fmt.Sprintf("the store was not stopped cleanly: checking the commit log from %d on", p.start)})
	}
	lastTime = s.checkpoint.logTime
	report := p.start + progressEvery
	end = p.start
	var before int64 // store time of the newest record
	var m codec.Message
	for {
		record, err := sc.next(&m, true)
		if errors.Is(err, io.EOF) {
			return sc.pos, lastTime, nil
		}
		if err == nil && p.unclean && !p.kept && s.o.Rebuild == nil && unwritten(record, &m) {
			sc.pos = m.PhysicalOffset // not where the record before it ends: a filler may lie between them, and what is before it was synced
			err = fmt.Errorf("at %d: a part of the record was never written: %w", sc.pos, codec.ErrRecordCRC)
		}
		if err != nil {
			at := sc.pos
			next, ends, err := s.judgeDamage(p, at, limit, before, err)
			if err == nil && ends && s.o.Rebuild != nil {
				err = s.keepTail(at, limit)
			}
			if err != nil || ends {
				return at, lastTime, err
			}
			p.mended, p.damage = true, append(p.damage, span{at, next})
			sc.close()
			sc = s.log.scan(next, limit)
			end = next
			continue
		}
		end = sc.pos
		before = m.StoreTimestamp
		lastTime = max(lastTime, before)
		if end >= report {
			report = end + progressEvery
			s.o.Event(Event{Level: Info, Text: fmt.Sprintf("checked the commit log up to %d of at most %d", end, limit)})
		}
	}
}

// unwritten reports whether a power failure has left zeros in a record's topic or properties. The checksum covers the body
// and the lengths cover the head, but zeros behind the body pass both. The file held zeros before, so bytes that were not
// written are zeros: at the end of the record, where a pair's separator stands, or in a whole sector of the disk.
func unwritten(record []byte, m *codec.Message) bool {
	const sector = 512
	if n := len(m.Properties); n > 0 && m.Properties[n-1] == 0 {
		return true
	}
	tail := int64(len(record) - len(m.Properties) - 2 - len(m.Topic))
	for at := tail; at < int64(len(record)); {
		end := min(int64(len(record)), at+sector-(m.PhysicalOffset+at)%sector)
		lengthOnly := at >= tail+int64(len(m.Topic)) && end <= int64(len(record)-len(m.Properties)) // may be zero by right
		if !lengthOnly && len(bytes.Trim(record[at:end], "\x00")) == 0 {
			return true
		}
		at = end
	}
	return false
}

// begin makes the first segment of an empty log.
func (l *commitLog) begin(base int64) error {
	l.prepare.Lock()
	defer l.prepare.Unlock()
	g := l.newSegment(base)
	h, allocated, err := l.createSegment(g)
	if err != nil {
		return err
	}
	g.hot.Store(h)
	l.view.Store(&logView{segs: append(slices.Clone(l.view.Load().segs), g)})
	l.active, l.pos, l.allocated, l.wakeAt = h, base, allocated, base
	l.end.Store(base)
	return nil
}

// resume makes end the place of the next record. What lies behind is removed: whole segments that follow, and with clean also
// the rest of the last one, so that no later start takes leftovers for records.
func (l *commitLog) resume(end, lastTime int64, clean bool) error {
	if err := l.dropEmpty(); err != nil {
		return err
	}
	segs := l.view.Load().segs
	keep := slices.IndexFunc(segs, func(g *segment) bool { return g.end() > end })
	if keep < 0 {
		keep = len(segs) - 1
	}
	for _, g := range slices.Backward(segs[keep+1:]) { // if one cannot be removed, the log still has no hole
		l.cache.forget(pathKey(g.path))
		if err := l.fs.Remove(g.path); err != nil {
			return fmt.Errorf("remove a commit log file behind the end of the log: %w", err)
		}
	}
	if err := l.paths.sync(); err != nil { // whoever made the files may not have come to it
		return err
	}
	l.view.Store(&logView{segs: segs[:keep+1]})
	l.lastTime = lastTime
	g := segs[keep]
	if end == g.end() {
		return l.begin(end)
	}
	h, err := openHot(l.fs, g)
	if err != nil {
		return err
	}
	g.hot.Store(h)
	l.active, l.pos, l.allocated, l.wakeAt = h, end, end, end
	l.end.Store(end)
	if clean {
		err := h.file.Zero(end-g.base, g.end()-end)
		if err == nil {
			err = syncNow(h.file) // or another power failure brings back a record that was dropped, at the place of a new one
		}
		if err != nil {
			return fmt.Errorf("clear the commit log behind its end: %w", err)
		}
	}
	l.prepare.Lock()
	defer l.prepare.Unlock()
	return l.allocate(1)
}

// rederive completes consume queues and index from the log, and syncs everything. errUnjoined means that queues have lost more.
func (s *Store) rederive(p recoveryPlan, end int64) error {
	c := &s.checkpoint
	s.queues.trust = queueTrust{limit: end, verify: p.unclean || !p.own}
	switch {
	case s.o.Rebuild != nil:
	case p.mended:
		s.queues.trust.limit = p.start
	case p.unclean:
		s.queues.trust.limit = max(p.start, p.cut)
	}
	s.flusher.flushed.Store(p.start)
	s.flusher.time.Store(c.logTime)
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.loadIndex(p); err != nil {
		return err
	}
	if p.whole {
		if err := s.noteWhole(p.start); err != nil {
			return err
		}
	}
	for _, dir := range s.queues.found.holes { // the log may have no message of it
		id, _ := strconv.ParseInt(path.Base(dir), 10, 32)
		if _, err := s.queues.find(path.Base(path.Dir(dir)), int32(id)); err != nil {
			return err
		}
	}
	s.dispatch.last.Store(c.queuePhy)
	s.dispatch.time.Store(c.queueTime)
	s.queues.strict = s.o.Rebuild == nil && !p.mended && p.start > s.log.min()
	return s.complete(p, end)
}

// complete dispatches the log from the plan's start to its end.
func (s *Store) complete(p recoveryPlan, end int64) error {
	d := &s.dispatch
	defer func() { s.queues.strict = false }()
	d.pos.Store(p.start)
	began := s.o.Now()
	report := p.start + progressEvery
	for more := true; more; {
		var err error
		if more, err = s.dispatchBatch(end); err != nil {
			return fmt.Errorf("complete the consume queues: %w", err)
		}
		if at := d.pos.Load(); at >= report {
			report = at + progressEvery
			s.o.Event(Event{Level: Info, Text: fmt.Sprintf("completed the consume queues up to %d of %d", at, end)})
		}
	}
	s.alignQueues()
	s.checkpointed.Store(p.start)
	c := &s.checkpoint
	s.recovered = recovered{from: p.start, unclean: p.unclean || p.mended, own: p.own, doubt: c.minTime()}
	if p.own {
		s.recovered.doubt = c.queueTime
	}
	if s.o.Compaction && s.recovered.unclean {
		s.recovered.settle = func() error { return s.settle(p, end, began) }
		return nil
	}
	return s.settle(p, end, began)
}

// rederiveWhole goes on where a record was met that does not follow its queue's last entry: the log is walked from its begin on,
// as far as that was not done, and dispatched again.
func (s *Store) rederiveWhole(p recoveryPlan, segs []*segment, cause error) error {
	s.o.Event(Event{Level: Warning, Text: cause.Error() + wholeLog})
	p.own, p.whole, p.start = false, true, segs[0].base
	s.queues.begun.forget()
	end, _, err := s.walk(&p, s.log.end.Load())
	if err != nil {
		return err
	}
	if err := s.takeOutAll(p.damage); err != nil {
		return err
	}
	if err := s.noteWhole(p.start); err != nil {
		return err
	}
	return s.complete(p, end)
}

const wholeLog = ": the commit log is read as a whole, and the queues are completed from it"

// noteWhole makes durable that the log is being dispatched from start on. If that is cut short, the next start does it again, with
// nothing of the queues believed: half a queue looks like a whole one.
func (s *Store) noteWhole(start int64) error {
	c := s.checkpoint
	c.own, c.position, c.indexed, c.queues = true, start, start, 0
	if err := s.writeAbort(); err != nil {
		return err
	}
	return s.checkpointFile.write(&c)
}

// recovered is what OpenCompaction has to know of a start.
type recovered struct {
	from    int64        // queues were derived from this physical offset on
	unclean bool         // the last user did not stop cleanly, or damage was taken out
	own     bool         // the checkpoint was Gantry's
	doubt   int64        // store time from which on what is derived may not have been synced
	settle  func() error // makes the start count; nil when it does
}

// settle makes what was recovered durable and says so.
func (s *Store) settle(p recoveryPlan, end int64, began time.Time) error {
	unknown := s.queues.begun.now() == 0 // which queues there are, as after the official broker: the next start shall know
	if unknown {
		if err := s.queues.writeOut(); err != nil {
			return err
		}
		if err := s.queues.learnBegun(end); err != nil {
			return err
		}
	}
	repaired := p.unclean || p.mended || p.whole || s.o.Rebuild != nil || len(s.index.doomed) > 0
	if repaired {
		if err := s.queues.loadSuspects(); err != nil {
			return err
		}
	}
	if repaired || unknown {
		if err := s.takeCheckpoint(); err != nil {
			return err
		}
		if len(s.index.doomed) > 0 {
			if err := s.index.dropDoomed(); err != nil {
				return err
			}
			if err := s.takeCheckpoint(); err != nil { // the first one does not let the next start believe index files
				return err
			}
		}
		if err := s.trustCache(); err != nil {
			return err
		}
	}
	if repaired {
		s.o.Event(Event{Level: Info, Text: fmt.Sprintf("recovered %d bytes of the commit log, its end is %d, in %s", end-p.start, end, s.o.Now().Sub(began).Round(time.Millisecond))})
	}
	return nil
}

// alignQueues lets queues go on with the offsets that dispatching has brought them to.
func (s *Store) alignQueues() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for t := range s.queues.topics() {
		for _, q := range *t.list.Load() {
			if q.loaded.Load() {
				q.next = q.end()
			}
		}
	}
}

// loadIndex loads the index and indexes again what it lost. After an unclean stop upstream removes every file that was not
// full and synced. So do we, except when the page cache has survived: then nothing can be missing.
func (s *Store) loadIndex(p recoveryPlan) error {
	discard := func(h indexHeader) bool {
		switch {
		case !p.unclean, p.own && p.kept, s.o.Rebuild != nil:
			return false
		case h.endTime > s.checkpoint.indexTime:
			return true
		}
		return p.own && h.count < s.o.IndexEntries
	}
	from, err := s.index.load(discard)
	if err != nil {
		return err
	}
	if p.unclean {
		if s.checkpoint.indexTime, err = s.index.syncSealed(s.checkpoint.indexTime); err != nil {
			return err
		}
	}
	if from >= 0 {
		if err := s.indexAgain(from, p.start); err != nil {
			return fmt.Errorf("make the key index again: %w", err)
		}
	}
	return nil
}

// indexAgain indexes the messages between two physical offsets.
func (s *Store) indexAgain(from, to int64) error {
	from = max(from, s.log.min())
	s.o.Event(Event{Level: Info, Text: fmt.Sprintf("making the last key index file again, from %d on", from)})
	sc := s.log.scan(from, to)
	defer sc.close()
	var m codec.Message
	for {
		if _, err := sc.next(&m, false); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.indexGuarded(&m); err != nil {
			return err
		}
	}
}

// indexGuarded indexes one message; memory faults are errors.
func (s *Store) indexGuarded(m *codec.Message) (err error) {
	defer vfs.Catch("write the key index", vfs.Arm(), &err)
	return s.index.add(m)
}
