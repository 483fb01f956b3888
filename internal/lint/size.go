package main

import (
	"fmt"
	"regexp"
	"slices"
)

// maxLines is the longest file a person can hold in mind; most are far shorter.
const maxLines = 600

// checkFileLength wants files to be topics.
func checkFileLength(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		for _, f := range p.files {
			if n := f.lines(); n > maxLines && !f.generated {
				faults = append(faults, fault{f.path, maxLines + 1, fmt.Sprintf("%d lines: split the file by topic (limit %d)", n, maxLines)})
			}
		}
	}
	return faults
}

// drawers are package names that say nothing about their content.
var drawers = []string{"util", "utils", "helper", "helpers", "common", "misc", "shared", "base"}

// checkPackageNames refuses packages that are named after nothing.
func checkPackageNames(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		if slices.Contains(drawers, p.name) {
			faults = append(faults, fault{p.files[0].path, 1, "package name " + p.name + " says nothing: name the package after its topic"})
		}
	}
	return faults
}

var openWork = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|HACK)\b`)

// checkOpenWork refuses notes of unfinished work in comments: they belong into the
// tracker, where they are seen.
func checkOpenWork(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		for _, f := range p.files {
			for _, group := range f.ast.Comments {
				for _, c := range group.List {
					if word := openWork.FindString(c.Text); word != "" {
						faults = append(faults, fault{f.path, m.line(c.Pos()), word + " in a comment: finish it, or open an issue and take the note out"})
					}
				}
			}
		}
	}
	return faults
}
