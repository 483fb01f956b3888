package main

import (
	"fmt"
	"strings"
)

// loggers are packages that write a log. A quiet room returns errors or calls
// back, and whoever runs it decides what is printed.
var loggers = []string{"log", "log/slog", "log/syslog", "github.com/sirupsen/logrus"}

// networks are packages that open connections; net/netip is data and free to all.
var networks = []string{"net", "net/http", "net/rpc", "net/smtp"}

// checkImports keeps the import directions, the quiet rooms quiet and sockets out
// of the rooms that know none. Tests obey the directions too, but may use sockets.
func checkImports(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		r := roomOf(p.dir)
		if r == nil {
			faults = append(faults, fault{p.files[0].path, 1,
				fmt.Sprintf("folder %s has no row in the table of rooms: give it one in internal/lint/rooms.go and DESIGN.md", p.dir)})
			continue
		}
		for _, f := range p.files {
			for imported, line := range m.imports(f) {
				if why := m.importFault(p, f, r, imported); why != "" {
					faults = append(faults, fault{f.path, line, why})
				}
			}
		}
	}
	return faults
}

// importFault says what is wrong with one import, or nothing.
func (m *module) importFault(p *pkg, f *file, r *room, imported string) string {
	if to, ours := strings.CutPrefix(imported, m.path+"/"); ours {
		if !mayImport(p.dir, to) {
			return fmt.Sprintf("%s must not import %s (table of rooms: internal/lint/rooms.go)", p.dir, to)
		}
		return ""
	}
	for _, l := range loggers {
		if r.quiet && within(imported, l) {
			return fmt.Sprintf("%s writes no log: return an error or call back instead of importing %s", p.dir, imported)
		}
	}
	for _, n := range networks {
		if !r.sockets && !f.test && imported == n {
			return fmt.Sprintf("%s knows no sockets: it must not import %s (addresses are net/netip)", p.dir, imported)
		}
	}
	return ""
}
