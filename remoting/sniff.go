package remoting

import (
	"crypto/tls"
	"fmt"
	"time"
)

// tlsHandshake is the first byte of a TLS record that opens a handshake.
const tlsHandshake = 0x16

// open looks at the first bytes of a server's connection and decides what goes
// over it: an optional PROXY header, then TLS or plain frames. There is no doubt:
// the first byte of a frame is the highest of its length, 0 with the usual limit.
func (c *conn) open(o *ServerOptions) error {
	first, err := c.in.peek(1)
	if err != nil {
		return err
	}
	if b := first[0]; b == proxyV1Prefix[0] || b == proxyV2Sig[0] {
		if err := c.openProxy(b, o.RefuseProxy); err != nil {
			return err
		}
		if first, err = c.in.peek(1); err != nil {
			return err
		}
	}
	switch {
	case first[0] == tlsHandshake && o.TLSMode == TLSDisabled:
		return errTLSDisabled
	case first[0] == tlsHandshake:
		return c.openTLS(o)
	case o.TLSMode == TLSEnforcing:
		return errTLSEnforced
	case first[0] >= tlsHandshake:
		return errFirstBytes
	}
	return nil
}

// openProxy takes a PROXY header off the connection.
func (c *conn) openProxy(first byte, refuse bool) error {
	if refuse {
		return errProxyRefused
	}
	prefix, parse := proxyV1Prefix, parseProxyV1
	if first == proxyV2Sig[0] {
		prefix, parse = proxyV2Sig, parseProxyV2
	}
	b, err := c.in.peek(len(prefix))
	if err != nil {
		return err
	}
	if string(b[:len(prefix)]) != prefix {
		return errFirstBytes
	}
	for {
		h, ok, err := parse(b)
		if err != nil {
			return err
		}
		if ok {
			c.in.skip(h.size)
			if h.source.IsValid() {
				c.remote = h.source
			}
			return nil
		}
		if b, err = c.in.peek(len(b) + 1); err != nil {
			return err
		}
	}
}

// openTLS puts TLS between the socket and the frames.
func (c *conn) openTLS(o *ServerOptions) error {
	makeConfig := o.TLSConfig
	if makeConfig == nil {
		makeConfig = SelfSigned
	}
	config, err := makeConfig()
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	stream := tls.Server(&prefixed{Conn: c.nc, prefix: c.in.rest()}, config)
	c.in.close()
	if err := c.nc.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := stream.Handshake(); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if chains := stream.ConnectionState().VerifiedChains; len(chains) > 0 {
		c.subject = chains[0][0].Subject.String()
	}
	c.use(stream)
	return nil
}
