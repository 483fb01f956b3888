package store

import (
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// TestSeveralLogPaths: files take turns over the directories, one that is read only is read and not written, and one that is added
// later is used from then on.
func TestSeveralLogPaths(t *testing.T) {
	disk := vfs.NewMemory()
	o := damageOptions(disk)
	o.CommitLog = "/b,/a"
	x := sent{}
	rounds := []struct{ writable, readOnly string }{{"/b,/a", ""}, {"/b, /a", ""}, {"/b,/a,/c", ""}, {"/b,/c,/a", "/a"}}
	for i, paths := range rounds {
		o.CommitLog, o.ReadOnlyLogs = paths.writable, paths.readOnly
		s := mustOpen(t, o)
		x.check(t, s)
		x.fill(t, s, 200*i, 200)
		dispatchAll(t, s)
		x.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := logFiles(t, disk, "/a"), logFiles(t, disk, "/b"), logFiles(t, disk, "/c")
	if len(a) < 3 || len(b) < 3 || len(c) < 1 || len(logFiles(t, disk, "/store/commitlog")) > 0 {
		t.Errorf("files lie in /a %v, /b %v, /c %v", a, b, c)
	}
	if !slices.Contains(a, segmentName(0)) || !slices.Contains(b, segmentName(16<<10)) {
		t.Errorf("the first file should be in /a and the second in /b, as upstream has it: %v, %v", a, b)
	}
	if last := slices.Max(slices.Concat(a, b, c)); slices.Contains(a, last) {
		t.Errorf("the newest file lies where files are only read: %s", last)
	}
	if open := disk.OpenFiles(); len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
}

// logFiles lists a directory.
func logFiles(t *testing.T, disk vfs.FS, dir string) []string {
	t.Helper()
	entries, err := disk.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestLogPaths(t *testing.T) {
	p, err := newLogPaths(nil, " /a,/b,/c/ ", "/b")
	if err != nil || p.String() != "/a,/c" || !slices.Equal(p.readOnly, []string{"/b"}) {
		t.Errorf("%v, %v, %v", p.writable, p.readOnly, err)
	}
	if _, err := newLogPaths(nil, "/a,/b", "/b,/a"); err == nil || !strings.Contains(err.Error(), "readOnlyCommitLogStorePaths") {
		t.Errorf("no place to write: %v", err)
	}
	var got []string
	for i := range int64(4) {
		got = append(got, p.choose(i*100, 100))
	}
	if !slices.Equal(got, []string{"/a", "/c", "/a", "/c"}) {
		t.Errorf("chosen in turn: %v", got)
	}
	p.full = func(dir string) bool { return dir == "/a" }
	if dir := p.choose(0, 100); dir != "/c" {
		t.Errorf("chosen while /a is full: %s", dir)
	}
	p.full = func(string) bool { return true }
	if dir := p.choose(0, 100); dir != "/a" {
		t.Errorf("chosen while all are full: %s", dir)
	}
	if r := p.ratio(func(dir string) float64 { return map[string]float64{"/a": 0.9, "/c": 0.2}[dir] }); r != 0.2 {
		t.Errorf("%v full", r)
	}
	if r := p.ratio(func(string) float64 { return -1 }); r != -1 {
		t.Errorf("%v full where nothing can be told", r)
	}
}
