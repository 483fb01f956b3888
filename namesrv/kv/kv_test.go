package kv

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/configfile"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, _, err := Open(configfile.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOfficialFile begins with a file that 5.5.0 wrote and ends with the bytes
// that 5.5.0 would have written.
func TestOfficialFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "namesrv", "kvConfig.json")
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	const official = `{"configTable":{"a":{},"ORDER_TOPIC_CONFIG":{"T1":"bk-a:4;bk-b:4"}}}`
	must(t, os.WriteFile(path, []byte(official), 0o644))

	s := open(t, path)
	if v, ok := s.Get(OrderTopics, "T1"); !ok || v != "bk-a:4;bk-b:4" {
		t.Errorf("T1 is %q, %v", v, ok)
	}
	if table, ok := s.List("a"); !ok || len(table) != 0 {
		t.Errorf("the empty namespace is %v, %v", table, ok)
	}
	must(t, s.Put("a", "k", "v\"1\n"))
	for name, want := range map[string]string{
		path:          `{"configTable":{"ORDER_TOPIC_CONFIG":{"T1":"bk-a:4;bk-b:4"},"a":{"k":"v\"1\n"}}}`,
		path + ".bak": official,
	} {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s holds %s (%v), want %s", filepath.Base(name), got, err, want)
		}
	}
}

func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kvConfig.json")
	s := open(t, path)
	if _, ok := s.List("n"); ok {
		t.Error("a namespace exists before it was written to")
	}
	must(t, s.Put("n", "k", "v"))
	must(t, s.Put("n", "empty", ""))
	must(t, s.PutNothing("m", "k"))
	must(t, s.Put("n", "gone", "v"))
	must(t, s.PutNothing("n", "gone"))
	must(t, s.Delete("n", "absent"))
	must(t, s.Delete("absent", "absent"))
	for _, again := range []*Store{s, open(t, path)} {
		if table, _ := again.List("n"); !maps.Equal(table, map[string]string{"k": "v", "empty": ""}) {
			t.Errorf("n is %v", table)
		}
		if v, ok := again.Get("n", "empty"); !ok || v != "" {
			t.Errorf("the empty value is %q, %v", v, ok)
		}
		if table, ok := again.List("m"); !ok || len(table) != 0 {
			t.Errorf("m is %v, %v", table, ok)
		}
		if _, ok := again.List("absent"); ok {
			t.Error("deleting created a namespace")
		}
	}
}

func TestTornFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kvConfig.json")
	must(t, os.WriteFile(path, []byte(`{"configTable":{"n":{"k"`), 0o644))
	must(t, os.WriteFile(path+".bak", []byte(`{"configTable":{"n":{"k":"old"}}}`), 0o644))
	s, loaded, err := Open(configfile.OS, path)
	must(t, err)
	if loaded.Origin != configfile.FromBackup || loaded.SetAside == "" {
		t.Errorf("loaded %+v", loaded)
	}
	if v, _ := s.Get("n", "k"); v != "old" {
		t.Errorf("k is %q", v)
	}
}

func TestConcurrentPuts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kvConfig.json")
	s := open(t, path)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Put("n", fmt.Sprint(i), "v"); err != nil {
				t.Error(err)
			}
			s.Get("n", "0")
			s.List("n")
		})
	}
	wg.Wait()
	if table, _ := open(t, path).List("n"); len(table) != 20 {
		t.Errorf("%d of 20 values are in the file", len(table))
	}
}
