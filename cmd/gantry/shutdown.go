package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// shutdownCommand stops what runs on this machine, as mqshutdown does: it finds
// the processes by their command line and asks them to end.
func shutdownCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "shutdown namesrv|broker|server",
		Short:     "Stop the name servers or brokers that run on this machine",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"namesrv", "broker", "server", "proxy", "controller"},
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := runningProcesses("/proc", args[0])
			if err != nil {
				return err
			}
			if len(pids) == 0 {
				return fmt.Errorf("no %s is running", args[0])
			}
			for _, pid := range pids {
				if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
					return fmt.Errorf("ask process %d to end: %w", pid, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "The %s(%d) is asked to end...\n", args[0], pid)
			}
			return waitForEnd(cmd.Context(), "/proc", pids)
		},
	}
}

// runningProcesses finds the processes of this program that run the given role.
func runningProcesses(proc, role string) ([]int, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(filepath.Join(proc, e.Name(), "cmdline"))
		if err == nil && runsRole(strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"), role) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// runsRole reports whether a command line is this program in a role: "gantry
// broker …" or "mqbroker …".
func runsRole(args []string, role string) bool {
	name := filepath.Base(args[0])
	return name == "mq"+role || name == "gantry" && len(args) > 1 && args[1] == role
}

func waitForEnd(ctx context.Context, proc string, pids []int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			_, err := os.Stat(filepath.Join(proc, strconv.Itoa(pid)))
			return err != nil
		})
		if len(pids) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
