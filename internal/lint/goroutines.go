package main

import (
	"fmt"
	"go/ast"
)

// checkGoroutines keeps goroutines accounted for: whoever starts one waits for it.
// Outside of tests there is no go statement at all; a goroutine is started by the
// Go method of a sync.WaitGroup (or an errgroup), and a package that calls x.Go
// calls x.Wait on something of the same name. That a Wait is reached is for the
// tests to show, with goleak.
func checkGoroutines(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		type start struct {
			path string
			line int
		}
		started := map[string]start{} // by the last part of the group's name
		waited := map[string]bool{}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					faults = append(faults, fault{f.path, m.line(n.Pos()),
						"go statement: start the goroutine with WaitGroup.Go, so that somebody waits for it"})
				case *ast.CallExpr:
					switch group, method := methodCall(n); {
					case method == "Wait" && len(n.Args) == 0:
						waited[group] = true
					case method == "Go" && len(n.Args) == 1 && isFunc(n.Args[0]):
						started[group] = start{f.path, m.line(n.Pos())}
					}
				}
				return true
			})
		}
		for group, at := range started {
			if !waited[group] {
				faults = append(faults, fault{at.path, at.line,
					fmt.Sprintf("%s.Go starts a goroutine, and nothing in the package calls %s.Wait", group, group)})
			}
		}
	}
	return faults
}

// methodCall splits a.b.M(…) into "b" and "M".
func methodCall(call *ast.CallExpr) (on, method string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	switch x := sel.X.(type) {
	case *ast.Ident:
		return x.Name, sel.Sel.Name
	case *ast.SelectorExpr:
		return x.Sel.Name, sel.Sel.Name
	}
	return "", ""
}

// isFunc reports whether an argument has the look of a function, which tells a
// WaitGroup's Go from a method of that name with another meaning.
func isFunc(arg ast.Expr) bool {
	switch arg.(type) {
	case *ast.FuncLit, *ast.SelectorExpr, *ast.Ident:
		return true
	}
	return false
}
