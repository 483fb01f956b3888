package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"

	"github.com/gantrymq/gantry/store/vfs"
)

// Open locks the directory, loads what is there and brings it into order: after a clean stop that is next to nothing, after
// any other it walks the log from the last checkpoint, cuts a torn tail and dispatches again what queues and index may lack.
// When it returns, everything that survived can be read and appends are accepted. Run has to follow.
func Open(o Options) (*Store, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Store{o: o, recovering: true, queueWaker: newWaker(), flushWaits: newWaitList()}
	s.tuning.Store(&s.o.Tuning)
	s.flusher.wake, s.dispatch.wake = newWaker(), newWaker()
	if err := vfs.MakeDir(o.FS, o.Root); err != nil {
		return nil, fmt.Errorf("make the store directory: %w", err)
	}
	// An earlier start may have made the directory and failed to sync its name. Who may not look above it has not made it.
	if err := o.FS.SyncDir(path.Dir(o.Root)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("sync the directory above the store: %w", err)
	}
	if err := refuseForeign(o); err != nil {
		return nil, err
	}
	lock, err := lockRoot(o)
	if err != nil {
		return nil, err
	}
	s.lock = lock
	s.cache = newFileCache(o.FS, o.OpenFiles)
	s.log = newCommitLog(&s.o, s.cache)
	s.log.paths.full = s.nearlyFull
	s.queues = newQueueSet(&s.o, s.log, s.cache)
	s.queues.mend = s.mend
	s.index = newKeyIndex(&s.o, s.cache)
	s.dispatch.scan = s.log.scan(0, 0)
	if err := s.recover(); err != nil {
		if errors.Is(err, errSyncFailed) {
			s.syncFailed(err)
		}
		return nil, errors.Join(err, s.release())
	}
	if err := errors.Join(markLock(o), s.checkpointFile.make(), s.writeAbort()); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.recovering = false
	return s, nil
}

// refuseForeign recognises directories whose log or queues are in a format that this store does not write.
func refuseForeign(o Options) error {
	for _, marker := range []struct{ file, what, todo string }{
		{"consumequeue/CURRENT", "its consume queues are a RocksDB", "move consumequeue away: the queues are then made from the commit log"},
		{"consumequeue_rocksdb/CURRENT", "its consume queues are a RocksDB", "move consumequeue_rocksdb away: the queues are then made from the commit log"},
	} {
		if _, err := o.FS.Stat(path.Join(o.Root, marker.file)); err == nil {
			return fmt.Errorf("store directory %s cannot be opened: %s (%s exists), which this broker does not read: %s", o.Root, marker.what, marker.file, marker.todo)
		}
	}
	if _, err := o.FS.Stat(path.Join(o.Root, RepairMark)); err == nil && o.Rebuild == nil {
		return fmt.Errorf("store directory %s cannot be opened: a repair of it was cut short (%s exists): run `gantry store repair` again", o.Root, RepairMark)
	}
	entries, err := o.FS.ReadDir(o.Root)
	if err != nil {
		return fmt.Errorf("list the store directory: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && len(e.Name()) > len("dledger-") && e.Name()[:len("dledger-")] == "dledger-" {
			return fmt.Errorf("store directory %s cannot be opened: its commit log is a DLedger log (%s exists), which this broker does not read: consume it with the official broker, or mirror its topics to a new store", o.Root, e.Name())
		}
	}
	return nil
}

// lockRoot takes the lock that upstream takes, and earlier: before anything is read or changed.
func lockRoot(o Options) (interface{ Close() error }, error) {
	name := path.Join(o.Root, "lock")
	lock, err := o.FS.Lock(name)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("store directory %s cannot be written: give it to the user that the broker runs as, on a file system that is not mounted for reading only, or choose another storePathRootDir: %w", o.Root, err)
	}
	if err != nil {
		return nil, fmt.Errorf("store directory %s cannot be locked (%s): stop the broker that uses it, or choose another storePathRootDir: %w", o.Root, name, err)
	}
	return lock, nil
}

// markLock writes what upstream writes into the lock file.
func markLock(o Options) error {
	name := path.Join(o.Root, "lock")
	f, err := o.FS.Open(name, true)
	if err == nil {
		_, err = f.WriteAt([]byte("lock"), 0)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (s *Store) abortPath() string { return path.Join(s.o.Root, "abort") }

// uncleanStop reports whether the directory's last user did not stop cleanly.
func (s *Store) uncleanStop() (bool, error) {
	_, err := s.o.FS.Stat(s.abortPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// writeAbort leaves the mark that a broker runs here: its process id, as upstream writes it.
func (s *Store) writeAbort() error {
	f, err := s.o.FS.Create(s.abortPath())
	if errors.Is(err, fs.ErrExist) {
		f, err = s.o.FS.Open(s.abortPath(), true)
		if err == nil {
			err = f.Truncate(0)
		}
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = s.o.FS.SyncDir(s.o.Root)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", s.abortPath(), err)
	}
	return nil
}

func (s *Store) removeAbort() error {
	if err := s.o.FS.Remove(s.abortPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", s.abortPath(), err)
	}
	return s.o.FS.SyncDir(s.o.Root)
}
