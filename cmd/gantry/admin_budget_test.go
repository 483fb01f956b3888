//go:build !race

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// clusterListBudget is for the whole process, from its start to its end. A quiet machine takes
// a tenth of it; a JVM alone takes ten times as much.
const clusterListBudget = 50 * time.Millisecond

// clusterList runs "gantry admin clusterList" in a process of its own and says how long it took.
func clusterList(t testing.TB, namesrv string) time.Duration {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "admin", "clusterList", "-n", namesrv)
	cmd.Env = []string{"GANTRY_TEST_AS_BINARY=1", "HOME=/nonexistent"}
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil || !strings.Contains(string(out), "broker-a") {
		t.Fatalf("clusterList ended with %v and printed\n%s", err, out)
	}
	return took
}

// TestClusterListIsCheap: one run of a hundred within the budget is enough, because other
// tests make the machine busy.
func TestClusterListIsCheap(t *testing.T) {
	server := startServer(t, t.TempDir())
	best := time.Hour
	for range 100 {
		if best = min(best, clusterList(t, server.namesrv)); best < clusterListBudget {
			return
		}
	}
	t.Errorf("the quickest of 100 runs of clusterList took %v, more than %v", best, clusterListBudget)
}

// BenchmarkClusterList is the command as its users run it, with the start of its process.
func BenchmarkClusterList(b *testing.B) {
	server := startServer(b, b.TempDir())
	for b.Loop() {
		clusterList(b, server.namesrv)
	}
}
