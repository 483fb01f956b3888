package main

import (
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/bench"
)

// benchCommand is the load generator. It has flags of its own for each workload, so
// its arguments are passed on as they are.
func benchCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "bench WORKLOAD [flags]",
		Short:              "Put load on any RocketMQ address and measure it",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}
