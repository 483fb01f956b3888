package configfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const name = "config/topics.json"

// table is the smallest thing that can be kept: a text that must be whole.
type table struct{ state string }

func (t *table) encode() ([]byte, error) { return []byte("<" + t.state + ">"), nil }

func (t *table) decode(b []byte) error {
	s := string(b)
	if !strings.HasPrefix(s, "<") || !strings.HasSuffix(s, ">") {
		return fmt.Errorf("%q is not whole", s)
	}
	t.state = s[1 : len(s)-1]
	return nil
}

func persist(t *testing.T, d *disk, state string) error {
	t.Helper()
	tab := table{state: state}
	return New(d, name, tab.encode).Persist()
}

func load(t *testing.T, d *disk) (string, Loaded, error) {
	t.Helper()
	var tab table
	loaded, err := New(d, name, tab.encode).Load(tab.decode)
	return tab.state, loaded, err
}

func TestLoadRules(t *testing.T) {
	tests := []struct {
		name        string
		file, bak   string // "-" is a file that does not exist
		want        string
		origin      Origin
		wantAside   bool
		wantFailure bool
		wantNote    string // a part of it; empty is none
	}{
		{name: "first start", file: "-", bak: "-", origin: Nowhere},
		{name: "file", file: "<new>", bak: "<old>", want: "new", origin: FromFile},
		{name: "file without backup", file: "<new>", bak: "-", want: "new", origin: FromFile},
		{name: "missing", file: "-", bak: "<old>", want: "old", origin: FromBackup, wantNote: "is missing or empty: its backup was read"},
		{name: "empty", file: "", bak: "<old>", want: "old", origin: FromBackup, wantNote: "is missing or empty: its backup was read"},
		{name: "both empty", file: "", bak: "", origin: Nowhere, wantNote: "has not a byte"},
		{name: "torn", file: "<ne", bak: "<old>", want: "old", origin: FromBackup, wantAside: true, wantNote: ": its backup was read instead"},
		{name: "torn, no backup", file: "<ne", bak: "-", origin: Nowhere, wantAside: true, wantNote: "it begins empty"},
		{name: "torn, empty backup", file: "<ne", bak: "", origin: Nowhere, wantAside: true, wantNote: "it begins empty"},
		{name: "both torn", file: "<ne", bak: "<ol", wantFailure: true},
		{name: "missing, torn backup", file: "-", bak: "<ol", wantFailure: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk()
			for n, content := range map[string]string{name: tt.file, name + ".bak": tt.bak} {
				if content != "-" {
					d.files[n] = content
				}
			}
			got, loaded, err := load(t, d)
			if (err != nil) != tt.wantFailure {
				t.Fatalf("Load error = %v, want one: %t", err, tt.wantFailure)
			}
			if got != tt.want || loaded.Origin != tt.origin {
				t.Errorf("loaded %q from %d, want %q from %d", got, loaded.Origin, tt.want, tt.origin)
			}
			if aside := loaded.SetAside != ""; aside != tt.wantAside || aside && d.files[loaded.SetAside] != tt.file {
				t.Errorf("set aside %q holding %q, want a copy: %t", loaded.SetAside, d.files[loaded.SetAside], tt.wantAside)
			}
			if tt.wantFailure {
				for n, content := range map[string]string{name: tt.file, name + ".bak": tt.bak} {
					if content != "-" && d.files[n] != content {
						t.Errorf("the refusal has changed %s to %q", n, d.files[n])
					}
				}
				return
			}
			if (loaded.Reason != nil) != tt.wantAside {
				t.Errorf("reason = %v", loaded.Reason)
			}
			if note := loaded.Note(); (note == "") != (tt.wantNote == "") || !strings.Contains(note, tt.wantNote) || note != "" && !strings.Contains(note, name) {
				t.Errorf("note %q, want one with %q and the file's name", note, tt.wantNote)
			}
		})
	}
}

// A file that exists but that the disk does not give is not a first start.
func TestLoadReadError(t *testing.T) {
	d := newDisk()
	d.files[name] = "<new>"
	d.failOn = "read"
	if _, _, err := load(t, d); !errors.Is(err, errDisk) {
		t.Fatalf("Load error = %v, want the disk's", err)
	}
}

func TestPersistKeepsBackup(t *testing.T) {
	d := newDisk()
	for _, state := range []string{"one", "two", "three"} {
		if err := persist(t, d, state); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.files[name]; got != "<three>" {
		t.Errorf("file = %q", got)
	}
	if got := d.files[name+".bak"]; got != "<two>" {
		t.Errorf("backup = %q", got)
	}
	if len(d.files) != 2 {
		t.Errorf("files = %v, want two", d.files)
	}
}

func TestPersistCreatesDirectory(t *testing.T) {
	d := newDisk()
	d.dirs = map[string]bool{}
	if err := persist(t, d, "one"); err != nil {
		t.Fatal(err)
	}
	if got := d.files[name]; got != "<one>" {
		t.Errorf("file = %q", got)
	}
}

// Cut at every operation, with and without the names that were not synced, the
// next start finds the old state or the new one, and the new one for certain
// once Persist has returned.
func TestPersistCutEverywhere(t *testing.T) {
	base := func() *disk {
		d := newDisk()
		for _, state := range []string{"oldest", "old"} {
			if err := persist(t, d, state); err != nil {
				t.Fatal(err)
			}
		}
		d.ops = 0
		return d
	}
	whole := base()
	if err := persist(t, whole, "new"); err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= whole.ops; cut++ {
		for _, named := range []bool{true, false} {
			d := base()
			d.opsLeft = cut
			err := persist(t, d, "new")
			if (err != nil) != (cut < whole.ops) {
				t.Fatalf("cut after %d operations: Persist = %v", cut, err)
			}
			got, loaded, loadErr := load(t, d.afterCrash(named))
			if loadErr != nil || loaded.SetAside != "" {
				t.Fatalf("cut after %d, names kept %t: load %v, set aside %q", cut, named, loadErr, loaded.SetAside)
			}
			if got != "new" && (got != "old" || err == nil) {
				t.Errorf("cut after %d, names kept %t: state %q, Persist = %v", cut, named, got, err)
			}
		}
	}
}

// A failed write is reported and does no harm; the next one succeeds.
func TestPersistError(t *testing.T) {
	for _, op := range []string{"write", "rename", "syncdir"} {
		d := newDisk()
		if err := persist(t, d, "old"); err != nil {
			t.Fatal(err)
		}
		d.failOn = op
		if err := persist(t, d, "new"); !errors.Is(err, errDisk) {
			t.Errorf("%s: Persist = %v, want the disk's error", op, err)
		}
		if got, _, err := load(t, d); err != nil || got != "old" && op != "syncdir" {
			t.Errorf("%s: loaded %q, %v", op, got, err)
		}
		if err := persist(t, d, "newer"); err != nil {
			t.Errorf("%s: second Persist = %v", op, err)
		}
		if got, _, err := load(t, d); err != nil || got != "newer" {
			t.Errorf("%s: loaded %q, %v after the second", op, got, err)
		}
	}
}

// Every caller finds its own change on the disk when Persist returns, and
// callers that wait share writes.
func TestPersistShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", "n.json")
	var changes, encoded atomic.Int64
	gate := make(chan struct{})
	started := make(chan struct{})
	var once sync.Once
	f := New(OS, path, func() ([]byte, error) {
		encoded.Add(1)
		once.Do(func() { close(started); <-gate })
		return fmt.Appendf(nil, "%d", changes.Load()), nil
	})

	var wg sync.WaitGroup
	check := func() {
		mine := changes.Add(1)
		if err := f.Persist(); err != nil {
			t.Error(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			// Between the two renames of a later write only the backup is there.
			if data, err = os.ReadFile(path + ".bak"); err != nil {
				t.Error(err)
				return
			}
		}
		var got int64
		if _, err := fmt.Sscan(string(data), &got); err != nil || got < mine {
			t.Errorf("change %d persisted as %q", mine, data)
		}
	}
	wg.Go(check)
	<-started
	const waiting = 50
	for range waiting {
		wg.Go(check)
	}
	close(gate)
	wg.Wait()
	if n := encoded.Load(); n > waiting {
		t.Errorf("%d writes for %d callers", n, waiting+1)
	}
}

func TestEncodeError(t *testing.T) {
	d := newDisk()
	if err := persist(t, d, "old"); err != nil {
		t.Fatal(err)
	}
	want := errors.New("no")
	if err := New(d, name, func() ([]byte, error) { return nil, want }).Persist(); !errors.Is(err, want) {
		t.Fatalf("Persist = %v, want the encoder's error", err)
	}
	if got := d.files[name]; got != "<old>" {
		t.Errorf("file = %q", got)
	}
}
