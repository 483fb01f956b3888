package table

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// numbers is a table with its file, as topics and groups have one.
type numbers struct {
	Table[number]
	file *configfile.File
}

type number struct {
	N int `json:"n"`
}

type numbersFile struct {
	DataVersion protocol.DataVersion `json:"dataVersion"`
	Numbers     map[string]*number   `json:"numbers"`
}

func open(path string) (*numbers, configfile.Loaded, error) {
	t := &numbers{}
	t.file = configfile.New(configfile.OS, path, func() ([]byte, error) {
		t.Lock()
		f := numbersFile{t.Version, t.Snapshot()}
		t.Written()
		t.Unlock()
		return compat.AppendFastjson(nil, f, compat.Pretty)
	})
	t.file.Grow(t.Growth())
	loaded, err := t.file.Load(func(b []byte) error {
		var f numbersFile
		if err := compat.UnmarshalFastjson(b, &f); err != nil {
			return err
		}
		for name, n := range f.Numbers {
			t.Lay(name, n)
		}
		t.Version = f.DataVersion
		return nil
	})
	return t, loaded, err
}

// change makes one change and brings it into the file.
func (t *numbers) change(test *testing.T, edit func()) {
	test.Helper()
	t.Lock()
	edit()
	t.Step(int64(len(t.Snapshot())))
	t.Unlock()
	if err := t.file.PersistChanges(); err != nil {
		test.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a new process reads is what the old one had, whichever way a change went into
// the file.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers.json")
	table, _, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, edit := range []func(){
		func() { table.Put("one", &number{1}) },
		func() { table.Put("two", &number{2}); table.Put("three\"é", &number{3}) },
		func() { table.Put("one", &number{11}) },
		func() { table.Delete("two"); table.Delete("absent") },
		func() { table.Rewrite() },
		func() { table.Put("two", &number{22}) },
	} {
		table.change(t, edit)
		again, loaded, err := open(path)
		if err != nil || loaded.Origin != configfile.FromFile {
			t.Fatalf("after change %d: origin %d, %v", i, loaded.Origin, err)
		}
		if got, want := again.Snapshot(), table.Snapshot(); again.Version != table.Version || !reflect.DeepEqual(got, want) {
			t.Errorf("after change %d the file has %v at %+v, want %v at %+v", i, got, again.Version, want, table.Version)
		}
	}
	if table.Version.Counter != 6 {
		t.Errorf("six changes make the version %+v", table.Version)
	}
}

// Wherever the last changes are cut, everything that was in the file before is still
// there.
func TestTornFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers.json")
	table, _, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	table.change(t, func() { table.Put("base", &number{0}) })
	whole := read(t, path)
	for i := range 3 {
		table.change(t, func() { table.Put(fmt.Sprintf("grown%d", i), &number{i}) })
	}
	grown := read(t, path)
	if len(grown) <= len(whole) || string(grown[:len(whole)-len(Closing)]) != string(whole[:len(whole)-len(Closing)]) {
		t.Fatalf("the file was not appended to: %s", grown)
	}
	for cut := len(whole) - len(Closing); cut <= len(grown); cut++ {
		torn := append(grown[:cut:cut], whole[min(cut, len(whole)):]...) // a write that was cut leaves the rest as it was
		if err := os.WriteFile(path, torn, 0o644); err != nil {
			t.Fatal(err)
		}
		again, loaded, err := open(path)
		if err != nil || loaded.SetAside != "" || again.Get("base") == nil {
			t.Fatalf("cut at %d, ending in %q: %v, %v", cut, torn[max(0, len(torn)-20):], err, loaded.Reason)
		}
	}
}

func TestPage(t *testing.T) {
	all := map[string]*number{"c": {}, "a": {}, "e": {}, "b": {}, "d": {}}
	version, other := protocol.DataVersion{Counter: 7}, protocol.DataVersion{Counter: 8}
	for _, tt := range []struct {
		known       *protocol.DataVersion
		from, limit int
		want        []string
	}{
		{nil, 0, 2, []string{"a", "b"}},
		{nil, 3, 2, []string{"a", "b"}},
		{&other, 3, 2, []string{"a", "b"}},
		{&version, 3, 2, []string{"d", "e"}},
		{&version, 4, 9, []string{"e"}},
		{&version, 5, 2, nil},
		{&version, -1, 2, nil},
		{&version, 0, 0, nil},
		{&version, 0, -1, nil},
	} {
		if got := Page(all, version, tt.known, tt.from, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("known %v, from %d, limit %d: %q, want %q", tt.known, tt.from, tt.limit, got, tt.want)
		}
	}
}
