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
		Use:       "shutdown " + strings.Join(roles, "|"),
		Short:     "Stop the name servers or brokers that run on this machine",
		Args:      oneRole,
		ValidArgs: roles,
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := runningProcesses("/proc", args[0])
			if err != nil {
				return err
			}
			if len(pids) == 0 {
				return fmt.Errorf("no mq%s is running: there is no process of that name on this machine", args[0])
			}
			for _, pid := range pids {
				fmt.Fprintf(cmd.OutOrStdout(), "The mq%s(%d) is running...\n", args[0], pid)
				if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
					return fmt.Errorf("ask process %d to end: %w", pid, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Send shutdown request to mq%s(%d) OK\n", args[0], pid)
			}
			return waitForEnd(cmd.Context(), "/proc", pids)
		},
	}
}

// roles are what can be stopped.
var roles = []string{"namesrv", "broker", "server", "proxy", "controller"}

func oneRole(_ *cobra.Command, args []string) error {
	if len(args) == 1 && slices.Contains(roles, args[0]) {
		return nil
	}
	return fmt.Errorf("stop what? Say one of %s", strings.Join(roles, ", "))
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
