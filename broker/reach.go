package broker

import (
	"context"
	"net"
	"os"
	"time"
)

// reachTimeout bounds the check of the address that clients are told.
const reachTimeout = 2 * time.Second

// checkReach warns when clients could not reach the address that they are told:
// when it does not answer even here, or when nobody chose it and this process
// runs in a container, whose own address is seldom known outside. It is the
// commonest trouble of people who start a broker.
func (b *Broker) checkReach(ctx context.Context) {
	dialer := net.Dialer{Timeout: reachTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", b.storeHost.String())
	if err != nil {
		if ctx.Err() == nil {
			b.log.WithError(err).Warnf("clients are told the address %s and it cannot be reached from this machine: set brokerIP1 to an address that clients can connect to", b.storeHost)
		}
		return
	}
	conn.Close()
	if _, chosen := b.properties["brokerIP1"]; !chosen && inContainer() && !b.storeHost.Addr().IsLoopback() {
		b.log.Warnf("clients are told the address %s, which is this container's own: when they are outside of it, set brokerIP1 to the address of its host", b.storeHost)
	}
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
