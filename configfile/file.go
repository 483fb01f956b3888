package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Suffixes of the files that stand beside a configuration file.
const (
	backupSuffix  = ".bak"     // the generation before the current one, as upstream keeps it
	tempSuffix    = ".tmp"     // the next generation while it is written; ignored when loading
	corruptSuffix = ".corrupt" // a generation that could not be read, kept for people
)

// File is one configuration file and its backup. It is safe for concurrent use.
type File struct {
	fs     FS
	path   string
	encode func() ([]byte, error)

	// io keeps one writer at a time on the file. It guards no memory: whoever
	// holds it reads the table through encode, and nobody waits for it who has
	// not asked for a write.
	io sync.Mutex

	growth  Growth
	size    int64       // bytes of the file, when this File wrote them all; else 0. Held under io, like the next three
	base    int64       // bytes of it that were written as a whole
	closing int         // bytes of it behind the last entry
	text    []byte      // room for changes
	grown   atomic.Bool // the file holds changes that are not synced

	mu   sync.Mutex // guards next
	next *round     // collects the callers of Persist whom the next write will serve
}

// round is one write of the file and everybody who waits for it.
type round struct {
	whole bool // somebody wants the whole file written; guarded by File.mu
	done  chan struct{}
	err   error // set before done is closed
}

// New prepares the file at path. encode yields the table's present state; it is
// called by Persist, never by two goroutines at once, and must not call back
// into the File.
func New(fsys FS, path string, encode func() ([]byte, error)) *File {
	return &File{fs: fsys, path: path, encode: encode}
}

// Path is where the file stands.
func (f *File) Path() string { return f.path }

// Origin says where a loaded table came from.
type Origin int

// The origins of a table.
const (
	Nowhere    Origin = iota // neither file exists: a first start
	FromFile                 // the file itself
	FromBackup               // the .bak file, because the file was missing or unreadable
)

// Loaded reports how a load went.
type Loaded struct {
	Path   string // of the file
	Origin Origin
	// SetAside is the path that an unreadable file was renamed to, and Reason
	// why it could not be read. Empty when there was no such file.
	SetAside string
	Reason   error

	empty bool // the file is there, without a byte
}

// Load gives the content of the file to decode, and where that is not possible
// the content of its backup: a missing or empty file, and one that decode
// refuses, is passed over as upstream's ConfigManager passes over it. Upstream
// deletes a file that it cannot read; here it is renamed, so that a person can
// still look at it. decode must change nothing when it returns an error.
//
// An error means that a table existed and cannot be had, and that its owner
// must not start without it.
func (f *File) Load(decode func([]byte) error) (Loaded, error) {
	loaded := Loaded{Path: f.path}
	found, err := f.loadOne(f.path, decode)
	if found {
		loaded.Origin = FromFile
		return loaded, nil
	}
	var bad *contentError
	if err != nil && !errors.As(err, &bad) {
		return loaded, err
	}
	if bad != nil {
		loaded.Reason = bad
	} else if data, err := f.fs.ReadFile(f.path); err == nil {
		loaded.empty = len(data) == 0
	}
	if found, err = f.loadOne(f.path+backupSuffix, decode); err != nil { // then neither is touched
		return loaded, errors.Join(loaded.Reason, err)
	}
	if found {
		loaded.Origin = FromBackup
	}
	if bad != nil {
		loaded.SetAside = f.path + corruptSuffix
		if err := f.fs.Rename(f.path, loaded.SetAside); err != nil {
			return loaded, fmt.Errorf("set %s aside, which cannot be read: %w", f.path, err)
		}
	}
	return loaded, nil
}

// Note is what an operator should know of the load, empty when the file was read or there was none.
func (l Loaded) Note() string {
	switch {
	case l.SetAside != "" && l.Origin == FromBackup:
		return fmt.Sprintf("%v: its backup was read instead, and the file is now %s", l.Reason, l.SetAside)
	case l.SetAside != "":
		return fmt.Sprintf("%v, and it has no backup: it begins empty, and the file is now %s", l.Reason, l.SetAside)
	case l.Origin == FromBackup:
		return fmt.Sprintf("%s is missing or empty: its backup was read instead", l.Path)
	case l.empty:
		return fmt.Sprintf("%s has not a byte, and it has no backup: it begins empty", l.Path)
	}
	return ""
}

// contentError is a file that was read but whose content decode refused.
type contentError struct {
	path string
	err  error
}

func (e *contentError) Error() string {
	return fmt.Sprintf("the content of %s cannot be read: %v", e.path, e.err)
}

func (e *contentError) Unwrap() error { return e.err }

// loadOne reports whether there was a file with content that decode took.
func (f *File) loadOne(path string, decode func([]byte) error) (bool, error) {
	data, err := f.fs.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) == 0 {
		return false, nil
	}
	if err := decode(data); err != nil {
		if f.mend(data, decode) {
			return true, nil
		}
		return false, &contentError{path: path, err: err}
	}
	return true, nil
}

// Persist writes the table. When it returns nil, a state of the table that is
// not older than the call is on the disk. Callers that come while a write is
// under way share the next one: many topics created at once cost two writes,
// not one each.
func (f *File) Persist() error { return f.persist(true) }

func (f *File) persist(whole bool) error {
	f.mu.Lock()
	if r := f.next; r != nil {
		r.whole = r.whole || whole
		f.mu.Unlock()
		<-r.done
		return r.err
	}
	r := &round{whole: whole, done: make(chan struct{})}
	f.next = r
	f.mu.Unlock()

	f.io.Lock()
	defer f.io.Unlock()
	f.mu.Lock()
	f.next = nil // whoever comes now may have changed the table after encode looked at it
	whole = r.whole
	f.mu.Unlock()

	r.err = errPanicked // what the others see should encode panic
	defer close(r.done)
	r.err = f.write(whole)
	return r.err
}

var errPanicked = errors.New("the write of the configuration file panicked")

// write brings the file up to date. What could not be appended to it is tried
// once more as a whole: the disk may have room elsewhere.
func (f *File) write(whole bool) error {
	if !whole {
		if done, _ := f.extend(); done {
			return nil
		}
	}
	f.size = 0
	data, err := f.encode()
	if err != nil {
		return fmt.Errorf("encode %s: %w", f.path, err)
	}
	if err := f.replace(data); err != nil {
		return fmt.Errorf("persist %s: %w", f.path, err)
	}
	f.grown.Store(false)
	if f.growth.Changes != nil && bytes.HasSuffix(data, []byte(f.growth.Closing)) {
		f.size, f.base, f.closing = int64(len(data)), int64(len(data)), len(f.growth.Closing)
	}
	return nil
}

// replace puts the next generation beside the current one, synced, and only
// then moves both names on. Cut anywhere, either the file or its backup is
// there in full. Upstream renames first and writes then, which leaves a torn
// file behind when it is cut in between.
func (f *File) replace(data []byte) error {
	dir, temp := filepath.Dir(f.path), f.path+tempSuffix
	err := f.fs.WriteFile(temp, data)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.fs.MkdirAll(dir); err != nil {
			return err
		}
		err = f.fs.WriteFile(temp, data)
	}
	if err != nil {
		return err
	}
	if err := f.fs.Rename(f.path, f.path+backupSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.fs.Rename(temp, f.path); err != nil {
		return err
	}
	return f.fs.SyncDir(dir)
}
