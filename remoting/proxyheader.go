package remoting

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// The PROXY protocol, versions 1 and 2, as HAProxy specifies it: a load balancer
// puts the client's address in front of the connection's bytes.
const (
	proxyV1Prefix = "PROXY"
	// proxyV1Max is the longest first line, its line end included.
	proxyV1Max = 107
	proxyV2Sig = "\r\n\r\n\x00\r\nQUIT\n"
	// proxyV2Fixed is what every header of version 2 has: the signature, version
	// and command, family, and the length of the rest.
	proxyV2Fixed = len(proxyV2Sig) + 4
	// proxyV2Max bounds the rest: addresses take at most 216 bytes, the extensions
	// after them are read over.
	proxyV2Max = 16 << 10
)

// proxyHeader is what a PROXY header says.
type proxyHeader struct {
	// source is the client, or invalid when the header names none: the load
	// balancer then speaks for itself, and the socket's address stands.
	source netip.AddrPort
	size   int // of the header
}

// parseProxyV1 reads a header of version 1. With ok false and no error, b is too
// short to tell.
func parseProxyV1(b []byte) (h proxyHeader, ok bool, err error) {
	line, _, found := bytes.Cut(b[:min(len(b), proxyV1Max)], []byte("\r\n"))
	if !found {
		if len(b) >= proxyV1Max {
			return h, false, fmt.Errorf("PROXY header: no line end within %d bytes", proxyV1Max)
		}
		return h, false, nil
	}
	h.size = len(line) + 2
	fields := strings.Split(string(line), " ")
	if fields[0] != proxyV1Prefix || len(fields) < 2 {
		return h, false, fmt.Errorf("PROXY header: %q makes no sense", line)
	}
	switch fields[1] {
	case "UNKNOWN":
		return h, true, nil
	case "TCP4", "TCP6":
		if len(fields) != 6 {
			return h, false, fmt.Errorf("PROXY header: %q has %d words, 6 are needed", line, len(fields))
		}
		h.source, err = parseProxyAddr(fields[2], fields[4])
		return h, err == nil, err
	}
	return h, false, fmt.Errorf("PROXY header: unknown family %q", fields[1])
}

func parseProxyAddr(host, port string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort("[" + host + "]:" + port)
	if err != nil && !strings.Contains(host, ":") {
		ap, err = netip.ParseAddrPort(host + ":" + port)
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("PROXY header: %w", err)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// parseProxyV2 reads a header of version 2, as parseProxyV1 does.
func parseProxyV2(b []byte) (h proxyHeader, ok bool, err error) {
	if len(b) < proxyV2Fixed {
		return h, false, nil
	}
	verCmd, family := b[len(proxyV2Sig)], b[len(proxyV2Sig)+1]
	n := int(binary.BigEndian.Uint16(b[proxyV2Fixed-2:]))
	switch {
	case verCmd>>4 != 2:
		return h, false, fmt.Errorf("PROXY header: version %d, 2 is needed", verCmd>>4)
	case verCmd&0xF > 1:
		return h, false, fmt.Errorf("PROXY header: unknown command %d", verCmd&0xF)
	case n > proxyV2Max:
		return h, false, fmt.Errorf("PROXY header: %d bytes, at most %d are taken", n, proxyV2Max)
	case len(b) < proxyV2Fixed+n:
		return h, false, nil
	}
	h.size = proxyV2Fixed + n
	if local := verCmd&0xF == 0; local {
		return h, true, nil
	}
	rest := b[proxyV2Fixed:h.size]
	width := 0
	switch family {
	case 0x11: // TCP over IPv4
		width = 4
	case 0x21: // TCP over IPv6
		width = 16
	default: // datagrams and UNIX sockets name no client that we could use
		return h, true, nil
	}
	if len(rest) < 2*width+4 {
		return h, false, fmt.Errorf("PROXY header: %d bytes cannot hold the addresses of family %#x", len(rest), family)
	}
	addr, _ := netip.AddrFromSlice(rest[:width])
	h.source = netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(rest[2*width:]))
	return h, true, nil
}
