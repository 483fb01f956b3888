package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// generatedDocs are the pages that go generate writes.
var generatedDocs = []string{"docs/configuration.md", "docs/differences.md"}

// checkGenerated generates again and wants every generated file to be as it was.
// It compares contents before and after, not with the last commit, so that it tells
// the truth in a tree with uncommitted work too.
func checkGenerated(ctx context.Context) result {
	before, err := generatedFiles(os.DirFS("."))
	if err != nil {
		return one("", err)
	}
	if out, err := run(ctx, "go", "generate", "./..."); err != nil {
		return one(out, err)
	}
	after, err := generatedFiles(os.DirFS("."))
	if err != nil {
		return one("", err)
	}
	if stale := differing(before, after); len(stale) > 0 {
		return one(strings.Join(stale, "\n")+"\n", fmt.Errorf("these generated files were stale; they are fresh now, commit them"))
	}
	return one("", nil)
}

// generatedFiles maps each generated file to the hash of its content.
func generatedFiles(fsys fs.FS) (map[string][sha256.Size]byte, error) {
	hashes := map[string][sha256.Size]byte{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && p != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(p, "_gen.go") && !slices.Contains(generatedDocs, p) {
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		hashes[p] = sha256.Sum256(text)
		return err
	})
	return hashes, err
}

// differing names the files that are in one map only or not equal in both.
func differing(before, after map[string][sha256.Size]byte) []string {
	var names []string
	for p, h := range after {
		if old, ok := before[p]; !ok || old != h {
			names = append(names, p)
		}
	}
	for p := range before {
		if _, ok := after[p]; !ok {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	return names
}
