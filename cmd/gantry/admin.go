package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/admin/mqadmin"
	"github.com/gantrymq/gantry/admin/ops"
)

// exitStatus ends the program with a code. What there was to say has been said.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// adminCommands are the official tool's commands and those beyond it.
func adminCommands() cli.Set { return slices.Concat(mqadmin.Commands(), ops.Commands()) }

func adminCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "admin COMMAND [OPTIONS]",
		Short: "Administer name servers and brokers, as mqadmin does",
		// Command lines follow the official tool's rules, not cobra's.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			env := cli.Env{
				Program: "gantry admin", In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(),
				Getenv: os.Getenv, ReadFile: os.ReadFile, Terminal: isTerminal(os.Stderr),
			}
			if code := cli.Main(cmd.Context(), adminCommands(), env, args); code != cli.ExitOK {
				return exitStatus(code)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, last string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return adminCommands().Complete(args, last, func(o cli.Option) []string { return namesFor(args, o) }), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// completionTime is how long a person who presses the tabulator waits for a server.
const completionTime = time.Second

// namesFor asks the name server for names that an option takes. Without an answer there
// is nothing to complete.
func namesFor(args []string, o cli.Option) []string {
	servers := os.Getenv("NAMESRV_ADDR")
	for i, arg := range args[:max(len(args)-1, 0)] {
		if arg == "-n" || arg == "--namesrvAddr" {
			servers = args[i+1]
		}
	}
	client := admin.New(admin.Options{NameServers: admin.ParseNameServers(servers), Timeout: completionTime})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	return client.Names(ctx, o.Long)
}
