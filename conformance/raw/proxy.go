package raw

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// proxyCases are about connections that begin with a PROXY header, as a load balancer writes
// it: such a connection is one of the client that is named there.
func proxyCases() []conformance.Case {
	codes := []protocol.RequestCode{protocol.HeartBeat, protocol.GetProducerConnectionList}
	var cases []conformance.Case
	for _, p := range proxyHeaders() {
		cases = append(cases, conformance.Case{
			Name: "proxy-protocol-" + p.name, Feature: "PROXY protocol", Codes: codes,
			Run: func(t *conformance.T) { behindProxy(t, p) },
		})
	}
	return cases
}

// proxyHeader is one header and whom it makes of the client; empty is the sender itself.
type proxyHeader struct {
	name   string
	bytes  string
	client string
}

func proxyHeaders() []proxyHeader {
	v4 := "\xc0\x00\x02\x4d" + "\xc0\x00\x02\x4e" + "\x04\x57" + "\x08\xae"
	v6 := "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01" + "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x02" + "\x04\x57" + "\x08\xae"
	// What follows the addresses: a host name (0x02), a checksum that nobody checks (0x03) and
	// something of the sender's own (0xE1).
	extensions := tlv(0x02, "broker.example") + tlv(0x03, "\x00\x00\x00\x00") + tlv(0xE1, "own")
	return []proxyHeader{
		{"v1", "PROXY TCP4 192.0.2.77 192.0.2.78 1111 2222\r\n", "192.0.2.77:1111"},
		{"v1-unknown", "PROXY UNKNOWN\r\n", ""},
		{"v2", proxyV2(1, 0x11, v4), "192.0.2.77:1111"},
		{"v2-ip6", proxyV2(1, 0x21, v6), "[2001:db8::1]:1111"},
		{"v2-extensions", proxyV2(1, 0x11, v4+extensions), "192.0.2.77:1111"},
		{"v2-local", proxyV2(0, 0x00, ""), ""},
	}
}

// proxyV2 is a header of version 2 with a command (0 local, 1 proxied), a family and what follows.
func proxyV2(command, family byte, rest string) string {
	head := []byte("\r\n\r\n\x00\r\nQUIT\n")
	head = append(head, 0x20|command, family)
	return string(binary.BigEndian.AppendUint16(head, uint16(len(rest)))) + rest
}

func tlv(kind byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value)))) + value
}

// behindProxy is served by both servers, and shown by the broker under the client's address.
func behindProxy(t *conformance.T, p proxyHeader) {
	connect := func(address string) *wire.Conn {
		conn, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		t.Cleanup(conn.Close)
		t.Check(conn.Write([]byte(p.bytes)), "write the header")
		return conn
	}
	eachServer(t, func(address string, code protocol.RequestCode) {
		served(t, connect(address), code, "behind a proxy")
	})
	conn := connect(t.Servers().Broker().Address())
	group := t.Group()
	_, err := conn.Call(t.Context(), &wire.Frame{
		Code: int32(protocol.HeartBeat), Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[],"producerDataSet":[{"groupName":%q}]}`, group, group),
	})
	t.Check(err, "send a heartbeat")
	r, err := conn.Call(t.Context(), &wire.Frame{Code: int32(protocol.GetProducerConnectionList), Ext: map[string]string{"producerGroup": group}})
	t.Check(err, "list the producers")
	client := p.client
	if client == "" {
		client = conn.LocalAddr()
	}
	var list struct {
		ConnectionSet []struct{ ClientAddr string }
	}
	t.Check(json.Unmarshal(r.Body, &list), "read the list of producers %s", r.Body)
	if len(list.ConnectionSet) != 1 || clientAddress(list.ConnectionSet[0].ClientAddr) != clientAddress(client) {
		t.Errorf("the client is shown as %s, want %s", r.Body, client)
	}
}

// clientAddress reads an address as it is shown. Of an IPv6 address Java writes every zero, and
// the brackets only around one that no PROXY header gave: that is tolerated.
func clientAddress(shown string) netip.AddrPort {
	at := strings.LastIndexByte(shown, ':')
	host, err := netip.ParseAddr(strings.Trim(shown[:max(at, 0)], "[]"))
	port, portErr := strconv.ParseUint(shown[at+1:], 10, 16)
	if err != nil || portErr != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(host, uint16(port))
}
