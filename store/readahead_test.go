package store

import (
	"sync"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// advisedFS notes what files and mappings are told about reading ahead.
type advisedFS struct {
	vfs.FS
	mu    sync.Mutex // guards both
	files map[string]bool
	maps  map[string]bool
}

type advisedFile struct {
	vfs.File
	fs   *advisedFS
	name string
}

type advisedMapping struct {
	vfs.Mapping
	fs   *advisedFS
	name string
}

func (a *advisedFS) Open(name string, write bool) (vfs.File, error) {
	f, err := a.FS.Open(name, write)
	return &advisedFile{f, a, name}, err
}

func (a *advisedFS) Create(name string) (vfs.File, error) {
	f, err := a.FS.Create(name)
	return &advisedFile{f, a, name}, err
}

func (f *advisedFile) Map(off, n int64, write bool) (vfs.Mapping, error) {
	m, err := f.File.Map(off, n, write)
	return &advisedMapping{m, f.fs, f.name}, err
}

func (f *advisedFile) ReadAhead(on bool) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.files[f.name] = on
	return nil
}

func (m *advisedMapping) ReadAhead(on bool) error {
	m.fs.mu.Lock()
	defer m.fs.mu.Unlock()
	m.fs.maps[m.name] = on
	return nil
}

// The mode reaches mapped segments, those that are made later, and those that are read by position.
func TestSetReadAhead(t *testing.T) {
	disk := &advisedFS{FS: vfs.NewMemory(), files: map[string]bool{}, maps: map[string]bool{}}
	s := mustOpen(t, smallOptions(disk, "/store"))
	running(t, s)
	s.SetReadAhead(false)
	for n := range 1500 {
		mustAppend(t, s, message("T", 0, n))
	}
	dispatchAll(t, s)
	if len(s.log.view.Load().segs) < 4 {
		t.Fatalf("only %d segments", len(s.log.view.Load().segs))
	}
	s.coolSegments()
	readAll(t, s, "T", 0)
	expect := func(want bool) {
		t.Helper()
		disk.mu.Lock()
		defer disk.mu.Unlock()
		for _, g := range s.log.view.Load().segs {
			told := disk.files
			if g.hot.Load() != nil {
				told = disk.maps
			}
			if on, known := told[g.path]; !known || on != want {
				t.Errorf("%s: told %v (%v), want %v", g.path, on, known, want)
			}
		}
	}
	expect(false)
	s.SetReadAhead(true)
	readAll(t, s, "T", 0)
	expect(true)
}
