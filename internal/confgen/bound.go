package main

import (
	"errors"
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
	{"proxy", "Proxy", []string{"proxy", "auth", "config"}, []string{"proxy", "auth"}},
}

func (p process) reads(family string) bool { return slices.Contains(p.families, family) }

// boundKeys finds the keys that structs in some folders have fields for, each
// with the reason of its inert tag. Folders that do not exist bind nothing.
func boundKeys(tree string, folders []string) (map[string]string, error) {
	bound := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(tree, folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") ||
				strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_gen.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			collectTags(file, bound)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return bound, nil
}

// collectTags notes the conf tags of a file. A key that is bound twice has an
// effect when one of its fields has.
func collectTags(file *ast.File, bound map[string]string) {
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
		if why, seen := bound[name]; !seen || why != "" {
			bound[name] = tag.Get("inert")
		}
		return true
	})
}
