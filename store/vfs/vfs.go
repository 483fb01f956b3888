// Package vfs is the seam between the store and the operating system: files, directories, memory mappings, locks and disk
// space. The store reaches the disk through nothing else.
//
// OS is the real thing. Memory is a disk for tests that can lose or tear whatever was not synced, run full, fail any
// operation, and be cut off at any of them. The package knows nothing of messages, segments or formats.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// FS is a file system. Paths use the slash and are taken as they are. Implementations are safe for concurrent use.
type FS interface {
	// Open opens an existing file. Write access is asked for with write; without it the file is only read.
	Open(name string, write bool) (File, error)
	// Create makes a new empty file, readable and writable, and fails with fs.ErrExist when the name is taken.
	Create(name string) (File, error)
	MkdirAll(dir string) error
	// ReadDir lists a directory, sorted by name. No entry is opened.
	ReadDir(dir string) ([]fs.DirEntry, error)
	Stat(name string) (Info, error)
	Rename(from, to string) error
	Remove(name string) error
	RemoveAll(name string) error
	// SyncDir makes the entries of a directory durable: names created, renamed and removed in it.
	SyncDir(dir string) error
	// Whole opens all that lies below a directory as one thing to sync, for those who have written so many files that to sync
	// each costs more than to sync everything. What is mounted or linked from elsewhere below the directory does not belong to
	// it. ErrUnsupported where the system cannot, or does not tell whether it could.
	Whole(dir string) (Whole, error)
	// Lock takes the exclusive lock that upstream takes on a file: a POSIX record lock on byte 0. The file is made when it
	// is missing. The lock lives until Close, or the end of the process. ErrLocked tells that someone else has it.
	Lock(name string) (io.Closer, error)
	// Locked tells whether someone holds that lock, without taking it and without making the file.
	Locked(name string) (bool, error)
	// Usage tells how full the disk below a path is.
	Usage(name string) (Usage, error)
	// BootID names the life of the page cache: two values differ when unsynced data may have been lost in between.
	// Empty when that is not known.
	BootID() string
}

// File is an open file. ReadAt and WriteAt may be used by several goroutines at once.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Truncate sets the length. What is added reads as zeros and takes no space.
	Truncate(size int64) error
	// Allocate takes disk blocks for a range inside the file, so that writing it cannot run out of space. The content does
	// not change. ErrUnsupported where the file system has no such thing.
	Allocate(off, n int64) error
	// Zero makes a range inside the file read as zeros. Its blocks may be given back.
	Zero(off, n int64) error
	// NextData is where the first byte at or behind off lies that may be something else than zero: what was never written, or zeroed,
	// is passed over as far as the file system knows. It is math.MaxInt64 where there is no such byte.
	NextData(off int64) (int64, error)
	// Map maps a range of the file, shared with everybody else who has the file open. off is a multiple of the page size.
	Map(off, n int64, write bool) (Mapping, error)
	// Sync makes the file's bytes and length durable, those written through mappings included. After a failure what could not be
	// written may count as written: a later success says nothing about it.
	Sync() error
	// Forget drops what the page cache holds of the file and takes for written, so that the next read shows what the disk has.
	// What is still to be written stays. It does nothing where the system has no such thing.
	Forget() error
	// ReadAhead says whether the system should read more of the file than it is asked for, which it does by itself. It does nothing where
	// the system has no such thing.
	ReadAhead(on bool) error
	// Resident reports whether the page cache holds a range, so that reading it would not wait for the disk. It reads nothing in.
	// ErrUnsupported where the system or the file system does not tell.
	Resident(off, n int64) (bool, error)
}

// Whole is all that lies below a directory. It is safe for concurrent use.
type Whole interface {
	// Sync makes durable whatever has been written below: bytes, lengths, names made, renamed and removed. It fails when
	// anything could not be written since the Whole was opened or last synced, be it of somebody else who shares the disk. After
	// a failure the same holds as for File.Sync.
	Sync() error
	Close() error
}

// Mapping is a part of a file as memory. Reading a page that cannot be fetched from the disk, or writing one that cannot be
// stored, is a memory fault: touch Bytes inside Guard only.
type Mapping interface {
	// Bytes is the mapped memory. It is gone after Close.
	Bytes() []byte
	// Populate prepares a range for writing, so that its first touch costs no page fault, and reports what a fault would
	// have died of. ErrUnsupported where the system cannot.
	Populate(off, n int64) error
	// ReadAhead is File.ReadAhead for what is read through this mapping.
	ReadAhead(on bool) error
	Close() error
}

// Info describes a file by name.
type Info struct {
	Size    int64
	ModTime time.Time
	Dir     bool
}

// Usage is the space of a disk in bytes. Available is what an ordinary process may still take, which can be less than what
// is neither used nor total.
type Usage struct {
	Total, Used, Available int64
}

// Ratio is the used share of the disk, 0 to 1, as df and upstream's UtilAll.getDiskPartitionSpaceUsedPercent count it:
// what is reserved for the superuser belongs to neither side.
func (u Usage) Ratio() float64 {
	if u.Used+u.Available <= 0 {
		return -1
	}
	return float64(u.Used) / float64(u.Used+u.Available)
}

var (
	// ErrLocked says that another process, or another store of this one, holds the lock.
	ErrLocked = errors.New("lock is held by someone else")
	// ErrUnsupported says that the system or file system lacks an operation. The caller has another way.
	ErrUnsupported = errors.ErrUnsupported
)

// FaultError is a memory fault in a mapping, as an error.
type FaultError struct {
	Name  string // what was being done
	Cause error  // the runtime's description
}

// Error says what was being done and what the runtime saw.
func (e *FaultError) Error() string {
	return e.Name + ": a mapped page could not be read or written (disk error, disk full, or the file was cut): " + e.Cause.Error()
}

// Unwrap is the runtime's error.
func (e *FaultError) Unwrap() error { return e.Cause }

// Reserve takes disk blocks for a range inside a file, like Allocate, and where that is not supported by writing the range's
// own bytes back to it. Nobody else may write the range meanwhile.
func Reserve(f File, off, n int64) error {
	err := f.Allocate(off, n)
	if !errors.Is(err, ErrUnsupported) {
		return err
	}
	buf := make([]byte, min(n, 1<<20))
	for n > 0 {
		b := buf[:min(n, int64(len(buf)))]
		if _, err := f.ReadAt(b, off); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, off); err != nil {
			return err
		}
		off, n = off+int64(len(b)), n-int64(len(b))
	}
	return nil
}

// MakeDir makes a directory and what is missing above it, and makes all these names durable.
func MakeDir(fsys FS, dir string) error {
	var missing []string
	for d := path.Clean(dir); ; d = path.Dir(d) {
		_, err := fsys.Stat(d)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, d)
		if d == path.Dir(d) {
			break
		}
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for _, d := range missing {
		if err := fsys.SyncDir(path.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}
