package main

import (
	"slices"
	"strings"
)

// room is one row of the table of rooms in DESIGN.md: a folder and what it may import.
type room struct {
	dir string // "x" is the folder itself, "x/*" each folder below it that has no row of its own

	// imports names the rooms it may import. It may also import whatever those may
	// import, the open rooms, and the folders below itself.
	imports []string

	// sealed rooms import their row and its closure only: no open rooms.
	sealed bool

	// quiet rooms write no log: they return errors and call back.
	quiet bool

	// sockets says that the room may open network connections.
	sockets bool
}

// open lists the rooms that every room may import unless it is sealed.
var open = []string{"protocol", "compat", "auth", "metrics"}

// rooms is the table. A folder without a row is a fault, so that a new room is
// given its place before it is filled. Rooms of one level never import each other:
// cmd composes them.
var rooms = []room{
	{dir: "protocol", sealed: true, quiet: true},
	{dir: "compat", imports: []string{"protocol"}, sealed: true, quiet: true},
	{dir: "auth", imports: []string{"protocol", "compat"}, sealed: true, quiet: true},
	{dir: "metrics", imports: []string{"protocol"}, sealed: true, quiet: true, sockets: true},
	{dir: "logicqueue", imports: []string{"protocol"}, sealed: true, quiet: true},
	{dir: "config", imports: []string{"compat", "protocol"}, quiet: true},
	{dir: "configfile", sealed: true, quiet: true},
	{dir: "codec", imports: []string{"protocol", "compat"}, quiet: true},
	{dir: "remoting", imports: []string{"codec"}, quiet: true, sockets: true},

	{dir: "store", imports: []string{"codec"}, quiet: true},
	{dir: "store/vfs", sealed: true, quiet: true},
	{dir: "store/compaction", imports: []string{"store/vfs", "codec"}, quiet: true},
	{dir: "store/timerwheel", imports: []string{"store/vfs"}, sealed: true, quiet: true},

	{dir: "namesrv", imports: []string{"remoting", "config", "configfile"}, sockets: true},
	{dir: "namesrv/*", imports: []string{"codec", "config", "configfile"}, quiet: true},

	{dir: "broker", imports: []string{"remoting", "store", "config", "configfile", "logicqueue"}, sockets: true},
	// What the broker keeps: domain objects that know neither frames nor sockets.
	{dir: "broker/attribute", sealed: true, imports: []string{"compat", "protocol"}, quiet: true},
	{dir: "broker/table", sealed: true, imports: []string{"compat", "protocol", "configfile"}, quiet: true},
	{dir: "broker/*", imports: []string{"store", "config", "configfile", "logicqueue", "broker/attribute", "broker/table"}, quiet: true},

	{dir: "controller", imports: []string{"remoting", "config"}, sockets: true},
	{dir: "proxy", imports: []string{"broker", "remoting", "config"}, sockets: true},
	{dir: "admin", imports: []string{"remoting", "logicqueue"}, sockets: true},
	{dir: "admin/*", imports: []string{"admin"}}, // its commands, and their frame
	{dir: "bench", imports: []string{"remoting", "codec"}, sockets: true},

	// The proof is a black box: it never imports the rooms of the server.
	{dir: "conformance", imports: []string{"protocol", "codec"}, sealed: true, sockets: true},
	{dir: "conformance/*", imports: []string{"protocol", "codec", "conformance"}, sealed: true, sockets: true},

	{dir: "cmd/conformance", imports: []string{"conformance"}, sealed: true, sockets: true},
	{dir: "cmd/*", imports: []string{
		"remoting", "store", "namesrv", "broker", "controller", "proxy", "admin", "bench", "config",
	}, sockets: true},
	{dir: "internal/diffgen", imports: []string{"conformance"}, sealed: true},
	{dir: "internal/*", imports: []string{"protocol", "compat", "codec", "config"}, sockets: true},
}

// roomOf finds the row that governs a folder: its own, else the nearest folder
// above it that has one. A row "x/*" stands for every folder below x.
func roomOf(dir string) *room {
	if i := slices.IndexFunc(rooms, func(r room) bool { return r.dir == dir }); i >= 0 {
		return &rooms[i]
	}
	for above := parent(dir); above != ""; above = parent(above) {
		for _, name := range []string{above + "/*", above} {
			if i := slices.IndexFunc(rooms, func(r room) bool { return r.dir == name }); i >= 0 {
				return &rooms[i]
			}
		}
	}
	return nil
}

func parent(dir string) string {
	i := strings.LastIndexByte(dir, '/')
	if i < 0 {
		return ""
	}
	return dir[:i]
}

// within reports whether dir is the folder top or lies below it.
func within(dir, top string) bool {
	return dir == top || strings.HasPrefix(dir, top+"/")
}

// mayImport reports whether a package in folder from may import the package in
// folder to.
func mayImport(from, to string) bool {
	r := roomOf(from)
	if r == nil {
		return false
	}
	own := r.dir // what a room may always import: the folders below its row
	if strings.HasSuffix(own, "/*") {
		own = from
	}
	allowed := append(closure(r.imports), own)
	if !r.sealed {
		allowed = append(allowed, open...)
	}
	return slices.ContainsFunc(allowed, func(top string) bool { return within(to, top) })
}

// closure is names and everything that they may import in turn.
func closure(names []string) []string {
	var all []string
	for queue := slices.Clone(names); len(queue) > 0; queue = queue[1:] {
		if slices.Contains(all, queue[0]) {
			continue
		}
		all = append(all, queue[0])
		if r := roomOf(queue[0]); r != nil {
			queue = append(queue, r.imports...)
		}
	}
	return all
}
