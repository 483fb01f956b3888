// Command gantry is a drop-in replacement for Apache RocketMQ: name server,
// broker and their tools in one binary.
//
// Started under an official script's name (mqnamesrv, mqbroker, mqadmin, mqshutdown) it
// takes what that script takes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "unknown"

func main() {
	// The first signal asks for a clean stop; a second one, arriving while that
	// is under way, ends the process as usual.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args); err != nil {
		if status, ok := errors.AsType[exitStatus](err); ok {
			os.Exit(int(status))
		}
		fmt.Fprintln(os.Stderr, "gantry:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root := rootCommand()
	name := filepath.Base(args[0])
	given := officialArgs(name, args[1:])
	if _, _, err := root.Find(given); err != nil && strings.HasPrefix(name, "mq") {
		return fmt.Errorf("there is no %s in this version of Gantry", name)
	}
	root.SetArgs(given)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "gantry",
		Short:         "A drop-in replacement for Apache RocketMQ",
		Long:          "A drop-in replacement for Apache RocketMQ 5.5.0. Not affiliated with the Apache Software Foundation.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		serverCommand(),
		namesrvCommand(),
		brokerCommand(),
		adminCommand(),
		configCommand(),
		storeCommand(),
		benchCommand(),
		shutdownCommand(),
		versionCommand(),
	)
	root.SetFlagErrorFunc(flagError)
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the RocketMQ release that it stands in for",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "gantry %s (Apache RocketMQ 5.5.0 compatible)\n", version)
		},
	}
}
