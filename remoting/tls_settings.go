package remoting

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// TLSSettings are the official settings of TLS, by the names of 5.5.0. The tags
// are those of package config. TestMode is on unless it is switched off, and
// means a certificate that nobody signed and peers that are not verified.
//
// A server's certificate files are looked at again when clients connect, so that
// new ones count without a restart; everything else counts at the start.
type TLSSettings struct {
	Mode     string `conf:"tls.server.mode" when:"start"` // disabled, permissive, enforcing
	TestMode bool   `conf:"tls.test.mode.enable" when:"start"`

	KeyPath       string `conf:"tls.server.keyPath" when:"start"`  // PEM
	CertPath      string `conf:"tls.server.certPath" when:"start"` // PEM, the chain
	KeyPassword   string `conf:"tls.server.keyPassword" when:"start"`
	ClientAuth    string `conf:"tls.server.need.client.auth" when:"start"` // none, optional, require
	VerifyClients bool   `conf:"tls.server.authClient" when:"start"`       // against Trust, else any certificate will do
	Trust         string `conf:"tls.server.trustCertPath" when:"start"`    // PEM; the system's when empty

	UseAsClient       bool   `conf:"useTLS" when:"start"`     // on connections to other servers
	Enable            bool   `conf:"tls.enable" when:"start"` // the same
	ClientKeyPath     string `conf:"tls.client.keyPath" when:"start"`
	ClientCertPath    string `conf:"tls.client.certPath" when:"start"`
	ClientKeyPassword string `conf:"tls.client.keyPassword" when:"start"`
	VerifyServers     bool   `conf:"tls.client.authServer" when:"start"`
	ClientTrust       string `conf:"tls.client.trustCertPath" when:"start"`

	Ciphers   string `conf:"tls.ciphers" when:"start"`   // comma list of IANA names, for TLS 1.2
	Protocols string `conf:"tls.protocols" when:"start"` // comma list of TLSv1.2 and the like
}

// Apply sets what a server's options say of TLS. report is told of certificate
// files that were changed and cannot be used; the ones from before stay. An error
// means that the settings ask for what cannot be had: a server must not start
// with less protection than it was told to give.
func (s *TLSSettings) Apply(o *ServerOptions, report func(error)) error {
	mode, known := ParseTLSMode(s.Mode)
	if !known && s.Mode != "" {
		return fmt.Errorf("tls.server.mode=%s: it is disabled, permissive or enforcing", s.Mode)
	}
	o.TLSMode = mode
	if s.TestMode || mode == TLSDisabled {
		return nil
	}
	files := &certificateFiles{paths: []string{s.CertPath, s.KeyPath, s.Trust}, load: s.serverConfig, now: time.Now, report: report}
	if err := files.reload(); err != nil {
		return err
	}
	o.TLSConfig = files.config
	return nil
}

// ClientConfig is the configuration of connections to other servers; nil without
// TLS. As with the official client the name of the server is not compared with
// its certificate: name servers are told by address.
func (s *TLSSettings) ClientConfig() (*tls.Config, error) {
	if !s.UseAsClient && !s.Enable {
		return nil, nil
	}
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if s.TestMode {
		return config, nil
	}
	if err := s.restrict(config); err != nil {
		return nil, err
	}
	if s.ClientCertPath != "" || s.ClientKeyPath != "" {
		pair, err := readKeyPair("tls.client", s.ClientCertPath, s.ClientKeyPath, s.ClientKeyPassword)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if s.VerifyServers {
		roots, err := readTrust("tls.client.trustCertPath", s.ClientTrust)
		if err != nil {
			return nil, err
		}
		config.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state.PeerCertificates, roots) }
	}
	return config, nil
}

// verifyChain accepts a server whose certificate leads to one of the roots.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) error {
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(o)
	return err
}

// serverConfig reads the files of a server.
func (s *TLSSettings) serverConfig() (*tls.Config, error) {
	pair, err := readKeyPair("tls.server", s.CertPath, s.KeyPath, s.KeyPassword)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	switch strings.ToLower(s.ClientAuth) {
	case "", "none":
	case "optional":
		config.ClientAuth = tls.RequestClientCert
		if s.VerifyClients {
			config.ClientAuth = tls.VerifyClientCertIfGiven
		}
	case "require":
		config.ClientAuth = tls.RequireAnyClientCert
		if s.VerifyClients {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
	default:
		return nil, fmt.Errorf("tls.server.need.client.auth=%s: it is none, optional or require", s.ClientAuth)
	}
	if s.VerifyClients {
		if config.ClientCAs, err = readTrust("tls.server.trustCertPath", s.Trust); err != nil {
			return nil, err
		}
	}
	return config, s.restrict(config)
}

// restrict takes over Ciphers and Protocols.
func (s *TLSSettings) restrict(config *tls.Config) error {
	for name := range words(s.Ciphers) {
		suites := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
		at := slices.IndexFunc(suites, func(c *tls.CipherSuite) bool { return c.Name == name })
		if at < 0 {
			return fmt.Errorf("tls.ciphers: %s is not known; suites are named as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name)
		}
		config.CipherSuites = append(config.CipherSuites, suites[at].ID)
	}
	var versions []uint16
	for name := range words(s.Protocols) {
		version, ok := tlsVersions[name]
		if !ok {
			return fmt.Errorf("tls.protocols: %s is not known; there are TLSv1.3, TLSv1.2, TLSv1.1 and TLSv1", name)
		}
		versions = append(versions, version)
	}
	if len(versions) > 0 {
		config.MinVersion, config.MaxVersion = slices.Min(versions), slices.Max(versions)
	}
	return nil
}

var tlsVersions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

// words are the parts of a comma list.
func words(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(list, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

// readTrust reads the certificates of those who may sign; an empty path is the
// system's.
func readTrust(setting, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", setting, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s=%s: there is no certificate in the file", setting, path)
	}
	return pool, nil
}
