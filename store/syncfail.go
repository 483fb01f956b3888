package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// distrustMark is a file that a failed sync leaves below the root. After a failure the system takes pages for written that are
// not: they stay in the page cache, no later sync writes them, and they are gone with it. The mark tells the next start, if
// it comes before that, not to believe what it reads from the page cache. It does not have to outlive the page cache, so it
// is not synced, which would hardly succeed.
const distrustMark = "sync-failed"

// errSyncFailed marks errors after which the page cache cannot be believed.
var errSyncFailed = errors.New("the disk did not take what was written")

// syncFailed stops writing for good, because a sync that failed proves that nothing later is safe, and fails everybody who waits
// for one. It returns the error.
func (s *Store) syncFailed(err error) error {
	s.stop(err)
	s.flushWaits.fail()
	f, markErr := s.o.FS.Create(path.Join(s.o.Root, distrustMark))
	if markErr == nil {
		markErr = f.Close()
	}
	if markErr != nil && !errors.Is(markErr, fs.ErrExist) {
		s.o.Event(Event{Level: Warning, Text: "restart the machine, not only the broker: its page cache may hold what the disk has not, and no mark of that could be left", Err: markErr})
	}
	return err
}

// SyncFailed does the same for a sync of files that somebody else keeps and derives from the log.
func (s *Store) SyncFailed(err error) { s.syncFailed(err) }

// Distrusted reports whether a sync had failed before the last stop, so that this start did not believe the page cache. Who keeps
// files that are derived from the log must not believe it either.
func (s *Store) Distrusted() bool { return s.distrusted }

// distrustCache drops the page cache of the log that is to be walked, when a sync has failed before: what is read is then what
// the disk has.
func (s *Store) distrustCache(p *recoveryPlan, segs []*segment) error {
	_, err := s.o.FS.Stat(path.Join(s.o.Root, distrustMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the mark of a failed sync: %w", err)
	}
	p.unclean, p.kept, s.distrusted = true, false, true
	s.o.Event(Event{Level: Warning, Text: "a sync had failed before the last stop: only what the disk really has is believed"})
	for _, g := range segs {
		if g.end() <= p.start {
			continue
		}
		f, err := s.o.FS.Open(g.path, false)
		if err != nil {
			return fmt.Errorf("open commit log file: %w", err)
		}
		if err := errors.Join(f.Forget(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// trustCache removes the mark, once everything that is believed was synced again.
func (s *Store) trustCache() error {
	err := s.o.FS.Remove(path.Join(s.o.Root, distrustMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the mark of a failed sync: %w", err)
	}
	return nil
}
