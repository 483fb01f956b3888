// Command confgen turns config/definitions into the table of official keys and
// the page docs/configuration.md. Which keys have an effect it learns from the
// tree: a key does when a struct in the folders of its process has a field with
// that key in its conf tag, and something there reads the field. It is run by go
// generate in package config; what it writes is committed, and the test run
// proves that writing it again changes nothing.
package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

func main() {
	in := flag.String("in", "definitions", "folder that holds keys.csv and reasons.csv")
	tree := flag.String("tree", "..", "root of the source tree")
	out := flag.String("out", "keys_gen.go", "Go file to write")
	page := flag.String("page", "../docs/configuration.md", "page to write")
	flag.Parse()
	if err := run(*in, *tree, *out, *page); err != nil {
		fmt.Fprintln(os.Stderr, "confgen:", err)
		os.Exit(1)
	}
}

// key is a line of keys.csv with what the tree says about it.
type key struct {
	family, name, typ, standard, flags, meaning string
	reason                                      string             // why it has no effect where nothing binds it
	bound                                       map[string]binding // by process
}

func run(in, tree, out, page string) error {
	keys, err := readKeys(in)
	if err != nil {
		return err
	}
	var faults []error
	for _, p := range processes {
		src, err := readSource(tree, p.folders)
		if err != nil {
			return err
		}
		for name := range src.bound {
			if err := src.check(p, name, keys); err != nil {
				faults = append(faults, err)
			}
		}
		for _, k := range keys {
			if b, ok := src.bound[k.name]; ok && p.reads(k.family) {
				k.bound[p.name] = b
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	code, err := format.Source(goTable(keys))
	if err != nil {
		return err
	}
	if err := write(out, code); err != nil {
		return err
	}
	return write(page, markdown(keys))
}

func readKeys(in string) ([]*key, error) {
	reasonRows, err := readCSV(filepath.Join(in, "reasons.csv"))
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, row := range reasonRows {
		reasons[row[0]] = row[1]
	}
	rows, err := readCSV(filepath.Join(in, "keys.csv"))
	if err != nil {
		return nil, err
	}
	var keys []*key
	for _, row := range rows {
		reason, ok := reasons[row[5]]
		if !ok {
			return nil, fmt.Errorf("keys.csv: %s has the reason %q, which reasons.csv does not explain", row[1], row[5])
		}
		keys = append(keys, &key{
			family: row[0], name: row[1], typ: row[2], standard: row[3], flags: row[4], reason: reason, meaning: row[6],
			bound: map[string]binding{},
		})
	}
	return keys, nil
}

// readCSV reads a file without its head line.
func readCSV(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows[1:], nil
}

// write replaces a file when its content changes, so that nothing else is touched.
func write(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
