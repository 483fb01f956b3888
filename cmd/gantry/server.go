package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/broker"
	"github.com/gantrymq/gantry/namesrv"
)

// serverCommand runs everything in one process on one data directory.
func serverCommand() *cobra.Command {
	brokerConfig, namesrvConfig := broker.DefaultConfig(), namesrv.DefaultConfig(homeDir())
	s := &settings{dst: brokerConfig}
	var data string
	var namesrvPort int32
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run name server and broker in one process",
		Long:  "Run name server and broker in one process, with all data below one directory. Topics are created by their first message.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			brokerConfig.StorePathRootDir = filepath.Join(data, "store")
			brokerConfig.BrokerName = "broker-a"
			brokerConfig.NamesrvAddr = ""
			warnings, err := s.load()
			if err != nil {
				return err
			}
			namesrvConfig.BindAddress = brokerConfig.BindAddress
			namesrvConfig.ListenPort = namesrvPort
			namesrvConfig.KVConfigPath = filepath.Join(data, "namesrv", "kvConfig.json")
			namesrvConfig.ConfigStorePath = filepath.Join(data, "namesrv", "namesrv.properties")
			log := newLogger()
			warn(log, warnings)
			return runServer(cmd.Context(), namesrvConfig, brokerConfig, s, log, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&data, "data", "data", "directory of everything that is kept")
	flags.Int32Var(&namesrvPort, "namesrvPort", namesrv.DefaultPort, "port of the name server")
	flags.StringVarP(&s.file, "configFile", "c", "", "broker configuration file (broker.conf)")
	s.bind(flags)
	return cmd
}

// runServer runs both parts until ctx ends or one of them does. The broker stops
// first, so that it can take leave of the name server.
func runServer(ctx context.Context, nc namesrv.Config, bc *broker.Config, s *settings, log *logrus.Logger, out io.Writer) error {
	n, err := namesrv.New(nc, namesrv.Options{Log: log.WithField("part", "namesrv")})
	if err != nil {
		return err
	}
	local := "127.0.0.1:" + strconv.Itoa(int(n.Addr().Port()))
	if bc.NamesrvAddr == "" {
		bc.NamesrvAddr = local
	}
	b, err := broker.New(broker.Options{Config: bc, ConfigFile: s.file, Properties: s.properties, Log: log.WithField("part", "broker")})
	if err != nil {
		return errors.Join(err, n.Close())
	}
	greet(out, n.Addr().String(), b.Addr().String(), local, bc.StorePathRootDir)

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	namesrvCtx, stopNamesrv := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNamesrv()
	var wg sync.WaitGroup
	wg.Go(func() { fail(n.Run(namesrvCtx)) })
	err = withMemoryReturned(ctx, b.Run)
	stopNamesrv()
	wg.Wait()
	return err
}

// greet tells a person where things are and what to do next.
func greet(out io.Writer, nameServer, broker, local, data string) {
	fmt.Fprintf(out, `Gantry is ready.
  name server  %s
  broker       %s
  data         %s

Point a client at the name server:
  export NAMESRV_ADDR=%s
Topics are created by their first message. Ctrl-C stops the server.
`, nameServer, broker, data, local)
}
