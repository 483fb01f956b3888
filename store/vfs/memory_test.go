package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"
)

func mustCreate(t *testing.T, m *Memory, name string, data []byte) File {
	t.Helper()
	f, err := m.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return f
}

func readFile(t *testing.T, m *Memory, name string) []byte {
	t.Helper()
	f, err := m.Open(name, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, _ := f.Size()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCrashKeepsWhatWasSynced and nothing else for certain: over many power failures each sector that was not synced is seen
// old and new, each name that was not synced is seen there and gone, and the synced ones never change.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	old, fresh := bytes.Repeat([]byte{'o'}, 8192), bytes.Repeat([]byte{'n'}, 8192)
	seen := map[string]bool{}
	for seed := range uint64(200) {
		m := NewMemory()
		f := mustCreate(t, m, "/kept", old)
		if err := errors.Join(f.Sync(), m.SyncDir("/")); err != nil {
			t.Fatal(err)
		}
		mustCreate(t, m, "/loose", old)
		if _, err := f.WriteAt(fresh[:6000], 2000); err != nil {
			t.Fatal(err)
		}
		boot := m.BootID()
		c := m.Crash(rand.New(rand.NewPCG(seed, 0)))
		if c.BootID() == boot {
			t.Fatal("the page cache counts as alive")
		}
		b := readFile(t, c, "/kept")
		if !bytes.Equal(b[:2000], old[:2000]) || !bytes.Equal(b[8000:], old[8000:]) {
			t.Fatal("synced bytes have changed")
		}
		for at := 2000; at < 8000; at++ {
			if next := at/sectorSize*sectorSize + sectorSize; at%sectorSize != 0 && at > 2000 && b[at] != b[at-1] && next < 8000 {
				t.Fatalf("a sector was torn at %d", at)
			}
		}
		seen["sector "+string(b[4096])] = true
		_, err := c.Stat("/loose")
		seen["name "+map[bool]string{true: "there", false: "gone"}[err == nil]] = true
	}
	for _, want := range []string{"sector o", "sector n", "name there", "name gone"} {
		if !seen[want] {
			t.Errorf("never seen: %s", want)
		}
	}
}

func TestKillKeepsEverything(t *testing.T) {
	m := NewMemory()
	f := mustCreate(t, m, "/f", make([]byte, 4096))
	p, err := f.Map(0, 4096, true)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Bytes(), "mapped")
	if _, err := m.Lock("/lock"); err != nil {
		t.Fatal(err)
	}
	c := m.Kill()
	if got := readFile(t, c, "/f"); string(got[:6]) != "mapped" || c.BootID() != m.BootID() {
		t.Errorf("%q is left", got[:6])
	}
	if _, err := c.Lock("/lock"); err != nil {
		t.Errorf("the dead process still holds its lock: %v", err)
	}
	if r := m.Reboot(); r.BootID() == m.BootID() {
		t.Error("a reboot does not show")
	}
}

func TestMemoryCapacity(t *testing.T) {
	m := NewMemory()
	m.SetCapacity(3 * pageSize)
	f := mustCreate(t, m, "/f", make([]byte, pageSize))
	if err := f.Truncate(100 * pageSize); err != nil {
		t.Fatalf("a hole takes no space: %v", err)
	}
	if err := f.Allocate(0, 3*pageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("x"), 3*pageSize); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write beyond the capacity: %v", err)
	}
	if err := f.Allocate(2*pageSize, 2*pageSize); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("allocate beyond the capacity: %v", err)
	}
	if _, err := f.WriteAt([]byte("x"), 2*pageSize); err != nil {
		t.Errorf("write to what was allocated: %v", err)
	}
	if err := f.Zero(0, pageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("x"), 3*pageSize); err != nil {
		t.Errorf("write after something was given back: %v", err)
	}
}

func TestInject(t *testing.T) {
	m := NewMemory()
	f := mustCreate(t, m, "/f", []byte("x"))
	m.Inject(func(op Op) error {
		if op.Kind == OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	if got := m.Synced("/f"); len(got) != 0 {
		t.Errorf("a sync that failed has synced %q", got)
	}
	var pe *fs.PathError
	if err := f.Sync(); !errors.As(err, &pe) || pe.Path != "/f" {
		t.Errorf("the error does not name the file: %v", err)
	}
}

func TestUnallocatedWrites(t *testing.T) {
	m := NewMemory()
	f := mustCreate(t, m, "/f", nil)
	if err := errors.Join(f.Truncate(2*pageSize), f.Allocate(0, pageSize)); err != nil {
		t.Fatal(err)
	}
	p, err := f.Map(0, 2*pageSize, true)
	if err != nil {
		t.Fatal(err)
	}
	p.Bytes()[0] = 1
	if bad := m.UnallocatedWrites(); len(bad) != 0 {
		t.Errorf("allocated, and yet reported: %v", bad)
	}
	p.Bytes()[pageSize] = 1
	if bad := m.UnallocatedWrites(); len(bad) != 1 {
		t.Errorf("not reported: %v", bad)
	}
}

// TestFailedSync: what a failed sync did not write is not written by the next one either, until it is written again; the page
// cache shows it until it is forgotten.
func TestFailedSync(t *testing.T) {
	m := NewMemory()
	f := mustCreate(t, m, "/f", bytes.Repeat([]byte{'o'}, 2*pageSize))
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{'n'}, pageSize), 0); err != nil {
		t.Fatal(err)
	}
	m.Inject(func(op Op) error {
		if op.Kind == OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	m.Inject(nil)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := m.Synced("/f"); got[0] != 'o' {
		t.Errorf("the disk has %q after a sync that could not write it", got[0])
	}
	if got := readFile(t, m, "/f"); got[0] != 'n' {
		t.Errorf("the page cache has %q", got[0])
	}
	k := m.Kill()
	g, err := k.Open("/f", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Forget(); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, k, "/f"); got[0] != 'o' {
		t.Errorf("%q is read once the page cache is gone", got[0])
	}
	if _, err := g.WriteAt([]byte("w"), 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Sync(), g.Close()); err != nil {
		t.Fatal(err)
	}
	if got := k.Synced("/f"); got[0] != 'w' {
		t.Errorf("%q is on the disk after it was written again", got[0])
	}
}
