package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGuardSurvivesFault takes the file away under a mapping: the next access is a bus error, which must become a value.
func TestGuardSurvivesFault(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	f, err := OS{}.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(8192); err != nil {
		t.Fatal(err)
	}
	m, err := f.Map(0, 8192, true)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := CopyIn(m.Bytes()[4096:], []byte("here")); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	var fault *FaultError
	if err := CopyIn(m.Bytes()[4096:], []byte("gone")); !errors.As(err, &fault) {
		t.Errorf("write to a page without a file: %v", err)
	}
	if err := CopyOut(make([]byte, 4), m.Bytes()[4096:]); !errors.As(err, &fault) {
		t.Errorf("read of a page without a file: %v", err)
	}
	if err := m.Populate(0, 4096); err == nil || errors.Is(err, ErrUnsupported) {
		t.Errorf("prepare a page without a file: %v", err)
	}
}

// TestCatchLetsOtherPanicsThrough: a programming error is not to be taken for a disk error.
func TestCatchLetsOtherPanicsThrough(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	func() (err error) {
		defer Catch("test", Arm(), &err)
		var list []int
		_ = list[len(os.Args)]
		return nil
	}()
}

func TestGuardAllocatesNothing(t *testing.T) {
	a, b := make([]byte, 64), make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		if CopyIn(a, b) != nil {
			t.Fatal("fault")
		}
	}); n != 0 {
		t.Errorf("%v allocations for a guarded copy", n)
	}
}

// TestLockExcludesProcesses: the lock is the record lock that a Java FileChannel takes, which another process sees.
func TestLockExcludesProcesses(t *testing.T) {
	if name := os.Getenv("GANTRY_TEST_LOCK"); name != "" { // the other process
		if _, err := (OS{}).Lock(name); errors.Is(err, ErrLocked) {
			os.Exit(7)
		}
		os.Exit(8)
	}
	name := filepath.Join(t.TempDir(), "lock")
	other := func() int {
		c := exec.Command(os.Args[0], "-test.run=^TestLockExcludesProcesses$")
		c.Env = append(os.Environ(), "GANTRY_TEST_LOCK="+name)
		c.Run()
		return c.ProcessState.ExitCode()
	}
	lock, err := OS{}.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (OS{}).Lock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("this process locks it twice: %v", err)
	}
	if held, err := (OS{}).Locked(name); !held || err != nil {
		t.Errorf("the lock does not show: %v, %v", held, err)
	}
	f, err := os.Open(name) // closing another descriptor of the file must not drop the lock
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if code := other(); code != 7 {
		t.Errorf("another process could lock it: exit code %d", code)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if held, err := (OS{}).Locked(name); held || err != nil {
		t.Errorf("the lock still shows: %v, %v", held, err)
	}
	if held, err := (OS{}).Locked(name + "none"); held || err != nil {
		t.Errorf("a lock that does not exist shows: %v, %v", held, err)
	}
	if code := other(); code != 8 {
		t.Errorf("another process could not lock it afterwards: exit code %d", code)
	}
}

// both runs a test on the machine's file system and on the one in memory: they must not differ in what the store relies on.
func both(t *testing.T, test func(t *testing.T, fsys FS, root string)) {
	t.Run("os", func(t *testing.T) { test(t, OS{}, t.TempDir()) })
	t.Run("memory", func(t *testing.T) { test(t, NewMemory(), "/") })
}

func TestFileSystems(t *testing.T) {
	both(t, func(t *testing.T, fsys FS, root string) {
		dir := filepath.Join(root, "a/b")
		if err := MakeDir(fsys, dir); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "f")
		if _, err := fsys.Open(name, true); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open what is not there: %v", err)
		}
		f, err := fsys.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Create(name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("create what is there: %v", err)
		}
		if err := f.Truncate(3 * 4096); err != nil {
			t.Fatal(err)
		}
		if err := Reserve(f, 0, 8192); err != nil {
			t.Fatal(err)
		}
		m, err := f.Map(0, 3*4096, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := CopyIn(m.Bytes()[100:], []byte("mapped")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("written"), 5000); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 6)
		if _, err := f.ReadAt(got, 100); err != nil || string(got) != "mapped" {
			t.Errorf("read back: %q, %v", got, err)
		}
		if !bytes.Equal(m.Bytes()[5000:5007], []byte("written")) {
			t.Error("the mapping does not see what was written")
		}
		if err := f.Zero(4096, 8192); err != nil {
			t.Fatal(err)
		}
		if m.Bytes()[5000] != 0 || m.Bytes()[100] != 'm' {
			t.Error("zeroing has changed the wrong bytes")
		}
		for _, off := range []int64{3 * 4096, 4 * 4096} {
			if at, err := f.NextData(off); err != nil || at != math.MaxInt64 {
				t.Errorf("behind the end, at %d, the next data is at %d: %v", off, at, err)
			}
		}
		if at, err := f.NextData(50); err != nil || at != 50 {
			t.Errorf("in a page with data the next is at %d: %v", at, err)
		}
		if at, err := f.NextData(5000); err != nil || at != 5000 && at != math.MaxInt64 { // who knows of no holes answers 5000
			t.Errorf("in a hole the next data is at %d: %v", at, err)
		}
		if n, err := f.ReadAt(make([]byte, 10), 3*4096-4); n != 4 || err == nil {
			t.Errorf("read across the end: %d, %v", n, err)
		}
		if err := errors.Join(f.Sync(), m.Close(), f.Close(), fsys.SyncDir(dir)); err != nil {
			t.Error(err)
		}
		if err := fsys.Rename(name, name+"2"); err != nil {
			t.Fatal(err)
		}
		entries, err := fsys.ReadDir(dir)
		if err != nil || len(entries) != 1 || entries[0].Name() != "f2" {
			t.Errorf("directory: %v, %v", entries, err)
		}
		if info, err := fsys.Stat(name + "2"); err != nil || info.Size != 3*4096 || info.Dir {
			t.Errorf("stat: %+v, %v", info, err)
		}
		if u, err := fsys.Usage(dir); err != nil || u.Ratio() < 0 || u.Ratio() > 1 {
			t.Errorf("usage: %+v, %v", u, err)
		}
		if err := fsys.Remove(dir); err == nil {
			t.Error("a directory with a file in it was removed")
		}
		if err := fsys.RemoveAll(filepath.Join(root, "a")); err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Stat(name + "2"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of what was removed: %v", err)
		}
	})
}
