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

// checkReach asks the go command for everything that the server is linked from.
func checkReach(root string) ([]fault, error) {
	if _, err := fs.Stat(os.DirFS(root), server); err != nil {
		return []fault{{server, 1, "the server's command is not there"}}, nil
	}
	list := exec.Command("go", "list", "-deps", "./"+server)
	list.Dir = filepath.Clean(root)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -deps ./%s: %w", server, err)
	}
	return strangersIn(strings.Fields(string(out))), nil
}

// strangersIn finds what must not be among the packages of the server.
func strangersIn(packages []string) []fault {
	var faults []fault
	for _, p := range packages {
		for _, s := range strangers {
			if p == s || strings.HasPrefix(p, strings.TrimSuffix(s, "/")+"/") || strings.Contains(p, "/conformance/") {
				faults = append(faults, fault{server, 1, "the server reaches " + p + " (go list -deps): find who imports it with go mod why"})
				break
			}
		}
	}
	return faults
}
