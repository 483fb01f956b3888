package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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
}

var processes = []process{
	{"namesrv", "Name server", []string{"namesrv", "config"}, []string{"namesrv", "nettyServer", "nettyClient"}},
	{"broker", "Broker", []string{"broker", "store", "auth", "config"}, []string{"broker", "nettyServer", "nettyClient", "store", "auth", "tieredStore"}},
	{"controller", "Controller", []string{"controller", "config"}, []string{"controller", "nettyServer", "nettyClient"}},
	{"proxy", "Proxy", []string{"proxy", "auth"}, []string{"proxy", "auth"}},
}

func (p process) reads(family string) bool { return slices.Contains(p.families, family) }

// binding is a field of a struct that takes a key.
type binding struct {
	at       string // where the field stands
	inert    string // why the key has no effect nevertheless
	standard string // the default that the field names
	named    bool   // whether it names one
}

// boundKeys finds the fields for keys in some folders. Of two for one key it
// returns the one by which the key has an effect. Folders that do not exist bind
// nothing.
func boundKeys(tree string, folders []string) (map[string]binding, error) {
	bound := map[string]binding{}
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
			collectTags(files, file, bound)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return bound, nil
}

// collectTags notes the conf tags of a file.
func collectTags(files *token.FileSet, file *ast.File, bound map[string]binding) {
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.Field)
		if !ok || f.Tag == nil {
			return true
		}
		text, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return true
		}
		tag := reflect.StructTag(text)
		name, ok := tag.Lookup("conf")
		if !ok {
			return true
		}
		b := binding{at: files.Position(f.Pos()).String(), inert: tag.Get("inert")}
		b.standard, b.named = tag.Lookup("default")
		if old, seen := bound[name]; !seen || old.inert != "" {
			bound[name] = b
		}
		return true
	})
}

// startDefaults are the keys whose default the programs compute at start, so
// that a field may name another than the class has.
var startDefaults = map[string]bool{"listenPort": true, "haListenPort": true}

// check wants a field to name a key of its process, with the official default.
func (b binding) check(p process, name string, keys []*key) error {
	known := false
	for _, k := range keys {
		if k.name != name || !p.reads(k.family) {
			continue
		}
		known = true
		if !b.named || startDefaults[name] || b.standard == k.standard || strings.Contains(k.flags, "F") {
			return nil
		}
		if k.typ == "double" && strings.TrimSuffix(k.standard, ".0") == strings.TrimSuffix(b.standard, ".0") {
			return nil
		}
	}
	if known {
		return fmt.Errorf("%s: %s has the default %q, which is not the official one", b.at, name, b.standard)
	}
	return fmt.Errorf("%s: a %s has no key %s", b.at, p.name, name)
}
