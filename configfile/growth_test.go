package configfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// list is a table that grows: "<a\n;b\n;c>". The last of several closings counts.
type list struct {
	items, fresh []string
	removed      bool
	wholes       int // times that encode was called
}

func (l *list) encode() ([]byte, error) {
	l.fresh, l.removed = nil, false
	l.wholes++
	return []byte("<" + strings.Join(l.items, ",") + ">"), nil
}

func (l *list) changes(dst []byte) ([]byte, int, bool) {
	if l.removed {
		return dst, 0, false
	}
	for _, item := range l.fresh {
		dst = append(append(dst, "\n;"...), item...)
	}
	l.fresh = nil
	return append(dst, ">"...), 1, true
}

func (l *list) decode(b []byte) error {
	s := string(b)
	if !strings.HasPrefix(s, "<") || !strings.HasSuffix(s, ">") || strings.Count(s, ">") > 1 {
		return fmt.Errorf("%q is not whole", s)
	}
	l.items = strings.Split(strings.ReplaceAll(s[1:len(s)-1], "\n;", ","), ",")
	return nil
}

func (l *list) open(d *disk) *File {
	f := New(d, name, l.encode)
	f.Grow(Growth{Closing: ">", Entry: "\n;", Changes: l.changes})
	return f
}

func (l *list) add(f *File, item string) error {
	l.items, l.fresh = append(l.items, item), append(l.fresh, item)
	return f.PersistChanges()
}

func loadList(t *testing.T, d *disk) (items []string, loaded Loaded) {
	t.Helper()
	var l list
	loaded, err := l.open(d).Load(l.decode)
	if err != nil {
		t.Fatal(err)
	}
	return l.items, loaded
}

func TestChangesAreAppended(t *testing.T) {
	d, l := newDisk(), &list{items: []string{"a"}}
	f := l.open(d)
	if err := l.add(f, "b"); err != nil { // nobody knows what the file is before the first write
		t.Fatal(err)
	}
	for i := range 100 {
		if err := l.add(f, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if got, _ := loadList(t, d); !slices.Equal(got, l.items) {
			t.Fatalf("after %d: %q, want %q", i, got, l.items)
		}
	}
	if l.wholes != 1 {
		t.Errorf("100 changes wrote the whole file %d times", l.wholes)
	}
	if err := f.Settle(); err != nil || l.wholes != 2 || strings.Contains(d.files[name], ";") {
		t.Errorf("settled: %v, %d writes of the whole file %q", err, l.wholes, d.files[name])
	}
	if err := f.Settle(); err != nil || l.wholes != 2 {
		t.Errorf("settled again: %v, %d writes of the whole file", err, l.wholes)
	}
	l.items, l.removed = l.items[1:], true
	if err := l.add(f, "after"); err != nil {
		t.Fatal(err)
	}
	if got, _ := loadList(t, d); l.wholes != 3 || !slices.Equal(got, l.items) {
		t.Errorf("after a removal %q, want %q, in %d writes of the whole file", got, l.items, l.wholes)
	}
}

// TestGrowthIsBounded: a file that has grown to twice its size is written anew.
func TestGrowthIsBounded(t *testing.T) {
	d, l := newDisk(), &list{items: []string{"a"}}
	f := l.open(d)
	item := strings.Repeat("x", 1<<10)
	for range 4 * wholeBelow / len(item) {
		if err := l.add(f, item); err != nil {
			t.Fatal(err)
		}
	}
	if l.wholes < 2 || l.wholes > 5 {
		t.Errorf("the whole file was written %d times", l.wholes)
	}
}

// TestTornChange: cut inside any change, the next start has all before it and,
// once it was answered, the change.
func TestTornChange(t *testing.T) {
	for cut := 1; cut < 40; cut++ { // what was synced before does not get shorter
		d, l := newDisk(), &list{items: []string{"a"}}
		f := l.open(d)
		if err := l.add(f, "b"); err != nil {
			t.Fatal(err)
		}
		whole := d.files[name]
		for _, item := range []string{"first", "second", "third"} {
			if err := l.add(f, item); err != nil {
				t.Fatal(err)
			}
		}
		n := len(whole) - len(">") + cut
		if n > len(d.files[name]) {
			break
		}
		d.files[name] = d.files[name][:n]
		got, loaded := loadList(t, d)
		if loaded.SetAside != "" || len(got) < 2 || !slices.Equal(got, l.items[:len(got)]) || loaded.Origin != FromFile {
			t.Errorf("cut at %d of %q: %q from %d", n, d.files[name], got, loaded.Origin)
		}
	}
}

// TestFailedChange: what cannot be appended is written as a whole, and a file of
// which nobody knows what it holds is not appended to.
func TestFailedChange(t *testing.T) {
	d, l := newDisk(), &list{items: []string{"a"}}
	f := l.open(d)
	if err := l.add(f, "b"); err != nil {
		t.Fatal(err)
	}
	d.failOn = "patch"
	if err := l.add(f, "c"); err != nil || l.wholes != 2 {
		t.Errorf("a change that could not be appended: %v, %d writes of the whole file", err, l.wholes)
	}
	d.opsLeft = 0
	if err := l.add(f, "d"); !errors.Is(err, errCut) {
		t.Errorf("a dead disk took a change: %v", err)
	}
	d.opsLeft = -1
	if err := l.add(f, "e"); err != nil {
		t.Fatal(err)
	}
	if got, _ := loadList(t, d); !slices.Equal(got, l.items) {
		t.Errorf("%q, want %q", got, l.items)
	}
}
