package broker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// LocalIP is the address that a broker gives to clients when nobody configured
// one: as upstream's NetworkUtil.getLocalAddress chooses, the first IPv4 address
// of a real interface that is not 127.x or 192.168.x, else the last of those that
// are, else an IPv6 address, else loopback.
func LocalIP() netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	var v4, v6 []netip.Addr
	for _, a := range addrs {
		ipNet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(ipNet.IP)
		if ip = ip.Unmap(); !ok || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			continue
		}
		if ip.Is4() {
			v4 = append(v4, ip)
		} else {
			v6 = append(v6, ip)
		}
	}
	for _, ip := range v4 {
		if b := ip.As4(); b[0] != 127 && (b[0] != 192 || b[1] != 168) {
			return ip
		}
	}
	if len(v4) > 0 {
		return v4[len(v4)-1]
	}
	if len(v6) > 0 {
		return v6[0]
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// resolvePatience bounds the look-up of the name that clients are told.
const resolvePatience = 3 * time.Second

// resolveIP finds the address behind brokerIP1, which may be a host name too. It
// goes into message ids and records, which have no room for names; an IPv4 address
// comes first, as in Java.
func resolveIP(host string) (netip.Addr, error) {
	if host == "" {
		return LocalIP(), nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolvePatience)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("brokerIP1=%s: it is no address, and no name that this machine can resolve: %w", host, err)
	}
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			return ip, nil
		}
	}
	return ips[0], nil
}
