package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// open is a copy of a directory in a place that every user may look into.
func open(t *testing.T, good string) string {
	t.Helper()
	top, err := os.MkdirTemp("", "gantry-open-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		filepath.WalkDir(top, func(name string, _ os.DirEntry, _ error) error { return os.Chmod(name, 0o700) })
		os.RemoveAll(top)
	})
	dir := filepath.Join(top, "store")
	if err := errors.Join(os.Chmod(top, 0o755), os.CopyFS(dir, os.DirFS(good))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// each calls a function with the name of every file and directory, what is deeper first.
func each(t *testing.T, dir string, do func(name string) error) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	for i := len(names) - 1; i >= 0 && err == nil; i-- {
		err = do(names[i])
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoPermission: an ordinary user who may not write the directory, or not read a part of it, is told so, and nothing has changed.
func TestNoPermission(t *testing.T) {
	p := process{binary: self(t)}
	good := leftBehind(t, p)
	own := func(string) error { return nil }
	if os.Getuid() == 0 { // who may do anything, and lets somebody else try
		p.user = nobody
		own = func(name string) error { return os.Chown(name, nobody, nobody) }
	}
	const active = "commitlog/00000000000000327680"
	for _, tt := range []struct {
		name string
		take func(t *testing.T, dir string) // takes the permission away
		want string                         // what the sentence names
	}{
		{"a directory that may be read only", func(t *testing.T, dir string) { each(t, dir, func(name string) error { return os.Chmod(name, 0o555) }) }, "store"},
		{"a directory that may not be looked into", func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0); err != nil {
				t.Fatal(err)
			}
		}, "store"},
		{"a log file that may not be opened", func(t *testing.T, dir string) {
			each(t, dir, own)
			if err := os.Chmod(dir+"/"+active, 0); err != nil {
				t.Fatal(err)
			}
		}, active},
		{"a log that may not be written", func(t *testing.T, dir string) {
			each(t, dir, own)
			each(t, dir+"/commitlog", func(name string) error { return os.Chmod(name, 0o555) })
		}, "commitlog"},
		{"a table that may not be read", func(t *testing.T, dir string) {
			each(t, dir, own)
			if err := os.Chmod(dir+"/config/topics.json", 0); err != nil {
				t.Fatal(err)
			}
		}, "config/topics.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := open(t, good)
			before := tree(t, dir)
			tt.take(t, dir)
			out, code := p.run(t, booted, brokerOn(dir)...)
			if code != 1 || strings.Contains(out, booted) {
				t.Errorf("the broker ended with %d", code)
			}
			for _, want := range []string{"gantry: ", tt.want, "permission denied"} {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			each(t, dir, func(name string) error {
				info, err := os.Stat(name)
				if err == nil && info.IsDir() {
					return os.Chmod(name, 0o755)
				}
				return errors.Join(err, os.Chmod(name, 0o644))
			})
			for _, line := range differences(before, tree(t, dir)) {
				if !strings.Contains(line, "bytes") || sums(line) {
					t.Errorf("the refused start has changed %s", line)
				}
			}
		})
	}
}

// sums reports whether the contents differ in a line of differences, and not the permissions alone.
func sums(line string) bool {
	a, b, _ := strings.Cut(line, ", then ")
	_, a, _ = strings.Cut(a, "sum ")
	_, b, _ = strings.Cut(b, "sum ")
	return a != b
}

// TestReadOnlyFileSystem: on a file system that is mounted for reading the start is refused with its name.
func TestReadOnlyFileSystem(t *testing.T) {
	p := process{binary: self(t)}
	dir := open(t, leftBehind(t, p))
	want := "read-only file system"
	err := unix.Mount(dir, dir, "", unix.MS_BIND, "")
	if err == nil {
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Errorf("unmount: %v", err)
			}
		})
		err = unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	if err != nil { // who may not mount gets the kernel's own, where nobody can make a file
		t.Logf("nothing can be mounted here: %v", err)
		dir, want = "/proc/self/fdinfo", ""
	}
	before := map[string]string{}
	if want != "" {
		before = tree(t, dir)
	}
	out, code := p.run(t, booted, brokerOn(dir)...)
	if code != 1 || !strings.Contains(out, "gantry: ") || !strings.Contains(out, dir) || !strings.Contains(out, want) {
		t.Errorf("the broker ended with %d and said:\n%s", code, out)
	}
	if want == "" {
		return
	}
	if changed := differences(before, tree(t, dir)); len(changed) > 0 {
		t.Errorf("the refused start has changed:\n%s", strings.Join(changed, "\n"))
	}
	if out, code := p.run(t, "", append([]string{"store", "verify", "--index-slots", "100", "--index-entries", "400"}, dir)...); code != 0 {
		t.Errorf("it cannot be verified where it is:\n%s", out)
	}
}
