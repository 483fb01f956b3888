package vfs

import (
	"errors"
	"math/rand/v2"
	"path"
	"syscall"
	"testing"
)

// writeNew makes a file with content and syncs nothing.
func writeNew(t *testing.T, fsys FS, name, content string) {
	t.Helper()
	if err := fsys.MkdirAll(path.Dir(name)); err != nil {
		t.Fatal(err)
	}
	f, err := fsys.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(int64(len(content))); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What a Whole has synced outlives every power failure, names included; what lies
// elsewhere does not profit.
func TestWholeOfMemory(t *testing.T) {
	lostElsewhere := false
	for seed := range uint64(50) {
		m := NewMemory()
		if err := errors.Join(m.MkdirAll("/a"), m.SyncDir("/")); err != nil {
			t.Fatal(err)
		}
		w, err := m.Whole("/a")
		if err != nil {
			t.Fatal(err)
		}
		writeNew(t, m, "/a/b/c", "content")
		writeNew(t, m, "/ab/c", "content")
		if err := errors.Join(w.Sync(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if open := m.OpenFiles(); len(open) > 0 {
			t.Fatalf("left open: %v", open)
		}
		after := m.Crash(rand.New(rand.NewPCG(seed, 0)))
		if got := string(after.Synced("/a/b/c")); got != "content" {
			t.Fatalf("seed %d left %q", seed, got)
		}
		lostElsewhere = lostElsewhere || string(after.Synced("/ab/c")) != "content"
	}
	if !lostElsewhere {
		t.Error("no power failure took what was not synced")
	}
}

// A failure takes everything below that was not synced, and no later success brings
// it back.
func TestWholeOfMemoryFails(t *testing.T) {
	m := NewMemory()
	writeNew(t, m, "/a/b", "content")
	w, err := m.Whole("/a")
	if err != nil {
		t.Fatal(err)
	}
	m.Inject(func(op Op) error {
		if op.Kind == OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := w.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("error %v", err)
	}
	m.Inject(nil)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := m.Synced("/a/b"); string(got) == "content" {
		t.Error("what the disk did not take counts as synced")
	}
	if _, err := m.Whole("/none"); err == nil {
		t.Error("a directory that is not there was opened")
	}
}

func TestWholeOfTheSystem(t *testing.T) {
	dir := t.TempDir()
	w, err := OS{}.Whole(dir)
	if errors.Is(err, ErrUnsupported) {
		t.Logf("%s: %v", dir, err) // another file system: callers have another way
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	writeNew(t, OS{}, path.Join(dir, "a", "b"), "content")
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		t.Error(err)
	}
	if _, err := (OS{}).Whole(path.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there was opened")
	}
}

func TestKernelReleases(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.8-rc1": true, "6.1.0-18-amd64": true, "10.0": true, "5.7.19": false, "4.19.0": false, "5": false, "": false, "x.9": false,
	} {
		if got := releaseAtLeast(release, 5, 8); got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}
