package broker

import (
	"net"
	"net/netip"
	"os"
)

// checkReach warns when clients may not be able to reach the address that they
// are told: when no interface of this machine has it, or when nobody chose it and
// this process runs in a container, whose own address is seldom known outside. It
// is the commonest trouble of people who start a broker.
func (b *Broker) checkReach() {
	told := b.storeHost.Addr()
	switch {
	case told.IsLoopback():
	case !isOwnAddress(told):
		b.log.Warnf("clients are told the address %s, which no interface of this machine has: unless something forwards it here, set brokerIP1 to an address that clients can connect to", b.told)
	case told == LocalIP() && inContainer():
		b.log.Warnf("clients are told the address %s, which is this container's own: when they are outside of it, set brokerIP1 to the address of its host", b.told)
	}
}

// isOwnAddress reports whether an interface of this machine has an address.
func isOwnAddress(ip netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // it cannot be told
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

// inContainer reports whether this process seems to run in one.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}
