package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// OS is the file system of the machine.
type OS struct{}

var _ FS = OS{}

// Open implements FS.
func (OS) Open(name string, write bool) (File, error) {
	flag := os.O_RDONLY
	if write {
		flag = os.O_RDWR
	}
	return openOS(name, flag)
}

// Create implements FS.
func (OS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func openOS(name string, flag int) (File, error) {
	f, err := openPlain(name, flag)
	if err != nil {
		return nil, err
	}
	return &osFile{f: f, fd: int(f.Fd())}, nil
}

// openPlain opens a file without offering it to the runtime's poller, as os.OpenFile does: for files of a disk that is four
// system calls in vain, and a store with ten thousand topics opens many.
func openPlain(name string, flag int) (*os.File, error) {
	for {
		fd, err := unix.Open(name, flag|unix.O_CLOEXEC, 0o644)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case !errors.Is(err, unix.EINTR):
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// MkdirAll implements FS. Mostly the last directory is all that is missing, and looking at those above it first costs more.
func (OS) MkdirAll(dir string) error {
	if err := os.Mkdir(dir, 0o755); err == nil {
		return nil
	}
	return os.MkdirAll(dir, 0o755)
}

// ReadDir implements FS.
func (OS) ReadDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }

// Stat implements FS.
func (OS) Stat(name string) (Info, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: fi.Size(), ModTime: fi.ModTime(), Dir: fi.IsDir()}, nil
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// RemoveAll implements FS.
func (OS) RemoveAll(name string) error { return os.RemoveAll(name) }

// SyncDir implements FS.
func (OS) SyncDir(dir string) error {
	f, err := openPlain(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Lock implements FS. An open file description lock conflicts with the record lock of a Java FileChannel like a record lock
// of another process would, but belongs to this open file: two stores in one process exclude each other, and closing some
// other descriptor of the file does not drop it.
func (OS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: 0, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk); err != nil {
		f.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

// Locked implements FS.
func (OS) Locked(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: 0, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return false, fmt.Errorf("look at the lock %s: %w", name, err)
	}
	return lk.Type != unix.F_UNLCK, nil
}

// Usage implements FS.
func (OS) Usage(name string) (Usage, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return Usage{}, fmt.Errorf("space of the disk below %s: %w", name, err)
	}
	return Usage{
		Total:     int64(st.Blocks) * st.Bsize,
		Used:      int64(st.Blocks-st.Bfree) * st.Bsize,
		Available: int64(st.Bavail) * st.Bsize,
	}, nil
}

// BootID implements FS.
func (OS) BootID() string { return bootID() }

// bootID reads the kernel's once: no process outlives its boot, and checkpoints ask often.
var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
})

// osFile calls the kernel itself where package os has no word for it. os.File has a descriptor in blocking mode for regular
// files, so fd stays valid for as long as f is open.
type osFile struct {
	f  *os.File
	fd int
}

func (f *osFile) ReadAt(p []byte, off int64) (int, error)  { return f.f.ReadAt(p, off) }
func (f *osFile) WriteAt(p []byte, off int64) (int, error) { return f.f.WriteAt(p, off) }
func (f *osFile) Close() error                             { return f.f.Close() }
func (f *osFile) Truncate(size int64) error                { return f.f.Truncate(size) }

func (f *osFile) Size() (int64, error) {
	fi, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (f *osFile) Allocate(off, n int64) error {
	return f.control("allocate", func() error {
		return unix.Fallocate(f.fd, unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

func (f *osFile) Zero(off, n int64) error {
	err := f.control("punch a hole into", func() error {
		return unix.Fallocate(f.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
	if !errors.Is(err, ErrUnsupported) {
		return err
	}
	zeros := make([]byte, min(n, 1<<20))
	for n > 0 {
		k := min(n, int64(len(zeros)))
		if _, err := f.f.WriteAt(zeros[:k], off); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}

// NextData implements File. The position that it sets is nobody's: files are read and written by position.
func (f *osFile) NextData(off int64) (int64, error) {
	at, err := unix.Seek(f.fd, off, unix.SEEK_DATA)
	switch {
	case err == nil:
		return at, nil
	case errors.Is(err, unix.ENXIO): // a hole up to the end
		return math.MaxInt64, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP): // the file system tells of no holes
		return off, nil
	}
	return 0, fmt.Errorf("look for data in %s: %w", f.f.Name(), err)
}

// Sync is fdatasync: it writes the length and the block map too, as far as reading the data back needs them, and spares the
// journal the times.
func (f *osFile) Sync() error {
	return f.control("sync", func() error { return unix.Fdatasync(f.fd) })
}

// Forget implements File.
func (f *osFile) Forget() error {
	err := f.control("drop the pages of", func() error { return unix.Fadvise(f.fd, 0, 0, unix.FADV_DONTNEED) })
	if errors.Is(err, ErrUnsupported) {
		return nil
	}
	return err
}

// Resident implements File. A read that must not wait gets the pages in front of the first one that is not there.
func (f *osFile) Resident(off, n int64) (bool, error) {
	buf := make([]byte, min(n, 64<<10))
	for n > 0 {
		k, err := unix.Preadv2(f.fd, [][]byte{buf[:min(n, int64(len(buf)))]}, off, unix.RWF_NOWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), err == nil && k == 0:
			return false, nil
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
			return false, fmt.Errorf("ask what the page cache has of %s: %w", f.f.Name(), ErrUnsupported)
		case err != nil:
			return false, fmt.Errorf("ask what the page cache has of %s: %w", f.f.Name(), err)
		}
		off, n = off+int64(k), n-int64(k)
	}
	return true, nil
}

// ReadAhead implements File.
func (f *osFile) ReadAhead(on bool) error {
	advice := unix.FADV_RANDOM
	if on {
		advice = unix.FADV_NORMAL
	}
	err := f.control("advise on reading", func() error { return unix.Fadvise(f.fd, 0, 0, advice) })
	if errors.Is(err, ErrUnsupported) {
		return nil
	}
	return err
}

func (f *osFile) control(what string, call func() error) error {
	for {
		err := call()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			err = ErrUnsupported
		}
		return fmt.Errorf("%s %s: %w", what, f.f.Name(), err)
	}
}

func (f *osFile) Map(off, n int64, write bool) (Mapping, error) {
	prot := unix.PROT_READ
	if write {
		prot |= unix.PROT_WRITE
	}
	b, err := unix.Mmap(f.fd, off, int(n), prot, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of %s: %w", n, f.f.Name(), err)
	}
	return &osMapping{b: b, name: f.f.Name()}, nil
}

type osMapping struct {
	b    []byte
	name string
}

func (m *osMapping) Bytes() []byte { return m.b }

func (m *osMapping) Populate(off, n int64) error {
	err := unix.Madvise(m.b[off:off+n], unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // before Linux 5.14
		return ErrUnsupported
	}
	if err != nil {
		return fmt.Errorf("prepare %d bytes of %s for writing: %w", n, m.name, err)
	}
	return nil
}

// ReadAhead implements Mapping.
func (m *osMapping) ReadAhead(on bool) error {
	advice := unix.MADV_RANDOM
	if on {
		advice = unix.MADV_NORMAL
	}
	err := unix.Madvise(m.b, advice)
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return fmt.Errorf("advise on reading %s: %w", m.name, err)
}

func (m *osMapping) Close() error {
	b := m.b
	m.b = nil
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
