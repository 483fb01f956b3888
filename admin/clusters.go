package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// Cluster reads which clusters and brokers the name servers know.
func (c *Client) Cluster(ctx context.Context) (*Cluster, error) {
	info, err := askServers[protocol.ClusterInfo](ctx, c, protocol.GetBrokerClusterInfo, nil)
	if err != nil {
		return nil, err
	}
	return &Cluster{info}, nil
}

// Cluster is what the name servers know of clusters and brokers.
type Cluster struct{ protocol.ClusterInfo }

// NotFoundError says that a name is not known to the name servers, and which are.
type NotFoundError struct {
	Kind  string // cluster or broker
	Name  string
	Known []string // sorted
}

func (e *NotFoundError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("the name server knows no %s %q, and no other either: no broker is registered", e.Kind, e.Name)
	}
	return fmt.Sprintf("the name server knows no %s %q; it knows %s", e.Kind, e.Name, strings.Join(e.Known, ", "))
}

// Names lists the clusters, sorted.
func (c *Cluster) Names() []string { return slices.Sorted(maps.Keys(c.ClusterAddrTable)) }

// Brokers lists the brokers of a cluster, sorted by name. Brokers that are named but
// have no address are left out.
func (c *Cluster) Brokers(cluster string) ([]*protocol.BrokerData, error) {
	names, ok := c.ClusterAddrTable[cluster]
	if !ok {
		return nil, &NotFoundError{Kind: "cluster", Name: cluster, Known: c.Names()}
	}
	var all []*protocol.BrokerData
	for _, name := range slices.Sorted(slices.Values(names)) {
		if b := c.BrokerAddrTable[name]; b != nil {
			all = append(all, b)
		}
	}
	return all, nil
}

// All lists every broker, sorted by name.
func (c *Cluster) All() []*protocol.BrokerData {
	return slices.SortedFunc(maps.Values(c.BrokerAddrTable), func(a, b *protocol.BrokerData) int {
		return strings.Compare(a.BrokerName, b.BrokerName)
	})
}

// Masters lists the addresses of a cluster's masters in the order of their brokers'
// names.
func (c *Cluster) Masters(cluster string) ([]string, error) {
	brokers, err := c.Brokers(cluster)
	var all []string
	for _, b := range brokers {
		if addr := b.BrokerAddrs[protocol.MasterID]; addr != "" {
			all = append(all, addr)
		}
	}
	return all, err
}

// Addrs lists the addresses of a cluster's masters and slaves.
func (c *Cluster) Addrs(cluster string) ([]string, error) {
	brokers, err := c.Brokers(cluster)
	var all []string
	for _, b := range brokers {
		all = append(all, Addrs(b)...)
	}
	return all, err
}

// Broker finds a broker by its name.
func (c *Cluster) Broker(name string) (*protocol.BrokerData, error) {
	if b := c.BrokerAddrTable[name]; b != nil {
		return b, nil
	}
	return nil, &NotFoundError{Kind: "broker", Name: name, Known: slices.Sorted(maps.Keys(c.BrokerAddrTable))}
}

// BrokerAt finds the broker with an address.
func (c *Cluster) BrokerAt(addr string) (*protocol.BrokerData, error) {
	var known []string
	for _, b := range c.All() {
		for _, a := range Addrs(b) {
			if a == addr {
				return b, nil
			}
			known = append(known, a)
		}
	}
	return nil, &NotFoundError{Kind: "broker at", Name: addr, Known: known}
}

// ClusterOf names the cluster of a broker; "" when it is in none.
func (c *Cluster) ClusterOf(brokerName string) string {
	for _, cluster := range c.Names() {
		if slices.Contains(c.ClusterAddrTable[cluster], brokerName) {
			return cluster
		}
	}
	return ""
}

// Addrs lists the addresses of a broker and its slaves by ascending broker id: the
// master, if there is one, first.
func Addrs(b *protocol.BrokerData) []string {
	all := make([]string, 0, len(b.BrokerAddrs))
	for _, id := range slices.Sorted(maps.Keys(b.BrokerAddrs)) {
		all = append(all, b.BrokerAddrs[id])
	}
	return all
}

// Addr is the address to ask when any replica will do: the master's, else that of the
// slave with the lowest id; "" when there is none.
func Addr(b *protocol.BrokerData) string {
	for _, addr := range Addrs(b) {
		return addr
	}
	return ""
}
