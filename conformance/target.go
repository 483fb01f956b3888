package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is how a target provides servers.
type Kind string

// The kinds of target.
const (
	KindProcess   Kind = "process"   // our binary, started for the run
	KindContainer Kind = "container" // the official release in containers
	KindJVM       Kind = "jvm"       // the official release as plain processes, quicker to start
	KindExternal  Kind = "external"  // addresses of servers that somebody else runs
)

// Implementation names of what a target runs.
const (
	Gantry   = "gantry"
	Official = "official 5.5.0"
)

// Target is one system under test.
type Target struct {
	Kind Kind
	// Implementation is what is under test: Gantry, Official, or a name given for an
	// external system.
	Implementation string
	// Lacking, when not empty, is one line that says why the target cannot be used on this
	// machine. Every case is then counted as skipped with this reason.
	Lacking string
	// Self starts the implementation under test; nil for external targets.
	Self Launcher
	// Reference starts the official implementation, for topologies that mix the two. It may
	// be nil, and then ReferenceLacking says why.
	Reference        Launcher
	ReferenceLacking string
	// Brokers and NameServers are the addresses of an external target.
	NameServers, Brokers []string
}

// Name is the column of the target in the matrix.
func (t *Target) Name() string { return t.Implementation + " (" + string(t.Kind) + ")" }

// unfit says why a case means nothing to the target, or is empty.
func (t *Target) unfit(c *Case) string {
	switch settings := c.Settings; {
	case c.OwnTool && t.Implementation == Official:
		return "the official release has no such tool"
	case t.Kind != KindExternal:
		return ""
	case c.Needs == Control || c.Local || c.Topology.mixed():
		return "the target offers addresses only"
	case len(settings.NameServer)+len(settings.Broker) > 0:
		return "the case needs settings of its own"
	case len(t.NameServers) < c.Topology.NameServers || len(t.Brokers) < c.Topology.Brokers:
		return fmt.Sprintf("the case needs %d name servers and %d brokers, the addresses given name %d and %d",
			c.Topology.NameServers, c.Topology.Brokers, len(t.NameServers), len(t.Brokers))
	}
	return ""
}

// Role is the kind of a server.
type Role string

// The roles.
const (
	RoleNameServer Role = "namesrv"
	RoleBroker     Role = "broker"
	RoleAllInOne   Role = "server" // name server and broker in one process
)

// Spec describes one server to be started. Everything the server writes lies below Dir.
type Spec struct {
	Role   Role
	Name   string
	Dir    string
	Config string // path of the configuration file, official format
	// Properties are the settings that the official server reads from the properties of its Java
	// process and not from the file.
	Properties map[string]string
	// NameServerPort is where the name server of a RoleAllInOne listens.
	NameServerPort string
}

// Launcher starts servers of one implementation.
type Launcher interface {
	// Implementation is Gantry or Official.
	Implementation() string
	// AllInOne reports whether RoleAllInOne can be launched.
	AllInOne() bool
	// Launch starts one server and returns without waiting until it is ready.
	Launch(ctx context.Context, s Spec) (Instance, error)
}

// Instance is one running server process.
type Instance interface {
	// PID is the process id as this machine sees it.
	PID() int
	// Exited is closed when the process is gone.
	Exited() <-chan struct{}
	// Stop asks the process to end (SIGTERM), waits, and kills it when ctx ends first.
	Stop(ctx context.Context) error
	// Kill ends the process at once (SIGKILL) and waits until it is gone.
	Kill() error
	// Log is the path of a file with everything the process printed.
	Log() string
}

// key identifies the servers that a topology and settings ask for; cases with equal keys share.
func (t Topology) key(s Settings) string {
	var b strings.Builder
	b.WriteString(t.Name)
	for _, part := range []struct {
		name string
		set  map[string]string
	}{{"namesrv", s.NameServer}, {"broker", s.Broker}} {
		for _, k := range slices.Sorted(maps.Keys(part.set)) {
			b.WriteString(" " + part.name + "." + k + "=" + part.set[k])
		}
	}
	return b.String()
}
