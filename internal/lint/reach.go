package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is the binary that users install.
const server = "cmd/gantry"

// strangers are what the server must never carry: the test harness, container
// tooling and the clients it is tested with.
var strangers = []string{
	"github.com/testcontainers/",
	"github.com/moby/",
	"github.com/docker/",
	"github.com/apache/rocketmq-client-go/",
	"github.com/apache/rocketmq-clients/",
	"github.com/stretchr/testify",
	"testing",
}

// rooms that answer requests are linked without what starts programs or loads code: so no
// request can make them do that.
var answering, launchers = []string{"broker", "namesrv"}, []string{"os/exec", "plugin"}

// checkReach asks the go command for everything that the server is linked from, and the
// rooms in it that answer requests.
func checkReach(root string) ([]fault, error) {
	if _, err := fs.Stat(os.DirFS(root), server); err != nil {
		return []fault{{server, 1, "the server's command is not there"}}, nil
	}
	packages, err := dependencies(root, server)
	if err != nil {
		return nil, err
	}
	faults := strangersIn(server, packages, strangers)
	for _, room := range answering {
		if _, err := fs.Stat(os.DirFS(root), room); err != nil {
			continue
		}
		if packages, err = dependencies(root, room); err != nil {
			return nil, err
		}
		faults = append(faults, strangersIn(room, packages, launchers)...)
	}
	return faults, nil
}

// dependencies lists what a package is linked from.
func dependencies(root, dir string) ([]string, error) {
	list := exec.Command("go", "list", "-deps", "./"+dir)
	list.Dir = filepath.Clean(root)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -deps ./%s: %w", dir, err)
	}
	return strings.Fields(string(out)), nil
}

// strangersIn finds what must not be among the packages that a room is linked from.
func strangersIn(room string, packages, strangers []string) []fault {
	var faults []fault
	for _, p := range packages {
		for _, s := range strangers {
			if p == s || strings.HasPrefix(p, strings.TrimSuffix(s, "/")+"/") || strings.Contains(p, "/conformance/") {
				faults = append(faults, fault{room, 1, room + " reaches " + p + " (go list -deps): find who imports it with go mod why"})
				break
			}
		}
	}
	return faults
}
