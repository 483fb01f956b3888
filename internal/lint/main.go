// Command lint holds the tree to the rules of the house that no stock tool
// knows: which room may import which, where goroutines are started, what is
// documented, how long a file may be. make test runs it from the root of the
// module.
//
//	go run ./internal/lint [folder]
//
// It parses every Go file and type-checks none, so it is fast and needs nothing
// but the standard library. Each rule is a function from the parsed module to
// faults and stands in a file of its own with its reason.
package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// fault is one place that breaks a rule.
type fault struct {
	path string
	line int
	text string
}

func (f fault) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

// rules are the checks that need nothing but the sources.
var rules = []func(*module) []fault{
	checkImports,
	checkPackageDocs,
	checkExportedDocs,
	checkPackageNames,
	checkFileLength,
	checkOpenWork,
	checkGoroutines,
	checkExits,
	checkDependencies,
}

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	os.Exit(run(root, os.Stdout))
}

// run checks the module in root, prints what it finds and returns the exit status.
func run(root string, out io.Writer) int {
	faults, err := lint(os.DirFS(root))
	if err == nil {
		var reached []fault
		reached, err = checkReach(root)
		faults = append(faults, reached...)
	}
	if err != nil {
		fmt.Fprintf(out, "lint: %v\n", err)
		return 2
	}
	for _, f := range faults {
		fmt.Fprintln(out, f)
	}
	if len(faults) > 0 {
		fmt.Fprintf(out, "lint: %d faults\n", len(faults))
		return 1
	}
	return 0
}

// lint applies every rule to the module whose root is fsys.
func lint(fsys fs.FS) ([]fault, error) {
	m, err := loadModule(fsys)
	if err != nil {
		return nil, err
	}
	var faults []fault
	for _, rule := range rules {
		faults = append(faults, rule(m)...)
	}
	slices.SortFunc(faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text))
	})
	return faults, nil
}
