package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// process is a kind of process: the folders whose structs take its settings, and
// the families of keys that it reads.
type process struct {
	name, title string
	folders     []string
	families    []string
	port        string // its default of listenPort, which the class leaves to the program
}

// shared are the folders whose structs several kinds of process take settings
// through.
var shared = []string{"config", "remoting"}

var processes = []process{
	{"namesrv", "Name server", []string{"namesrv", "config", "remoting"}, []string{"namesrv", "nettyServer", "nettyClient", "tls"}, "9876"},
	{"broker", "Broker", []string{"broker", "store", "auth", "config", "remoting"}, []string{"broker", "nettyServer", "nettyClient", "store", "auth", "tieredStore", "tls"}, "10911"},
	{"controller", "Controller", []string{"controller", "config"}, []string{"controller", "nettyServer", "nettyClient"}, "19876"},
	{"proxy", "Proxy", []string{"proxy", "auth"}, []string{"proxy", "auth"}, ""},
}

func (p process) reads(family string) bool { return slices.Contains(p.families, family) }

// binding is a field of a struct that takes a key.
type binding struct {
	at      string // where the field stands
	shared  bool   // whether that is a room of several kinds of process
	field   string // its name
	atStart bool   // whether it is looked at only when the process starts
	extra   string // a tag that the definitions have the say on
}

// source is what the files of a process's folders say about its settings.
type source struct {
	bound map[string]binding // by key
	read  map[string]bool    // names of fields that some expression selects
}

// readSource looks for fields for keys in some folders, and for who reads them.
// Folders that do not exist say nothing, and a field of the shared folder means
// nothing to a process that does not read it.
func readSource(tree string, folders []string) (*source, error) {
	src := &source{bound: map[string]binding{}, read: map[string]bool{}}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(tree, folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") ||
				strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_gen.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			src.collect(files, file, slices.Contains(shared, folder))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(src.bound, func(_ string, b binding) bool { return b.shared && !src.read[b.field] })
	return src, nil
}

// collect notes the conf tags of a file and the fields that it reads.
func (src *source) collect(files *token.FileSet, file *ast.File, inShared bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			src.read[n.Sel.Name] = true
		case *ast.Field:
			src.collectField(files, n, inShared)
		}
		return true
	})
}

func (src *source) collectField(files *token.FileSet, f *ast.Field, inShared bool) {
	if f.Tag == nil || len(f.Names) == 0 {
		return
	}
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return
	}
	tag := reflect.StructTag(text)
	key, ok := tag.Lookup("conf")
	if !ok {
		return
	}
	b := binding{at: files.Position(f.Pos()).String(), shared: inShared, field: f.Names[0].Name, atStart: tag.Get("when") == "start"}
	for _, name := range []string{"default", "inert"} {
		if _, ok := tag.Lookup(name); ok {
			b.extra = name
		}
	}
	src.bound[key] = b
}

// check wants a field to name a key of its process, to leave the rest to the
// definitions, and to be read: a key that nobody looks at is not honoured.
func (src *source) check(p process, name string, keys []*key) error {
	b := src.bound[name]
	known := slices.ContainsFunc(keys, func(k *key) bool { return k.name == name && (b.shared || p.reads(k.family)) })
	switch {
	case !known:
		return fmt.Errorf("%s: a %s has no key %s", b.at, p.name, name)
	case b.extra != "":
		return fmt.Errorf("%s: the tag %s of %s is of no use: config/definitions/keys.csv says it", b.at, b.extra, name)
	case !src.read[b.field]:
		return fmt.Errorf("%s: %s is bound to %s, which nobody reads: a key without effect needs no field", b.at, name, b.field)
	}
	return nil
}
