package remoting

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// lookAgain is how often certificate files are looked at, at most.
const lookAgain = time.Second

// certificateFiles is a TLS configuration that comes from files and follows their
// changes. There is no goroutine that watches: a handshake looks whether the
// files are others than before. The files of one change are seldom written at the
// same moment; while they do not fit together the configuration from before
// serves.
type certificateFiles struct {
	paths  []string // empty ones are none
	load   func() (*tls.Config, error)
	now    func() time.Time
	report func(error)

	looking atomic.Bool // somebody looks at the files; guards the fields below
	looked  time.Time
	stamps  []fileStamp

	current atomic.Pointer[tls.Config]
}

// fileStamp tells one state of a file from another; zero for one that is missing.
type fileStamp struct {
	modified time.Time
	size     int64
}

// config is the ServerOptions.TLSConfig.
func (c *certificateFiles) config() (*tls.Config, error) {
	if c.looking.CompareAndSwap(false, true) {
		if now := c.now(); now.Sub(c.looked) >= lookAgain {
			c.looked = now
			if err := c.reload(); err != nil {
				c.report(fmt.Errorf("changed certificates are not used: %w", err))
			}
		}
		c.looking.Store(false)
	}
	return c.current.Load(), nil
}

// reload reads the files when they have changed. Files that cannot be used are
// not read again before they change again.
func (c *certificateFiles) reload() error {
	stamps := make([]fileStamp, len(c.paths))
	for i, path := range c.paths {
		if info, err := os.Stat(path); err == nil {
			stamps[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	if slices.Equal(stamps, c.stamps) {
		return nil
	}
	c.stamps = stamps
	config, err := c.load()
	if err != nil {
		return err
	}
	c.current.Store(config)
	return nil
}

// readKeyPair reads a certificate chain and its key. prefix is what the settings'
// names begin with.
func readKeyPair(prefix, certPath, keyPath, password string) (pair tls.Certificate, err error) {
	cert, err := os.ReadFile(certPath)
	if err != nil {
		return pair, fmt.Errorf("%s.certPath cannot be read: %w", prefix, err)
	}
	key, err := os.ReadFile(keyPath)
	if err != nil {
		return pair, fmt.Errorf("%s.keyPath cannot be read: %w", prefix, err)
	}
	if key, err = plainKey(key, password); err != nil {
		return pair, fmt.Errorf("%s.keyPath=%s: %w", prefix, keyPath, err)
	}
	if pair, err = tls.X509KeyPair(cert, key); err != nil {
		return pair, fmt.Errorf("%s.certPath=%s with %s.keyPath=%s: %w", prefix, certPath, prefix, keyPath, err)
	}
	return pair, nil
}

// plainKey opens a key that is under a password, and leaves others as they are.
func plainKey(text []byte, password string) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "ENCRYPTED PRIVATE KEY" {
		return text, nil
	}
	der, err := openPKCS8(block.Bytes, password)
	if err != nil {
		return nil, err
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err != nil {
		return nil, fmt.Errorf("the password does not open the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
