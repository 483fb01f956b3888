package namesrv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/namesrv/kv"
	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/remoting"
)

// Logger is told of the rare events: brokers that come and go, settings that
// change, files that fail. A *logrus.Entry is one.
type Logger interface {
	Infof(format string, args ...any)
	Warnf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Options is what a name server needs beside its configuration. All of it may be
// left out.
type Options struct {
	// Product are the name servers that a cluster test asks for topics it does not
	// know. Upstream takes them from NAMESRV_ADDR.
	Product []string
	// Now is the clock of heartbeats, time.Now by default.
	Now func() time.Time
	// FS holds kvConfig.json and the configuration file; the machine's by default.
	FS configfile.FS
	// Log is silent by default.
	Log Logger
	// Remoting says what the configuration does not: limits, TLS, callbacks. Idle,
	// GoAwayTime and OnClose are set by the name server.
	Remoting remoting.ServerOptions
	// Client makes the connections to brokers and, in a cluster test, to other
	// name servers.
	Client remoting.ClientOptions
}

// Server is a name server. Make it with New, then Run it, once.
type Server struct {
	log     Logger
	now     func() time.Time
	started time.Time

	settings *config.Live[Config] // who reads it takes one look per request
	applying sync.Mutex           // held while a change of settings takes effect, so that the last one wins
	stored   *configfile.File     // the configuration file
	product  []string

	routes     *routes.Table
	kv         *kv.Store
	departures *departures
	notices    *notices

	remote  *remoting.Server
	client  *remoting.Client
	workers *remoting.Pool
	addr    netip.AddrPort
}

// New reads the KV configuration and opens the port. The server answers when Run
// runs; if it never does, Close frees the port.
func New(settings *config.Settings, o Options) (*Server, error) {
	live, err := config.NewLive[Config](settings, nil)
	if err != nil {
		return nil, err
	}
	c := live.Load()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = configfile.OS
	}
	if o.Log == nil {
		o.Log = silent{}
	}
	s := &Server{log: o.Log, now: o.Now, started: o.Now(), settings: live, product: o.Product}
	s.stored = configfile.New(o.FS, c.ConfigStorePath, func() ([]byte, error) { return live.Settings().File(), nil })

	store, loaded, err := kv.Open(o.FS, c.KVConfigPath)
	if err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	if note := loaded.Note(); note != "" {
		s.log.Warnf("%s", note)
	}
	s.kv = store
	s.routes = routes.New(o.Now, s.rules(c))
	s.departures = newDepartures(s, int(c.UnRegisterBrokerQueueCapacity))
	s.notices = newNotices(s)
	s.workers = remoting.NewPool(remoting.PoolOptions{
		Name: "namesrv", Workers: int(c.DefaultThreadPoolNums), Queue: int(c.DefaultThreadPoolQueueCapacity),
	})
	if err := s.listen(c, o); err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	return s, nil
}

func (s *Server) listen(c *Config, o Options) error {
	table, err := remoting.NewTable(s.requests()...)
	if err != nil {
		return err
	}
	so := o.Remoting
	so.Idle = c.ServerChannelMaxIdleTime
	so.GoAwayTime = func() time.Duration { return s.settings.Load().GoAwayTime() }
	if err := c.TLS.Apply(&so, func(err error) { s.log.Warnf("%v", err) }); err != nil {
		return err
	}
	secure, err := c.TLS.ClientConfig()
	if err != nil {
		return err
	}
	if secure != nil {
		o.Client.TLS = secure
	}
	onClose := so.OnClose
	so.OnClose = func(session remoting.Session, reason error) {
		s.departures.sessionClosed(session)
		if onClose != nil {
			onClose(session, reason)
		}
	}
	s.remote = remoting.NewServer(so, table)
	s.addr, err = s.remote.Listen(net.JoinHostPort(c.BindAddress, strconv.Itoa(int(c.ListenPort))))
	if err != nil {
		return fmt.Errorf("%w; bindAddress and listenPort say where it listens", err)
	}
	s.client = remoting.NewClient(o.Client)
	return nil
}

// Addr is where the name server listens; the port is the one it was given when
// the configuration said 0.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Run serves until ctx ends or the port fails, and returns why. Requests that are
// being served are answered first. No goroutine is left when it returns.
func (s *Server) Run(ctx context.Context) error {
	// What removes and tells brokers stops after the server, which feeds it.
	backCtx, stopBack := context.WithCancel(context.WithoutCancel(ctx))
	var back sync.WaitGroup
	back.Go(func() { s.departures.run(backCtx) })
	back.Go(func() { s.departures.scan(backCtx) })
	back.Go(func() { s.notices.run(backCtx) })

	err := s.remote.Run(ctx)
	s.workers.Close()
	stopBack()
	back.Wait()
	return errors.Join(err, s.client.Close())
}

// Close frees the port of a server that is not run. It does nothing to one that
// runs: end its ctx.
func (s *Server) Close() error { return errors.Join(s.remote.Close(), s.client.Close()) }

// rules are the parts of the configuration that routes follow.
func (s *Server) rules(c *Config) routes.Rules {
	r := routes.Rules{
		ActingMaster:      c.SupportActingMaster,
		DropMissingTopics: c.DeleteTopicWithBrokerRegistration,
		NotifyMinBrokerID: c.NotifyMinBrokerIDChanged,
	}
	if c.OrderMessageEnable || c.ClusterTest {
		r.OrderConf = func(topic string) string {
			conf, _ := s.kv.Get(kv.OrderTopics, topic)
			return conf
		}
	}
	return r
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
