package main

import (
	"go/ast"
	"strings"
)

// checkExits lets only commands end the process: a library returns its reason, so
// that a test or a host can run it many times.
func checkExits(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		if p.name == "main" {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				on, method := methodCall(call)
				if on == "os" && method == "Exit" || (on == "log" || on == "logrus") && strings.HasPrefix(method, "Fatal") {
					faults = append(faults, fault{f.path, m.line(call.Pos()),
						on + "." + method + " outside of a command: return an error instead"})
				}
				return true
			})
		}
	}
	return faults
}
