package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a module of the given files, each by its path.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module example.org/m\n\ngo 1.26\n")}}
	for p, text := range files {
		fsys[p] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// Each sample breaks one rule, and exactly that is reported.
func TestRulesReport(t *testing.T) {
	const doc = "// Package store keeps.\npackage store\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // "path:line: part of the text", in order
	}{
		"clean": {files: map[string]string{"store/a.go": doc + "import _ \"example.org/m/codec\"\n"}},

		"direction": {
			files: map[string]string{"store/a.go": doc + "import _ \"example.org/m/remoting\"\n"},
			want:  []string{"store/a.go:3: store must not import remoting"},
		},
		"direction in a test": {
			files: map[string]string{"store/a.go": doc, "store/a_test.go": "package store\nimport _ \"example.org/m/broker\"\n"},
			want:  []string{"store/a_test.go:2: store must not import broker"},
		},
		"unknown room": {
			files: map[string]string{"attic/a.go": "// Package attic keeps.\npackage attic\n"},
			want:  []string{"attic/a.go:1: folder attic has no row"},
		},
		"log in a quiet room": {
			files: map[string]string{"store/a.go": doc + "import _ \"log/slog\"\n"},
			want:  []string{"store/a.go:3: store writes no log"},
		},
		"socket in the store": {
			files: map[string]string{"store/a.go": doc + "import _ \"net\"\n"},
			want:  []string{"store/a.go:3: store knows no sockets"},
		},
		"no package comment": {
			files: map[string]string{"store/a.go": "package store\n"},
			want:  []string{"store/a.go:1: package store has no package comment"},
		},
		"two package comments": {
			files: map[string]string{"store/a.go": doc, "store/b.go": doc},
			want:  []string{"store/b.go:1: package store has a second package comment"},
		},
		"package comment of another form": {
			files: map[string]string{"store/a.go": "// It keeps.\npackage store\n"},
			want:  []string{`store/a.go:1: the package comment starts with "Package store "`},
		},
		"exported without comment": {
			files: map[string]string{"store/a.go": doc + "func F() {}\ntype T struct{}\nfunc (T) M() {}\nfunc (T) String() string { return \"\" }\nvar V int\ntype u struct{}\nfunc (u) M() {}\n"},
			want:  []string{"store/a.go:3: exported F", "store/a.go:4: exported T", "store/a.go:5: exported M", "store/a.go:7: exported V"},
		},
		"group explained at its head": {
			files: map[string]string{"store/a.go": doc + "// The sizes.\nconst (\n\tA = 1\n\tB = 2\n)\n"},
		},
		"drawer": {
			files: map[string]string{"store/util/a.go": "// Package util helps.\npackage util\n"},
			want:  []string{"store/util/a.go:1: package name util says nothing"},
		},
		"long file": {
			files: map[string]string{"store/a.go": doc + strings.Repeat("\n", maxLines), "store/b_gen.go": "package store\n" + strings.Repeat("\n", maxLines)},
			want:  []string{"store/a.go:601: 602 lines"},
		},
		"open work": {
			files: map[string]string{"store/a.go": doc + "// TO" + "DO: later\nconst a = \"TO" + "DO\"\n"},
			want:  []string{"store/a.go:3: TO" + "DO in a comment"},
		},
		"go statement": {
			files: map[string]string{"store/a.go": doc + "func f() {\n\tgo f()\n}\n", "store/a_test.go": "package store\nfunc g() { go g() }\n"},
			want:  []string{"store/a.go:4: go statement"},
		},
		"nobody waits": {
			files: map[string]string{"store/a.go": doc + "func (s *s) f() {\n\ts.wg.Go(s.f)\n\ts.other.Go(s.f)\n\ts.other.Wait()\n}\n"},
			want:  []string{"store/a.go:4: wg.Go starts a goroutine, and nothing"},
		},
		"exit from a library": {
			files: map[string]string{"store/a.go": doc + "import \"os\"\nfunc f() {\n\tos.Exit(1)\n}\n"},
			want:  []string{"store/a.go:5: os.Exit outside of a command"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			faults, err := lint(tree(c.files))
			if err != nil {
				t.Fatal(err)
			}
			if len(faults) != len(c.want) {
				t.Fatalf("got %v, want %q", faults, c.want)
			}
			for i, f := range faults {
				if !strings.HasPrefix(f.String(), c.want[i]) {
					t.Errorf("got  %s\nwant %s", f, c.want[i])
				}
			}
		})
	}
}

func TestDependenciesNeedReasons(t *testing.T) {
	fsys := tree(nil)
	fsys["go.mod"].Data = []byte("module example.org/m\n\nrequire example.org/one v1.0.0\n\nrequire (\n\texample.org/two v1.0.0\n\texample.org/deep v1.0.0 // indirect\n\texample.org/three v1.0.0\n)\n")
	fsys["DESIGN.md"] = &fstest.MapFile{Data: []byte("| `example.org/two` | why |\n")}
	faults, err := lint(fsys)
	if err != nil || len(faults) != 2 {
		t.Fatalf("got %v, %v, want one and three", faults, err)
	}
	for i, want := range []string{"go.mod:3: example.org/one is required", "go.mod:8: example.org/three is required"} {
		if !strings.HasPrefix(faults[i].String(), want) {
			t.Errorf("got %s, want %s", faults[i], want)
		}
	}
}

func TestMayImport(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"protocol", "codec", false},
		{"protocol", "compat", false},
		{"compat", "protocol", true},
		{"codec", "compat", true},
		{"codec", "metrics", true},
		{"remoting", "protocol", true}, // by way of codec
		{"remoting", "store", false},
		{"store", "remoting", false},
		{"store", "store/vfs", true},
		{"store/vfs", "store", false},
		{"store/vfs", "codec", false},
		{"broker", "store", true},
		{"broker", "store/vfs", true},
		{"broker", "namesrv", false},
		{"namesrv", "broker", false},
		{"namesrv", "store", false},
		{"namesrv", "namesrv/routes", true},
		{"namesrv/routes", "namesrv", false},
		{"namesrv/routes", "remoting", false},
		{"namesrv/kv", "configfile", true},
		{"namesrv/kv", "broker/offsets", false},
		{"configfile", "compat", false},
		{"broker/offsets", "broker", false},
		{"broker/offsets", "broker/topics", false},
		{"broker/offsets", "configfile", true},
		{"broker/offsets", "remoting", false},
		{"broker/delay", "store", true},
		{"proxy", "broker", true},
		{"proxy", "store", true}, // by way of the broker
		{"admin", "broker", false},
		{"bench", "codec", true},
		{"bench", "broker", false},
		{"conformance", "codec", true},
		{"conformance", "broker", false},
		{"conformance", "conformance/wire", true},
		{"conformance/wire", "conformance/wiretap", true},
		{"conformance/wire", "store", false},
		{"cmd/gantry", "conformance", false},
		{"cmd/gantry", "broker", true},
		{"cmd/conformance", "conformance", true},
		{"cmd/conformance", "broker", false},
		{"attic", "protocol", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("mayImport(%q, %q) = %v", c.from, c.to, got)
		}
	}
}

func TestStrangersAreFound(t *testing.T) {
	got := strangersIn(server, []string{
		"fmt", "example.org/m/broker", "github.com/sirupsen/logrus",
		"github.com/testcontainers/testcontainers-go", "github.com/apache/rocketmq-client-go/v2/primitive",
		"example.org/m/conformance/wire", "testing",
	}, strangers)
	if len(got) != 4 {
		t.Errorf("found %v, want the last four", got)
	}
	if got := strangersIn("broker", []string{"os", "os/exec", "plugin"}, launchers); len(got) != 2 {
		t.Errorf("found %v, want what starts programs and what loads code", got)
	}
}

func TestBrokenTreesAreErrors(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"no module":    {"a.go": {Data: []byte("package a\n")}},
		"not Go":       tree(map[string]string{"store/a.go": "not Go\n"}),
		"go.mod empty": {"go.mod": {Data: nil}},
	} {
		if faults, err := lint(fsys); err == nil {
			t.Errorf("%s: no error, faults %v", name, faults)
		}
	}
}

// The table itself: every row's imports have rows, and none is listed twice.
func TestRoomsAreConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rooms {
		if seen[r.dir] {
			t.Errorf("row %s stands twice", r.dir)
		}
		seen[r.dir] = true
		for _, i := range r.imports {
			if roomOf(i) == nil {
				t.Errorf("row %s imports %s, which has no row", r.dir, i)
			}
		}
	}
	for _, o := range open {
		if !seen[o] {
			t.Errorf("open room %s has no row", o)
		}
	}
}

// The exit status is what make looks at.
func TestRunFailsOnFaults(t *testing.T) {
	root := t.TempDir()
	if err := os.CopyFS(root, tree(map[string]string{"store/a.go": "package store\n"})); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if status := run(root, &out); status != 1 || !strings.Contains(out.String(), "no package comment") {
		t.Errorf("status %d, output %q", status, out.String())
	}
	if status := run(t.TempDir(), &out); status != 2 {
		t.Errorf("status %d for a folder without go.mod", status)
	}
}
