package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/broker"
	"github.com/gantrymq/gantry/config"
)

// keysAreFlags ends the help of a server, with one of its keys as the example.
func keysAreFlags(p *config.Process, key, env string) string {
	return fmt.Sprintf("Every key of docs/configuration.md is a flag of this command and an environment variable too: %s is\n"+
		"--%s and %s. `gantry config list --process %s` prints them all.", key, key, env, p.Name)
}

// brokerCommand is mqbroker: it takes what the official script and BrokerStartup
// take.
func brokerCommand() *cobra.Command {
	s := settingsOf(config.Broker)
	var printAll, printImportant bool
	var proxy proxyFlags
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run a broker",
		Long:  "Run a broker. Its data is below storePathRootDir, by default the folder store in your home directory.\n\n" + keysAreFlags(config.Broker, "brokerName", "GANTRY_BROKER_NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.file == "" {
				s.file = proxy.brokerConfig
			}
			all, warnings, err := s.load()
			if err != nil {
				return err
			}
			if printAll || printImportant {
				_, err := cmd.OutOrStdout().Write(all.AppendPrint(nil, time.Now(), !printAll))
				return err
			}
			log := newLogger()
			warn(log, warnings, javaTLSWarnings(), proxy.warnings(), strayWarnings(args))
			if servers, _ := all.Get("namesrvAddr"); servers == "" {
				log.Warn("no name server is given, so that clients cannot find this broker: give it with -n, namesrvAddr or NAMESRV_ADDR")
			}
			return runBroker(cmd.Context(), broker.Options{
				Settings: all, ConfigFile: updatesOf(s.file, homeDir()), Log: log.WithField("part", "broker"),
			}, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "configFile", "c", "", "broker configuration `file` (broker.conf)")
	flags.BoolVarP(&printAll, "printConfigItem", "p", false, "print the configuration and exit")
	flags.BoolVarP(&printImportant, "printImportantConfig", "m", false, "print the important part of the configuration and exit")
	proxy.bind(flags)
	flags.VarP(&keyFlag{key: "namesrvAddr", to: s.flags}, "namesrvAddr", "n", "name `servers`, as '192.168.0.1:9876;192.168.0.2:9876'")
	s.bind(flags)
	return cmd
}

func runBroker(ctx context.Context, o broker.Options, out io.Writer) error {
	b, err := broker.New(o)
	if err != nil {
		return err
	}
	name, _ := o.Settings.Get("brokerName")
	fmt.Fprintf(out, "The broker[%s, %s] boot success. serializeType=JSON", name, b.Told())
	if servers, ok := o.Settings.Get("namesrvAddr"); ok {
		fmt.Fprintf(out, " and name server is %s", servers)
	}
	fmt.Fprintln(out)
	return withMemoryReturned(ctx, b.Run)
}

// strayWarnings tell of arguments that belong to no option. The official scripts
// pass over them without a word, and many a compose file ends with one.
func strayWarnings(args []string) (warnings []string) {
	for _, arg := range args {
		advice := ""
		if key, _, ok := strings.Cut(arg, "="); ok && config.IsOfficial(key) {
			advice = "; is --" + arg + " meant?"
		}
		warnings = append(warnings, fmt.Sprintf("the command line: %s belongs to no option and has no effect%s", arg, advice))
	}
	return warnings
}

// warn tells what was said of the configuration, and each thing once.
func warn(log *logrus.Logger, settings []config.Warning, others ...[]string) {
	said := map[string]bool{}
	for _, w := range settings {
		if text := w.String(); !said[text] {
			log.Warn(text)
			said[text] = true
		}
	}
	for _, texts := range others {
		for _, text := range texts {
			log.Warn(text)
		}
	}
}
