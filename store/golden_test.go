package store

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

const officialDir = "testdata/official-5.5.0"

// officialOptions are the sizes that the recorded directory was made with.
func officialOptions(fs vfs.FS) Options {
	o := NewOptions("/store")
	o.FS = fs
	o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries = 16384, 400, 50, 120
	return o
}

// officialDisk is a disk in memory with the recorded directory, as far as keep wants its files.
func officialDisk(t *testing.T, keep func(name string) bool) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	err := filepath.WalkDir(officialDir, func(name string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(filepath.ToSlash(name), officialDir)
		if err != nil || d.IsDir() || path.Ext(rel) != "" || !keep(rel) {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := disk.MkdirAll(path.Dir("/store" + rel)); err != nil {
			return err
		}
		f, err := disk.Create("/store" + rel)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			return err
		}
		return f.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

func everything(string) bool { return true }

func onlyLog(name string) bool { return strings.HasPrefix(name, "/commitlog/") }

// recorded reads a text file of the recorded directory.
func recorded(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(officialDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOfficialDirectory opens what 5.5.0 left and compares what is read with what 5.5.0 itself answered: as it is, after a
// kill (as its abort file would tell), and with queues and index gone.
func TestOfficialDirectory(t *testing.T) {
	tests := []struct {
		name  string
		keep  func(string) bool
		abort bool
	}{
		{"clean", everything, false},
		{"killed", everything, true},
		{"without queues and index", onlyLog, false},
		{"killed, without a checkpoint", func(n string) bool { return n != "/checkpoint" }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := officialDisk(t, tt.keep)
			if tt.abort {
				f, err := disk.Create("/store/abort")
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
			s := mustOpen(t, officialOptions(disk))
			for range 2 { // the second time on a directory that Gantry has stopped cleanly
				if got, want := pulledText(t, s), recorded(t, "pulled.txt"); got != want {
					t.Errorf("pulled:\n%s\nwant:\n%s", got, want)
				}
				if got, want := queriedText(t, s), recorded(t, "queried.txt"); got != want {
					t.Errorf("queried:\n%s\nwant:\n%s", got, want)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = mustOpen(t, officialOptions(disk))
			}
			r := mustAppend(t, s, message("Golden", 0, 1))
			if r.QueueOffset != 15 {
				t.Errorf("the next message of queue 0 gets offset %d", r.QueueOffset)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// pulledText reads the topic in the form of pulled.txt.
func pulledText(t *testing.T, s *Store) string {
	t.Helper()
	ids, err := s.Queues("Golden")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, id := range ids {
		lo, hi, err := s.Bounds("Golden", id)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("QUEUE %d %d %d", id, lo, hi))
		for _, m := range readAll(t, s, "Golden", id) {
			tags, _ := codec.Property(m.Properties, protocol.PropertyTags)
			keys, _ := codec.Property(m.Properties, protocol.PropertyKeys)
			body, _, _ := strings.Cut(string(m.Body), " y")
			lines = append(lines, fmt.Sprintf("MSG %d %d %d %s %s %s %d", m.QueueID, m.QueueOffset, m.PhysicalOffset, tags, keys, body, len(m.Body)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// queriedText asks for the keys of queried.txt.
func queriedText(t *testing.T, s *Store) string {
	t.Helper()
	var b strings.Builder
	for _, key := range []string{"k5", "k20", "shared", "bk49_1"} {
		r, err := s.QueryIndex("Golden", protocol.IndexTypeKey, key, 64, 0, 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "KEY %s %d\n", key, len(r.Records))
		for _, record := range r.Records {
			var m codec.Message
			if _, err := codec.DecodeRecord(record, &m, true); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "  %d %d %d\n", m.QueueID, m.QueueOffset, m.PhysicalOffset)
		}
	}
	return b.String()
}

// TestOfficialBytes makes queues and index again from the official log alone and compares them with the official ones, byte
// for byte.
func TestOfficialBytes(t *testing.T) {
	disk := officialDisk(t, onlyLog)
	s := mustOpen(t, officialOptions(disk))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"commitlog", "consumequeue", "index"} {
		got, want := contents(t, memoryFiles(t, disk, "/store/"+dir)), contents(t, osFiles(t, filepath.Join(officialDir, dir)))
		if dir == "index" { // named by the time at which they were made
			got, want = withoutNames(got), withoutNames(want)
		}
		if len(got) != len(want) {
			t.Errorf("%s has %d files where the official one has %d", dir, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i].name != want[i].name || !bytes.Equal(got[i].data, want[i].data) {
				t.Errorf("%s: file %s differs from the official %s at byte %d", dir, got[i].name, want[i].name, firstDifference(got[i].data, want[i].data))
			}
		}
	}
}

type content struct {
	name string
	data []byte
}

func contents(t *testing.T, m map[string][]byte) []content {
	t.Helper()
	var list []content
	for name, data := range m {
		list = append(list, content{name, data})
	}
	slices.SortFunc(list, func(a, b content) int { return strings.Compare(a.name, b.name) })
	return list
}

func withoutNames(list []content) []content {
	for i := range list {
		list[i].name = ""
	}
	return list
}

func osFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, dir)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func memoryFiles(t *testing.T, disk vfs.FS, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	var walk func(d string)
	walk = func(d string) {
		entries, err := disk.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := path.Join(d, e.Name())
			if e.IsDir() {
				walk(name)
				continue
			}
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, info.Size())
			f, err := disk.Open(name, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.ReadAt(b, 0); err != nil && len(b) > 0 {
				t.Fatal(err)
			}
			f.Close()
			files[strings.TrimPrefix(name, dir)] = b
		}
	}
	walk(dir)
	return files
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestOfficialRecords encodes every official record again from what was decoded of it.
func TestOfficialRecords(t *testing.T) {
	n := 0
	for name, b := range osFiles(t, filepath.Join(officialDir, "commitlog")) {
		for {
			var m codec.Message
			rest, err := codec.DecodeRecord(b, &m, true)
			if err != nil {
				break
			}
			again, err := codec.AppendRecord(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			if whole := b[:len(b)-len(rest)]; !bytes.Equal(again, whole) {
				t.Errorf("%s: the record at %d becomes\n%q\nfrom\n%q", name, m.PhysicalOffset, again, whole)
			}
			n++
			b = rest
		}
	}
	if n < 60 {
		t.Errorf("only %d records were found", n)
	}
}
