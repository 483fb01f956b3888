package vfs

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestResident: what was just written is in the page cache; what was dropped from it, or lies behind the end, is not.
func TestResident(t *testing.T) {
	dir := t.TempDir()
	f, err := OS{}.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 4 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 200<<10), 0); err != nil {
		t.Fatal(err)
	}
	check := func(off, n int64, want bool) {
		t.Helper()
		if got, err := f.Resident(off, n); got != want || err != nil {
			t.Errorf("%d bytes at %d are resident: %t, %v, want %t", n, off, got, err, want)
		}
	}
	var fsys unix.Statfs_t
	if err := unix.Statfs(dir, &fsys); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Resident(0, 1); fsys.Type == unix.TMPFS_MAGIC && errors.Is(err, ErrUnsupported) {
		return // it knows nothing but memory, and older ones do not say so
	}
	check(0, 100, true)
	check(100, 199<<10, true)
	check(size-10, 20, false)
	if err := errors.Join(f.Sync(), f.Forget()); err != nil {
		t.Fatal(err)
	}
	check(0, 100, fsys.Type == unix.TMPFS_MAGIC) // it forgets nothing
}
