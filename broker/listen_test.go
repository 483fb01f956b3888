package broker

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// brokerIP1 may be a host name: clients are told the name, records carry its
// address.
func TestHostName(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.BrokerIP1 = "localhost"
	b, _ := runBroker(t, cfg)
	if !b.Addr().Addr().IsLoopback() {
		t.Errorf("records carry %s", b.Addr())
	}
	if want := "localhost:" + strconv.Itoa(int(b.Addr().Port())); b.Told() != want {
		t.Errorf("clients are told %s, want %s", b.Told(), want)
	}
}

func TestResolveIP(t *testing.T) {
	for host, want := range map[string]string{"10.1.2.3": "10.1.2.3", "::ffff:10.1.2.3": "10.1.2.3", "::1": "::1", "": LocalIP().String()} {
		if ip, err := resolveIP(host); err != nil || ip != netip.MustParseAddr(want) {
			t.Errorf("%q is %s, %v", host, ip, err)
		}
	}
	if _, err := resolveIP("no such host"); err == nil || !strings.Contains(err.Error(), "brokerIP1=no such host") {
		t.Errorf("a name that cannot be: %v", err)
	}
}
