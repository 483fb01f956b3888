package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/namesrv"
)

// namesrvCommand is mqnamesrv: it takes what the official script and
// NamesrvStartup take.
func namesrvCommand() *cobra.Command {
	s := settingsOf(config.Namesrv)
	var printAll bool
	var nameServers string
	cmd := &cobra.Command{
		Use:   "namesrv",
		Short: "Run a name server",
		Long: "Run a name server. Its KV configuration is in the file kvConfigPath, by default namesrv/kvConfig.json in your home directory.\n\n" +
			keysAreFlags(config.Namesrv, "kvConfigPath", "GANTRY_KV_CONFIG_PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, warnings, err := s.loadNamesrv()
			if err != nil {
				return err
			}
			if s.file != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "load config properties file OK, %s\n", s.file)
			}
			if printAll {
				_, err := cmd.OutOrStdout().Write(all.AppendPrint(nil, time.Now(), false))
				return err
			}
			log := newLogger()
			warn(log, warnings, javaTLSWarnings(), strayWarnings(args))
			return runNamesrv(cmd.Context(), all, log, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "configFile", "c", "", "name server configuration `file` (namesrv.conf)")
	flags.BoolVarP(&printAll, "printConfigItem", "p", false, "print the configuration and exit")
	flags.StringVarP(&nameServers, "namesrvAddr", "n", "", "taken and not used, as by the official program")
	flags.Lookup("namesrvAddr").Hidden = true
	s.bind(flags)
	return cmd
}

// loadNamesrv loads the settings of a name server. It writes updates to the file
// that it was given, whatever that file says.
func (s *settings) loadNamesrv() (*config.Settings, []config.Warning, error) {
	if s.file != "" {
		s.over = append(s.over, config.Value{Key: "configStorePath", Text: s.file})
	}
	return s.load()
}

func runNamesrv(ctx context.Context, all *config.Settings, log *logrus.Logger, out io.Writer) error {
	n, err := namesrv.New(all, namesrvOptions(log))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The Name Server boot success. serializeType=JSON, address %s\n", listenAddress(all, n.Addr().Port()))
	return withMemoryReturned(ctx, n.Run)
}

// listenAddress is bindAddress with the port that was opened.
func listenAddress(all *config.Settings, port uint16) string {
	host, _ := all.Get("bindAddress")
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// namesrvOptions are what a name server gets beside its settings. In a cluster
// test NAMESRV_ADDR names the product environment.
func namesrvOptions(log *logrus.Logger) namesrv.Options {
	o := namesrv.Options{Log: log.WithField("part", "namesrv")}
	for server := range strings.SplitSeq(os.Getenv("NAMESRV_ADDR"), ";") {
		if server = strings.TrimSpace(server); server != "" {
			o.Product = append(o.Product, server)
		}
	}
	return o
}
