package remoting

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// TLSMode says which connections a server takes (upstream's tls.server.mode).
type TLSMode uint8

// The modes of upstream. Permissive is its default.
const (
	TLSPermissive TLSMode = iota // with or without TLS
	TLSDisabled                  // without only
	TLSEnforcing                 // with only
)

// ParseTLSMode reads a mode as tls.server.mode spells it. Like upstream it takes
// what it does not know for permissive; ok tells.
func ParseTLSMode(s string) (mode TLSMode, ok bool) {
	switch s {
	case "disabled":
		return TLSDisabled, true
	case "enforcing":
		return TLSEnforcing, true
	}
	return TLSPermissive, s == "permissive"
}

// handshakeTimeout is how long a TLS handshake may take (Netty's default).
const handshakeTimeout = 10 * time.Second

// Reasons to close a connection before its first frame.
var (
	errTLSDisabled  = errors.New("the client wants TLS and this server has it disabled")
	errTLSEnforced  = errors.New("the client does not use TLS and this server enforces it")
	errFirstBytes   = errors.New("the first bytes are neither a frame, nor TLS, nor a PROXY header")
	errProxyRefused = errors.New("the client sends a PROXY header and this server takes none")
)

// SelfSigned returns a server configuration with a certificate that nobody has
// signed, made when it is first asked for: a default 5.5.0 answers TLS in the same
// way, and its clients do not check certificates unless told to.
var SelfSigned = sync.OnceValues(selfSigned)

func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "gantry self-signed"},
		NotBefore:    now.AddDate(-1, 0, 0),
		NotAfter:     now.AddDate(100, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
	}, nil
}

// prefixed is a connection of which some bytes were read already.
type prefixed struct {
	net.Conn
	prefix []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.prefix)
	p.prefix = p.prefix[n:]
	return n, nil
}
