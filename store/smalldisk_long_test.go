//go:build long

package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrymq/gantry/store/vfs"
)

// TestSmallDisk fills a real small file system to the brim: appends are refused and nothing dies of it, what is there can be read,
// writes resume when something else gives its space back, and all of it survives a restart.
func TestSmallDisk(t *testing.T) {
	const size, ballast = 8 << 20, 3 << 20
	dir := t.TempDir()
	if err := unix.Mount("gantry-test", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	other := filepath.Join(dir, "ballast")
	if err := os.WriteFile(other, make([]byte, ballast), 0o644); err != nil {
		t.Fatal(err)
	}
	o := smallOptions(vfs.OS{}, filepath.Join(dir, "store"))
	o.SegmentSize = 1 << 20
	o.Tuning.CleanForcibly = false
	o.Tuning.CleanInterval = 20 * time.Millisecond
	o.Tuning.QueueFlushInterval = 20 * time.Millisecond
	o.Event = func(Event) {}
	s := mustOpen(t, o)
	stop := running(t, s)
	x := sent{}
	n := 0
	one := func() (Status, error) {
		m := message("full", 0, n)
		m.Body = append(m.Body, make([]byte, 4000)...)
		r, err := s.Append(m)
		if err == nil {
			x["full 0"] = append(x["full 0"], m)
			n++
		}
		return r.Status, err
	}
	for range 10 {
		if _, err := one(); err != nil {
			t.Fatal(err)
		}
	}
	dispatchAll(t, s) // or the disk may be full before the first index file is made, and nothing is dispatched
	for {
		if status, err := one(); err != nil {
			if status != ServiceNotAvailable || n*4000 > size {
				t.Fatalf("after %d messages: %v, %v", n, status, err)
			}
			break
		}
	}
	for range 1000 { // to the brim, whatever the store thinks of it
		if err := lengthen(filepath.Join(dir, "rest"), 4096); errors.Is(err, unix.ENOSPC) {
			break
		}
	}
	for range 100 { // a message may still find its place in blocks that were taken before
		if status, err := one(); err != nil && status != ServiceNotAvailable {
			t.Fatalf("on a full disk: %v, %v", status, err)
		}
	}
	if got := readAll(t, s, "full", 0); len(got) == 0 {
		t.Error("nothing can be read on a full disk")
	}
	for _, name := range []string{other, filepath.Join(dir, "rest")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	before := n
	for end := time.Now().Add(20 * time.Second); n < before+50; {
		if _, err := one(); err != nil && time.Now().After(end) {
			t.Fatalf("writes have not resumed: %v", err)
		}
	}
	stop()
	s = mustOpen(t, o)
	x.check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// lengthen makes a file longer.
func lengthen(name string, n int) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, n))
	return errors.Join(err, f.Close())
}
