package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/broker"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/namesrv"
)

// serverSettings are what is said to the parts of a server that runs everything.
type serverSettings struct {
	data            string
	namesrvPort     keyFlag // listenPort of the name server
	broker, namesrv *settings
}

// serverCommand runs everything in one process on one data directory.
func serverCommand() *cobra.Command {
	s := &serverSettings{broker: settingsOf(config.Broker), namesrv: settingsOf(config.Namesrv)}
	s.namesrvPort = keyFlag{key: "listenPort", to: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run name server and broker in one process",
		Long: "Run name server and broker in one process, with all data below one directory. Topics are created by their first message.\n\n" +
			keysAreFlags(config.Broker, "brokerName", "GANTRY_BROKER_NAME") +
			"\nA key that both parts have counts for both, except listenPort, which is the broker's.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServer(cmd.Context(), s, newLogger(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.data, "data", fromEnvironment("GANTRY_DATA", "data"), "`directory` of everything that is kept (GANTRY_DATA)")
	flags.Var(&s.namesrvPort, "namesrvPort", "`port` of the name server (GANTRY_NAMESRV_PORT; default 9876)")
	flags.StringVarP(&s.broker.file, "configFile", "c", "", "broker configuration `file` (broker.conf)")
	flags.StringVar(&s.namesrv.file, "namesrvConfigFile", "", "name server configuration `file` (namesrv.conf)")
	s.broker.bind(flags)
	s.namesrv.bind(flags)
	return cmd
}

func fromEnvironment(name, standard string) string {
	if text, ok := os.LookupEnv(name); ok {
		return text
	}
	return standard
}

// loadNamesrv loads the name server's settings. Of a port it is told by a name
// of its own.
func (s *serverSettings) loadNamesrv() (*config.Settings, []config.Warning, error) {
	s.namesrv.without = []string{"listenPort"}
	s.namesrv.program = []config.Value{
		{Key: "kvConfigPath", Text: filepath.Join(s.data, "namesrv", "kvConfig.json")},
		{Key: "configStorePath", Text: filepath.Join(s.data, "namesrv", "namesrv.properties")},
	}
	if port := s.namesrvPort.String(); port != "" {
		s.namesrv.over = []config.Value{{Key: "listenPort", Text: port}}
	} else if port, ok := os.LookupEnv("GANTRY_NAMESRV_PORT"); ok {
		s.namesrv.over = []config.Value{{Key: "listenPort", Text: port}}
	}
	return s.namesrv.loadNamesrv()
}

// loadBroker loads the broker's settings; it registers with the name server
// beside it unless it is told otherwise.
func (s *serverSettings) loadBroker(namesrvAddr string) (*config.Settings, []config.Warning, error) {
	s.broker.program = []config.Value{
		{Key: "storePathRootDir", Text: filepath.Join(s.data, "store")},
		{Key: "brokerName", Text: "broker-a"},
		{Key: "namesrvAddr", Text: namesrvAddr},
	}
	return s.broker.load()
}

// runServer runs both parts until ctx ends or one of them does. The broker stops
// first, so that it can take leave of the name server.
func runServer(ctx context.Context, s *serverSettings, log *logrus.Logger, out io.Writer) error {
	settings, namesrvWarnings, err := s.loadNamesrv()
	if err != nil {
		return err
	}
	n, err := namesrv.New(settings, namesrvOptions(log))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w (for the name server of this command as --namesrvPort)", err)
	}
	if err != nil {
		return err
	}
	listens := listenAddress(settings, n.Addr().Port())
	local := "127.0.0.1:" + strconv.Itoa(int(n.Addr().Port()))
	settings, brokerWarnings, err := s.loadBroker(local)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	warn(log, append(namesrvWarnings, brokerWarnings...), javaTLSWarnings())
	b, err := broker.New(broker.Options{
		Settings: settings, ConfigFile: updatesOf(s.broker.file, s.data), Log: log.WithField("part", "broker"),
	})
	if err != nil {
		return errors.Join(err, n.Close())
	}
	store, _ := settings.Get("storePathRootDir")
	if whole, err := filepath.Abs(store); err == nil {
		store = whole
	}
	greet(out, listens, b.Told(), local, store)

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
