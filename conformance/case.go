package conformance

import (
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// Client is the program whose view of the server a case takes.
type Client string

// The clients that cases drive. Each has a package of its own below this one.
const (
	Raw     Client = "raw"     // frames written by package wire
	Go      Client = "go"      // rocketmq-client-go v2.1.2
	Java498 Client = "java498" // the Java client 4.9.8
	Java550 Client = "java550" // the Java client 5.5.0
	MQAdmin Client = "mqadmin" // the official administration tool 5.5.0
	Admin   Client = "admin"   // gantry admin, which must do as the official tool does
	Process Client = "process" // the server's process itself: start, memory, signals
	Example Client = "example" // the official example programs
)

// Needs is what a case must be given to run at all.
type Needs int

const (
	// Addresses: the case only talks to servers, and shares them with other cases.
	Addresses Needs = iota
	// Control: the case starts, stops or kills servers, reads their directories or changes
	// their settings. It gets servers of its own, and is not applicable to a target that
	// offers addresses only.
	Control
)

// Bounds of a case that names no time of its own. A control case spends it on starting servers
// too, and the official broker alone takes most of a minute on a busy machine.
const (
	DefaultTimeout        = 60 * time.Second
	DefaultControlTimeout = 4 * time.Minute
)

// Case is one statement about the server, and the code that checks it. The same Run is
// green on the official server or the case is wrong.
type Case struct {
	Name    string // unique, by convention client/area/what: "raw/send/queue-id-out-of-range"
	Client  Client
	Feature string                 // row of the feature matrix
	Codes   []protocol.RequestCode // request codes that the case gives evidence for
	Needs   Needs
	// Topology and Settings together say which servers the case can share.
	Topology Topology
	Settings Settings
	// InTurn cases share servers among themselves only, and run one after the other: each has
	// the servers for itself, and leaves them as it found them.
	InTurn bool
	// Local cases know where the servers' files are. They share servers as others do.
	Local bool
	// OwnTool cases use a tool of Gantry's that the official release has nothing like: they do
	// not apply to it.
	OwnTool bool
	// Slow cases are left out of the quick run that belongs to the unit tests.
	Slow bool
	// Measures cases look at time or memory: they are run first, one by one, with nothing else
	// of the run beside them.
	Measures bool
	// Lasts is the time that passes in the case at least, however fast the servers are, where that
	// is worth naming. Such cases are begun first, the longest of them before all, so that others
	// run meanwhile.
	Lasts   time.Duration
	Timeout time.Duration // DefaultTimeout when zero
	// Gap marks an expected failure on Gantry.
	Gap *Gap
	// Difference is the number of the intended difference that the case shows, or zero.
	// Its Run asserts what each of the two systems does, see [T.Official].
	Difference int
	Run        func(t *T)
}

// Gap is a known failure on Gantry. The case is still run: while it fails it is reported as
// a known gap, and the day it passes the run turns red until the mark is removed.
type Gap struct {
	Issue  int // where closing it is planned
	Reason string
}

// Settings are configuration keys on top of the base configuration, in the official names,
// by the kind of server that reads them. The same values are given to every target.
type Settings struct {
	NameServer map[string]string
	Broker     map[string]string
}

// Topology says which servers stand behind a case.
type Topology struct {
	Name        string
	NameServers int
	Brokers     int
	// AllInOne asks for name server and broker in one process where the implementation
	// offers that, and for two processes where it does not.
	AllInOne bool
	// ReferenceNameServers and ReferenceBrokers ask for the official implementation of
	// that kind whatever the target is, so that a case can mix the two.
	ReferenceNameServers, ReferenceBrokers bool
}

// The topologies that cases use.
var (
	SingleBroker   = Topology{Name: "one name server, one broker", NameServers: 1, Brokers: 1}
	NameServerOnly = Topology{Name: "name server only", NameServers: 1}
	TwoNameServers = Topology{Name: "two name servers, one broker", NameServers: 2, Brokers: 1}
	TwoBrokers     = Topology{Name: "one name server, two brokers", NameServers: 1, Brokers: 2}
	AllInOne       = Topology{Name: "all in one", NameServers: 1, Brokers: 1, AllInOne: true}

	// OfficialBroker registers the official broker with the target's name server.
	OfficialBroker = Topology{Name: "official broker", NameServers: 1, Brokers: 1, ReferenceBrokers: true}
	// OfficialNameServer registers the target's broker with the official name server.
	OfficialNameServer = Topology{Name: "official name server", NameServers: 1, Brokers: 1, ReferenceNameServers: true}
)

// mixed reports whether the topology asks for the official implementation beside the target's.
func (t Topology) mixed() bool { return t.ReferenceNameServers || t.ReferenceBrokers }

func (c *Case) timeout() time.Duration {
	switch {
	case c.Timeout != 0:
		return c.Timeout
	case c.Needs == Control:
		return DefaultControlTimeout
	}
	return DefaultTimeout
}
