package remoting

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// secured puts TLS on a connection, trusting anybody.
func secured(t testing.TB, w wire) wire {
	t.Helper()
	c := tls.Client(w.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return wire{c, t}
}

func TestTLSModes(t *testing.T) {
	for name, c := range map[string]struct{ plain, secure bool }{
		"permissive": {true, true}, "disabled": {true, false}, "enforcing": {false, true},
	} {
		mode, ok := ParseTLSMode(name)
		if !ok {
			t.Errorf("mode %s is unknown", name)
		}
		refused := make(chan error, 1)
		s := startServer(t, ServerOptions{TLSMode: mode, OnRefused: func(_ net.Addr, err error) { refused <- err }}, echoTable(t))
		for _, secure := range []bool{false, true} {
			var conn net.Conn = dial(t, s.addr).Conn
			if secure {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			}
			w := wire{conn, t}
			w.Write(encode(request(codeEcho, 1, strings.Repeat("x", 100_000))))
			f, err := w.tryFrame()
			served := err == nil && len(f.Body) == 100_000
			if want := secure && c.secure || !secure && c.plain; served != want {
				t.Errorf("%s, TLS %v: served %v (%v), want %v", name, secure, served, err, want)
			} else if !want {
				if err := event(t, refused); !errors.Is(err, errTLSDisabled) && !errors.Is(err, errTLSEnforced) {
					t.Errorf("%s, TLS %v: refused because %v", name, secure, err)
				}
			}
		}
	}
	if mode, ok := ParseTLSMode("whatever"); ok || mode != TLSPermissive {
		t.Errorf("unknown mode: %v %v", mode, ok)
	}
}

func TestHandshakeFailures(t *testing.T) {
	refused := make(chan error, 1)
	o := ServerOptions{OnRefused: func(_ net.Addr, err error) { refused <- err }}
	s := startServer(t, o, echoTable(t))
	w := dial(t, s.addr)
	w.send([]byte("\x16\x03\x01\x00\x05hello"))
	if err := event(t, refused); !strings.HasPrefix(err.Error(), "TLS: ") {
		t.Errorf("refused because %v", err)
	}
	o.TLSConfig = func() (*tls.Config, error) { return nil, errors.New("the key file is gone") }
	s = startServer(t, o, echoTable(t))
	w = dial(t, s.addr)
	w.send([]byte("\x16\x03\x01\x00\x05hello"))
	if err := event(t, refused); err.Error() != "TLS: the key file is gone" {
		t.Errorf("refused because %v", err)
	}
}

// TestClientCertificateNamesThePrincipal: only a certificate that was verified
// says who the client is.
func TestClientCertificateNamesThePrincipal(t *testing.T) {
	server, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	certificate, leaf := clientCertificate(t)
	for mode, want := range map[tls.ClientAuthType]string{
		tls.RequireAnyClientCert: "", tls.VerifyClientCertIfGiven: "CN=orders,O=shop",
	} {
		config := server.Clone()
		config.ClientAuth = mode
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AddCert(leaf)
		names := make(chan string, 1)
		s := startServer(t, ServerOptions{
			TLSConfig: func() (*tls.Config, error) { return config, nil },
			OnOpen:    func(s Session) { names <- s.Principal() },
		}, echoTable(t))
		c := tls.Client(dial(t, s.addr).Conn, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}})
		w := wire{c, t}
		w.send(encode(request(codeEcho, 1, "x")))
		w.frame()
		if name := event(t, names); name != want {
			t.Errorf("%v: principal %q, want %q", mode, name, want)
		}
	}
}

func clientCertificate(t *testing.T) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders", Organization: []string{"shop"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf
}
