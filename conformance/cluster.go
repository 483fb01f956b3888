package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// loopback is the only address that the servers of a run use.
const loopback = "127.0.0.1"

// Names that every cluster of a run uses for its cluster and brokers.
const (
	ClusterName = "DefaultCluster"
	brokerName  = "broker-"
)

// Cluster is the set of servers behind a case. Servers of a shared cluster may be talked to,
// not stopped.
type Cluster struct {
	NameServers []*Server
	Brokers     []*Server
}

// NameServerAddresses are the addresses of all name servers.
func (c *Cluster) NameServerAddresses() []string {
	var out []string
	for _, s := range c.NameServers {
		out = append(out, s.Address())
	}
	return out
}

// NameServerList is the same as one string, separated by semicolons as clients take it.
func (c *Cluster) NameServerList() string { return strings.Join(c.NameServerAddresses(), ";") }

// Broker is the first broker.
func (c *Cluster) Broker() *Server { return c.Brokers[0] }

// NameServer is the first name server.
func (c *Cluster) NameServer() *Server { return c.NameServers[0] }

// newCluster lays out directories, ports and configuration files, and starts nothing.
func newCluster(target *Target, topology Topology, settings Settings, dir string) (*Cluster, error) {
	if target.Kind == KindExternal {
		return externalCluster(target, topology), nil
	}
	if topology.mixed() && target.Reference == nil {
		return nil, errors.New("needs the official release beside it: " + target.ReferenceLacking)
	}
	c := &Cluster{}
	for i := range topology.NameServers {
		s := &Server{role: RoleNameServer, name: fmt.Sprintf("namesrv-%d", i), launcher: target.Self, config: newConfig(settings.NameServer)}
		if topology.ReferenceNameServers {
			s.launcher = target.Reference
		}
		if err := s.layOut(dir); err != nil {
			return nil, err
		}
		c.NameServers = append(c.NameServers, s)
	}
	for i := range topology.Brokers {
		s := &Server{role: RoleBroker, name: brokerName + strconv.Itoa(i), launcher: target.Self, config: newConfig(settings.Broker), nameServers: c.NameServers}
		if topology.ReferenceBrokers {
			s.launcher = target.Reference
		}
		if err := s.layOut(dir); err != nil {
			return nil, err
		}
		c.Brokers = append(c.Brokers, s)
	}
	if topology.AllInOne && target.Self.AllInOne() {
		c.NameServer().embeddedIn(c.Broker())
	}
	for _, s := range c.servers() {
		if err := s.writeConfig(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// externalCluster knows addresses only.
func externalCluster(target *Target, topology Topology) *Cluster {
	c := &Cluster{}
	for _, a := range target.NameServers[:topology.NameServers] {
		c.NameServers = append(c.NameServers, &Server{role: RoleNameServer, name: a, address: a})
	}
	for _, a := range target.Brokers[:topology.Brokers] {
		c.Brokers = append(c.Brokers, &Server{role: RoleBroker, name: a, address: a, nameServers: c.NameServers})
	}
	return c
}

// servers lists every server in the order of starting.
func (c *Cluster) servers() []*Server {
	return append(append([]*Server(nil), c.NameServers...), c.Brokers...)
}

// start starts what is under control, waits until all of it is ready, and warms brokers up.
func (c *Cluster) start(ctx context.Context) error {
	for _, s := range c.servers() {
		if s.launcher == nil || s.embedded {
			continue
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	for _, s := range c.Brokers {
		if s.launcher == nil {
			if err := s.learnName(ctx); err != nil {
				return err
			}
			continue
		}
		if err := warmUp(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// kill ends every server that still runs, brokers first.
func (c *Cluster) kill() error {
	var errs []error
	all := c.servers()
	for i := len(all) - 1; i >= 0; i-- {
		if s := all[i]; s.Running() {
			errs = append(errs, s.Kill())
		}
	}
	return errors.Join(errs...)
}

// Server is one name server or broker. Its methods are for one goroutine at a time.
type Server struct {
	role        Role
	name        string
	address     string
	dir         string
	config      map[string]string
	nameServers []*Server // whom a broker registers with
	launcher    Launcher  // nil when the server is not under control
	instance    Instance
	embedded    bool // lives in the process of a broker
}

// newConfig copies settings so that each server can change its own.
func newConfig(settings map[string]string) map[string]string {
	config := map[string]string{}
	for k, v := range settings {
		config[k] = v
	}
	return config
}

// layOut chooses directory and port.
func (s *Server) layOut(parent string) error {
	s.dir = filepath.Join(parent, s.name)
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	offsets := []int{0}
	if s.role == RoleBroker {
		offsets = []int{0, -2, 1}
	}
	port, err := ports.take(offsets...)
	if err != nil {
		return err
	}
	s.address = fmt.Sprintf("%s:%d", loopback, port)
	return nil
}

// embeddedIn makes the name server a part of the broker's process.
func (s *Server) embeddedIn(broker *Server) {
	s.embedded = true
	broker.role = RoleAllInOne
}

// Name of the server; of a broker, the broker name.
func (s *Server) Name() string { return s.name }

// Address is "host:port" of the main listener.
func (s *Server) Address() string { return s.address }

// VIPAddress is "host:port" of a broker's second listener.
func (s *Server) VIPAddress() string {
	host, port, _ := strings.Cut(s.address, ":")
	n, _ := strconv.Atoi(port)
	return fmt.Sprintf("%s:%d", host, n-2)
}

// Dir is the directory below which the server keeps everything; empty when not under control.
func (s *Server) Dir() string { return s.dir }

// StoreDir is the broker's data directory.
func (s *Server) StoreDir() string { return filepath.Join(s.dir, "store") }

// PID of the running process.
func (s *Server) PID() int { return s.instance.PID() }

// Running reports whether the process was started and has not ended.
func (s *Server) Running() bool {
	if s.instance == nil {
		return false
	}
	select {
	case <-s.instance.Exited():
		return false
	default:
		return true
	}
}

// Official reports whether the server is the official implementation.
func (s *Server) Official() bool { return s.launcher != nil && s.launcher.Implementation() == Official }

// Set changes a configuration key; it takes effect at the next start.
func (s *Server) Set(key, value string) { s.config[key] = value }

// Become makes the next start use another implementation on the same directory and ports.
func (s *Server) Become(l Launcher) { s.launcher = l }

// Start writes the configuration file, launches the process and waits until it is ready.
func (s *Server) Start(ctx context.Context) error {
	if err := s.Launch(ctx); err != nil {
		return err
	}
	return s.AwaitReady(ctx)
}

// Launch starts the process and does not wait.
func (s *Server) Launch(ctx context.Context) error {
	if s.launcher == nil {
		return fmt.Errorf("conformance: %s is not under control", s.name)
	}
	if s.Running() {
		return fmt.Errorf("conformance: %s is running already", s.name)
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	spec := Spec{Role: s.role, Name: s.name, Dir: s.dir, Config: s.configPath(), Properties: s.systemProperties()}
	if s.role == RoleAllInOne {
		_, spec.NameServerPort, _ = strings.Cut(s.nameServers[0].address, ":")
	}
	instance, err := s.launcher.Launch(ctx, spec)
	if err != nil {
		return err
	}
	s.instance = instance
	return nil
}

// stopTime is long enough for the official broker, which takes about 17 s to stop.
const stopTime = 60 * time.Second

// Stop ends the process with SIGTERM.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	return s.instance.Stop(ctx)
}

// Kill ends the process with SIGKILL.
func (s *Server) Kill() error { return s.instance.Kill() }
