package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// module is the parsed source tree.
type module struct {
	fsys     fs.FS
	path     string // import path, from go.mod
	fset     *token.FileSet
	packages []*pkg
}

// pkg is one folder that holds Go files.
type pkg struct {
	dir   string // slash-separated, relative to the root; "." is the root itself
	name  string // of its files that are no tests; of its tests where it has nothing else
	files []*file
}

// file is one Go file.
type file struct {
	path      string // relative to the root
	text      []byte
	ast       *ast.File
	test      bool
	generated bool
}

// imports yields each import path of the file with its line.
func (m *module) imports(f *file) map[string]int {
	found := make(map[string]int, len(f.ast.Imports))
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			found[p] = m.line(spec.Pos())
		}
	}
	return found
}

// line is the line of a position in its file.
func (m *module) line(pos token.Pos) int { return m.fset.Position(pos).Line }

// loadModule reads go.mod and parses every Go file below it. Folders that the go
// command passes over (testdata, vendor, names with a leading dot or underscore)
// are passed over here too.
func loadModule(fsys fs.FS) (*module, error) {
	m := &module{fsys: fsys, fset: token.NewFileSet()}
	var err error
	if m.path, err = modulePath(fsys); err != nil {
		return nil, err
	}
	byDir := map[string]*pkg{}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if p != "." && passedOver(d.Name()) {
				return fs.SkipDir
			}
			return nil
		case path.Ext(p) != ".go":
			return nil
		}
		f, err := m.parse(fsys, p)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
			m.packages = append(m.packages, byDir[dir])
		}
		byDir[dir].add(f)
		return nil
	})
	return m, err
}

func passedOver(dir string) bool {
	return dir == "testdata" || dir == "vendor" || dir[0] == '.' || dir[0] == '_'
}

func modulePath(fsys fs.FS) (string, error) {
	text, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return "", fmt.Errorf("no Go module here: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if p, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(p), nil
		}
	}
	return "", errors.New("go.mod names no module")
}

func (m *module) parse(fsys fs.FS, p string) (*file, error) {
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseFile(m.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		path: p, text: text, ast: tree,
		test:      strings.HasSuffix(p, "_test.go"),
		generated: strings.HasSuffix(p, "_gen.go"),
	}, nil
}

func (p *pkg) add(f *file) {
	if p.name == "" || !f.test {
		p.name = f.ast.Name.Name
	}
	p.files = append(p.files, f)
}

// lines counts the lines of a file.
func (f *file) lines() int { return bytes.Count(f.text, []byte{'\n'}) }
