package main

import (
	"io/fs"
	"strings"
)

// checkDependencies wants a reason for every module that go.mod requires directly:
// its path stands in the table of dependencies in DESIGN.md.
func checkDependencies(m *module) []fault {
	design, err := fs.ReadFile(m.fsys, "DESIGN.md")
	if err != nil {
		design = nil // every requirement is then without a reason
	}
	text, err := fs.ReadFile(m.fsys, "go.mod")
	if err != nil {
		return []fault{{"go.mod", 1, err.Error()}}
	}
	var faults []fault
	for line, p := range directRequirements(string(text)) {
		if !strings.Contains(string(design), "`"+p+"`") {
			faults = append(faults, fault{"go.mod", line, p + " is required, and the table of dependencies in DESIGN.md does not say why"})
		}
	}
	return faults
}

// directRequirements maps the lines of go.mod that require a module directly to the
// module's path.
func directRequirements(text string) map[int]string {
	required := map[int]string{}
	inside, n := false, 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "require" && len(fields) == 2:
			inside = true
		case fields[0] == ")":
			inside = false
		case strings.HasSuffix(strings.TrimSpace(line), "// indirect"):
		case fields[0] == "require" && len(fields) >= 3:
			required[n] = fields[1]
		case inside && len(fields) >= 2:
			required[n] = fields[0]
		}
	}
	return required
}
