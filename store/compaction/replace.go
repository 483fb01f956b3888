package compaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// replacingFile decides that new segments take the place of old ones. It lies beside the new log files and goes last.
const replacingFile = "replacing"

// replacing is its content: names of segments.
type replacing struct {
	Old []int64 `json:"old"`
	New []int64 `json:"new"`
}

// readReplacing reads the decision of a compaction that was cut short, or nil.
func (q *queue) readReplacing() (*replacing, error) {
	name := path.Join(q.logDir, subFolder, replacingFile)
	raw, err := readFile(q.s.o.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var mark replacing
	if err := json.Unmarshal(raw, &mark); err != nil { // it got its name when it was whole
		return nil, fmt.Errorf("%s is damaged, and with it what it says of an unfinished compaction: remove the folder compactionCq/%s/%d, the units in it are made again: %w", name, q.topic, q.id, err)
	}
	return &mark, nil
}

// replace puts new segments in the place of old ones, which follow each other in the list. Who reads an old one reads on: its
// files are held open until the new list is published.
func (q *queue) replace(old, made []*segment) error {
	s := q.s
	var pins []*handle
	unpin := func() error {
		var errs []error
		for _, h := range pins {
			errs = append(errs, s.handles.release(h))
		}
		return errors.Join(errs...)
	}
	for _, g := range old {
		h, err := s.handles.acquire(g)
		if err != nil {
			return errors.Join(err, unpin())
		}
		pins = append(pins, h)
	}
	mark := &replacing{Old: bases(old), New: bases(made)}
	if err := q.decide(mark); err != nil {
		return errors.Join(err, unpin(), s.handles.kill(made...), q.dropWork())
	}
	if err := q.move(mark); err != nil {
		q.stuck = append(pins, q.stuck...) // the list in use is of the old files; the names are neither's
		return fmt.Errorf("put the compacted files of %s in place, the next start tries again: %w", q, err)
	}
	for _, g := range made {
		g.logDir, g.queueDir = q.logDir, q.queueDir
	}
	q.mu.Lock()
	segs := q.view.Load().segs
	at := slices.Index(segs, old[0])
	q.view.Store(&view{slices.Concat(segs[:at], made, segs[at+len(old):])})
	q.mu.Unlock()
	return errors.Join(s.handles.kill(old...), unpin(), q.dropWork())
}

func bases(segs []*segment) []int64 {
	list := make([]int64, len(segs))
	for i, g := range segs {
		list[i] = g.base
	}
	return list
}

// decide writes the decision. It gets its name when it is durable.
func (q *queue) decide(mark *replacing) error {
	raw, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	dir := path.Join(q.logDir, subFolder)
	name := path.Join(dir, replacingFile)
	if err := writeFile(q.s.o.FS, name+".tmp", raw); err != nil {
		return err
	}
	if err := q.s.o.FS.Rename(name+".tmp", name); err != nil {
		return err
	}
	return q.s.o.FS.SyncDir(dir)
}

// move gives the new segments their names and removes the old ones that are left. Done twice it does no harm.
func (q *queue) move(mark *replacing) error {
	for _, base := range mark.New {
		for _, dir := range []string{q.logDir, q.queueDir} {
			name := fileName(base)
			err := q.s.o.FS.Rename(path.Join(dir, subFolder, name), path.Join(dir, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // else it was moved before
				return err
			}
		}
	}
	for _, base := range mark.Old {
		if slices.Contains(mark.New, base) {
			continue
		}
		if err := q.s.removePair(path.Join(q.logDir, fileName(base)), path.Join(q.queueDir, fileName(base))); err != nil {
			return err
		}
	}
	return errors.Join(q.s.o.FS.SyncDir(q.logDir), q.s.o.FS.SyncDir(q.queueDir))
}

// finish does at a start what a crash has cut short.
func (q *queue) finish(mark *replacing) error {
	if err := q.move(mark); err != nil {
		return err
	}
	return q.dropWork()
}
