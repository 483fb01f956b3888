package vfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// osWhole is a descriptor of a directory. The kernel tells through it of every write that has failed on the directory's file
// system since it was opened, as it does for files.
type osWhole struct{ f *os.File }

var _ Whole = osWhole{}

// Whole implements FS. syncfs reports failures since Linux 5.8, and only file systems that are a disk's own are known to pass
// them on: layers above others, and those of a network, are not asked.
func (OS) Whole(dir string) (Whole, error) {
	if !syncfsReports() {
		return nil, ErrUnsupported
	}
	f, err := openPlain(dir, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return nil, errors.Join(fmt.Errorf("file system of %s: %w", dir, err), f.Close())
	}
	if st.Type != unix.EXT4_SUPER_MAGIC && st.Type != unix.XFS_SUPER_MAGIC {
		return nil, errors.Join(ErrUnsupported, f.Close())
	}
	return osWhole{f}, nil
}

// Sync implements Whole.
func (w osWhole) Sync() error {
	for {
		err := unix.Syncfs(int(w.f.Fd()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("sync the file system of %s: %w", w.f.Name(), err)
		}
		return nil
	}
}

// Close implements Whole.
func (w osWhole) Close() error { return w.f.Close() }

// syncfsReports reports whether the kernel is 5.8 or newer.
var syncfsReports = sync.OnceValue(func() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	return releaseAtLeast(unix.ByteSliceToString(u.Release[:]), 5, 8)
})

// releaseAtLeast compares a kernel's release, such as 6.1.0-18-amd64, with a version.
func releaseAtLeast(release string, major, minor int) bool {
	first, rest, _ := strings.Cut(release, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}
