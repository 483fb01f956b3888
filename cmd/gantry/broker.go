package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/broker"
	"github.com/gantrymq/gantry/config"
)

// brokerCommand is mqbroker: it takes what the official script and BrokerStartup
// take.
func brokerCommand() *cobra.Command {
	cfg := broker.DefaultConfig()
	ip, _ := netip.ParseAddr(cfg.BrokerIP1) // what this machine is called by default
	s := &settings{dst: cfg}
	var nameServers string
	var printAll, printImportant bool
	var proxy proxyFlags
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run a broker",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.file == "" {
				s.file = proxy.brokerConfig
			}
			warnings, err := s.load()
			if err != nil {
				return err
			}
			if nameServers != "" {
				cfg.NamesrvAddr = nameServers
			}
			if printAll || printImportant {
				if nameServers != "" {
					s.flags["namesrvAddr"] = nameServers
				}
				return s.printTo(cmd.OutOrStdout(), config.Broker, ip, !printAll)
			}
			log := newLogger()
			warn(log, append(warnings, proxy.warnings()...))
			return runBroker(cmd.Context(), cfg, s, log, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "configFile", "c", "", "broker configuration file (broker.conf)")
	flags.StringVarP(&nameServers, "nameServers", "n", "", "name servers, as '192.168.0.1:9876;192.168.0.2:9876'")
	flags.BoolVarP(&printAll, "printConfigItem", "p", false, "print the configuration and end")
	flags.BoolVarP(&printImportant, "printImportantConfig", "m", false, "print the important configuration and end")
	proxy.bind(flags)
	s.bind(flags)
	return cmd
}

func runBroker(ctx context.Context, cfg *broker.Config, s *settings, log *logrus.Logger, out io.Writer) error {
	b, err := broker.New(broker.Options{Config: cfg, ConfigFile: s.file, Properties: s.properties, Log: log.WithField("part", "broker")})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The broker[%s, %s] boot success. serializeType=JSON", cfg.BrokerName, b.Addr())
	if cfg.NamesrvAddr != "" {
		fmt.Fprintf(out, " and name server is %s", cfg.NamesrvAddr)
	}
	fmt.Fprintln(out)
	return withMemoryReturned(ctx, b.Run)
}

func warn(log *logrus.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}
