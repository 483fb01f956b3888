package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/namesrv"
)

// namesrvCommand is mqnamesrv: it takes what the official script and
// NamesrvStartup take.
func namesrvCommand() *cobra.Command {
	cfg := namesrv.DefaultConfig(homeDir())
	s := &settings{dst: &cfg}
	var printAll bool
	cmd := &cobra.Command{
		Use:   "namesrv",
		Short: "Run a name server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			warnings, err := s.load()
			if err != nil {
				return err
			}
			cfg.File = s.properties
			if cfg.RocketmqHome == "" {
				cfg.RocketmqHome = officialHome()
			}
			if s.file != "" {
				cfg.ConfigStorePath = s.file
			}
			if printAll {
				return s.printTo(cmd.OutOrStdout(), config.Namesrv, netip.Addr{}, false)
			}
			log := newLogger()
			warn(log, warnings)
			return runNamesrv(cmd.Context(), cfg, log, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "configFile", "c", "", "name server configuration file (namesrv.conf)")
	flags.BoolVarP(&printAll, "printConfigItem", "p", false, "print the configuration and end")
	s.bind(flags)
	return cmd
}

func runNamesrv(ctx context.Context, cfg namesrv.Config, log *logrus.Logger, out io.Writer) error {
	n, err := namesrv.New(cfg, namesrv.Options{Log: log.WithField("part", "namesrv")})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The Name Server boot success. serializeType=JSON, address %s\n", n.Addr())
	return withMemoryReturned(ctx, n.Run)
}

// officialHome is what the official processes call rocketmqHome: they do not
// start without it; here it is only shown.
func officialHome() string {
	if home := os.Getenv("ROCKETMQ_HOME"); home != "" {
		return home
	}
	return homeDir()
}

// homeDir is where the official processes keep their data by default.
func homeDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return home
}
