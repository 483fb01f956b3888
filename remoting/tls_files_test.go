package remoting

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for a test and writes them where settings look.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("authority", nil)
	a.write("trust.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

// sign makes a certificate; without a key of the authority it is its own.
func (a *authority) sign(name string, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.last++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: by == nil, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	parent := a.cert
	if by == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue writes the certificate and the key of a peer and returns their paths.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	c, k := a.sign(name, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", c.Raw), a.write(name+".key", "PRIVATE KEY", der)
}

func (a *authority) write(name, kind string, der []byte) (path string) {
	a.t.Helper()
	path = filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

func serve(t *testing.T, s TLSSettings) (addr string) {
	t.Helper()
	o := ServerOptions{}
	if err := s.Apply(&o, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	return startServer(t, o, echoTable(t)).addr
}

// shake connects and reports whether the server accepts, which in TLS 1.3 shows
// with the first answer.
func shake(t *testing.T, addr string, config *tls.Config) (state tls.ConnectionState, err error) {
	t.Helper()
	w := dial(t, addr)
	c := tls.Client(w.Conn, config)
	if err = c.Handshake(); err == nil {
		w.Conn = c
		_, err = c.Write(encode(request(codeEcho, 1, "hello")))
	}
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	return c.ConnectionState(), err
}

// Settings with files: what a server shows and whom it accepts, and the same for
// a client.
func TestTLSFiles(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	server := TLSSettings{}
	server.CertPath, server.KeyPath = a.issue("server")
	server.Trust = filepath.Join(a.dir, "trust.pem")
	mine, foreign := TLSSettings{UseAsClient: true}, TLSSettings{UseAsClient: true}
	mine.ClientCertPath, mine.ClientKeyPath = a.issue("client")
	foreign.ClientCertPath, foreign.ClientKeyPath = stranger.issue("client")

	for _, tt := range []struct {
		auth   string
		verify bool
		want   map[string]bool // who is let in
	}{
		{"none", false, map[string]bool{"nobody": true, "mine": true, "foreign": true}},
		{"optional", false, map[string]bool{"nobody": true, "mine": true, "foreign": true}},
		{"optional", true, map[string]bool{"nobody": true, "mine": true, "foreign": false}},
		{"require", false, map[string]bool{"nobody": false, "mine": true, "foreign": true}},
		{"require", true, map[string]bool{"nobody": false, "mine": true, "foreign": false}},
	} {
		s := server
		s.ClientAuth, s.VerifyClients = tt.auth, tt.verify
		addr := serve(t, s)
		for name, client := range map[string]TLSSettings{"nobody": {UseAsClient: true}, "mine": mine, "foreign": foreign} {
			client.VerifyServers, client.ClientTrust = true, server.Trust
			config, err := client.ClientConfig()
			if err != nil {
				t.Fatal(err)
			}
			state, err := shake(t, addr, config)
			if (err == nil) != tt.want[name] {
				t.Errorf("%s, verify %v, %s: %v", tt.auth, tt.verify, name, err)
			}
			if got := state.PeerCertificates; len(got) == 0 || got[0].Subject.CommonName != "server" {
				t.Errorf("%s: the server shows %d certificates", name, len(got))
			}
		}
		config, err := (&TLSSettings{UseAsClient: true, VerifyServers: true, ClientTrust: filepath.Join(stranger.dir, "trust.pem")}).ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shake(t, addr, config); err == nil {
			t.Error("a client trusts a server of another authority")
		}
	}
}

// New certificates count without a restart; while the files do not fit together
// the ones from before serve.
func TestTLSFilesAreReplaced(t *testing.T) {
	a := newAuthority(t)
	s := TLSSettings{}
	s.CertPath, s.KeyPath = a.issue("server")
	now := time.Unix(1_750_000_000, 0)
	var faults []error
	files := &certificateFiles{
		paths: []string{s.CertPath, s.KeyPath, s.Trust}, load: s.serverConfig, now: func() time.Time { return now }, report: func(err error) { faults = append(faults, err) },
	}
	if err := files.reload(); err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		t.Helper()
		config, err := files.config()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert.SerialNumber.String()
	}
	first := serial()
	replace := func(path string, modified int64) {
		t.Helper()
		if err := os.Chtimes(path, time.Time{}, time.Unix(modified, 0)); err != nil {
			t.Fatal(err)
		}
	}
	oldKey, err := os.ReadFile(s.KeyPath)
	if err != nil {
		t.Fatal(err)
	}
	a.issue("server")
	newKey, err := os.ReadFile(s.KeyPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.KeyPath, oldKey, 0o600); err != nil {
		t.Fatal(err)
	}
	replace(s.CertPath, 100)
	if serial() != first {
		t.Error("the files were looked at again at once")
	}
	now = now.Add(lookAgain)
	if serial() != first || len(faults) != 1 {
		t.Errorf("a certificate whose key is not there yet: %v", faults)
	}
	now = now.Add(lookAgain)
	if serial(); len(faults) != 1 {
		t.Errorf("the same files were read again: %v", faults)
	}
	if err := os.WriteFile(s.KeyPath, newKey, 0o600); err != nil {
		t.Fatal(err)
	}
	replace(s.KeyPath, 200)
	now = now.Add(lookAgain)
	if serial() == first || len(faults) != 1 {
		t.Errorf("the new certificate is not used: %v", faults)
	}
}

func TestTLSSettingsThatCannotBe(t *testing.T) {
	a := newAuthority(t)
	good := TLSSettings{}
	good.CertPath, good.KeyPath = a.issue("server")
	_, otherKey := a.issue("other")
	for want, change := range map[string]func(*TLSSettings){
		"tls.server.mode=on":                   func(s *TLSSettings) { s.Mode = "on" },
		"tls.server.certPath cannot be read":   func(s *TLSSettings) { s.CertPath = "" },
		"tls.server.keyPath cannot be read":    func(s *TLSSettings) { s.KeyPath = "nowhere" },
		"tls.server.keyPath=" + otherKey:       func(s *TLSSettings) { s.KeyPath = otherKey },
		"none, optional or require":            func(s *TLSSettings) { s.ClientAuth = "perhaps" },
		"tls.server.trustCertPath=" + otherKey: func(s *TLSSettings) { s.VerifyClients, s.Trust = true, otherKey },
		"tls.ciphers: ROT13":                   func(s *TLSSettings) { s.Ciphers = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ROT13" },
		"tls.protocols: TLSv9":                 func(s *TLSSettings) { s.Protocols = "TLSv1.2,TLSv9" },
	} {
		s := good
		change(&s)
		if err := s.Apply(&ServerOptions{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	s := good
	s.Protocols, s.Ciphers = "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	state, err := shake(t, serve(t, s), &tls.Config{InsecureSkipVerify: true})
	if err != nil || state.Version != tls.VersionTLS12 || state.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
		t.Errorf("version %x, suite %x, %v", state.Version, state.CipherSuite, err)
	}
	o := ServerOptions{}
	if err := (&TLSSettings{Mode: "enforcing", TestMode: true}).Apply(&o, nil); err != nil || o.TLSMode != TLSEnforcing || o.TLSConfig != nil {
		t.Errorf("test mode: %v, %v", o.TLSMode, err)
	}
	if config, err := (&TLSSettings{}).ClientConfig(); config != nil || err != nil {
		t.Errorf("a client without TLS: %v, %v", config, err)
	}
}
