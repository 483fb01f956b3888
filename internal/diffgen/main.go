// Command diffgen writes docs/differences.md from the numbered differences of
// package conformance, where each is proven by a case. It is run by go generate.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/gantrymq/gantry/conformance"
)

//go:generate go run . ../../docs/differences.md

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: diffgen FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(page(conformance.Differences)), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "diffgen:", err)
		os.Exit(1)
	}
}

const head = `<!-- Written by go generate from conformance/differences.go. Do not edit. -->

# Intended differences

Where Gantry behaves otherwise than release 5.5.0 on purpose. Each has a number that is never used again, and at least one
case of the conformance suite that asserts both behaviours on both systems. Everything else that differs is a defect: what is known
of it is in [compatibility.md](compatibility.md).
`

// page is the text of the page.
func page(differences []conformance.Difference) string {
	var b strings.Builder
	b.WriteString(head)
	for _, d := range differences {
		fmt.Fprintf(&b, "\n## %d. %s\n\n- Official: %s.\n- Gantry: %s.\n- Why: %s.\n", d.Number, capital(d.Title), d.Official, d.Gantry, d.Why)
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
