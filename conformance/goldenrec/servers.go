package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wiretap"
)

// The servers bind one loopback address, the taps another with the same ports. Servers
// and clients are only told the taps' address, so every frame between any two of them
// passes a tap, and no frame has to be changed for it.
const (
	serverHost = "127.0.0.1"
	tapHost    = "127.0.0.2"
)

const readyTime = 90 * time.Second

type servers struct {
	nameServer, broker string // the taps' addresses
	dir                string
	instances          []conformance.Instance
	taps               []*wiretap.Tap
}

// startServers starts the official servers behind taps that report to see.
func startServers(ctx context.Context, lib string, port int, see func(wiretap.Exchange)) (_ *servers, err error) {
	dir, err := os.MkdirTemp("", "goldenrec-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the servers: %w", err)
	}
	s := &servers{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	nsPort, brokerPort := port, port+11
	for _, p := range []int{nsPort, brokerPort, brokerPort - 2} {
		t, err := wiretap.Listen(fmt.Sprintf("%s:%d", tapHost, p), fmt.Sprintf("%s:%d", serverHost, p), see)
		if err != nil {
			return nil, err
		}
		s.taps = append(s.taps, t)
	}
	s.nameServer, s.broker = s.taps[0].Addr(), s.taps[1].Addr()
	l := &conformance.JVMLauncher{Lib: lib}
	if err := s.launch(ctx, l, conformance.RoleNameServer, nameServerConfig(nsPort)); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, l, conformance.RoleBroker, brokerConfig(s.nameServer, brokerPort, dir)); err != nil {
		return nil, err
	}
	return s, s.warmUp(ctx)
}

func (s *servers) launch(ctx context.Context, l conformance.Launcher, role conformance.Role, config string) error {
	dir := filepath.Join(s.dir, string(role))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make a folder for the %s: %w", role, err)
	}
	file := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return fmt.Errorf("configure the %s: %w", role, err)
	}
	i, err := l.Launch(ctx, conformance.Spec{Role: role, Name: string(role), Dir: dir, Config: file})
	if err != nil {
		return err
	}
	s.instances = append(s.instances, i)
	return nil
}

func nameServerConfig(port int) string {
	return fmt.Sprintf("listenPort=%d\nbindAddress=%s\nclusterTest=false\n", port, serverHost)
}

// brokerConfig shortens what would make a recording slow: delay levels and transaction checks.
func brokerConfig(nameServer string, port int, dir string) string {
	return fmt.Sprintf(`brokerClusterName=DefaultCluster
brokerName=broker-a
brokerId=0
brokerIP1=%s
brokerIP2=%s
bindAddress=%s
listenPort=%d
namesrvAddr=%s
storePathRootDir=%s
enablePropertyFilter=true
messageDelayLevel=1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s
transactionCheckInterval=2000
transactionTimeOut=1000
mappedFileSizeCommitLog=67108864
authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
authConfigPath=%s
waitTimeMillsInSendQueue=20000
waitTimeMillsInPullQueue=20000
waitTimeMillsInHeartbeatQueue=20000
waitTimeMillsInTransactionQueue=20000
waitTimeMillsInAdminBrokerQueue=20000
`, tapHost, tapHost, serverHost, port, nameServer, filepath.Join(dir, "store"), filepath.Join(dir, "auth"))
}

// warmUp waits until a client can send: a JVM that has just started fails its first requests.
func (s *servers) warmUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	d, err := javadriver.Start(ctx, javadriver.Options{Release: javadriver.V550})
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := d.Producer(ctx, s.nameServer, "warm_up", nil)
	if err != nil {
		return err
	}
	for good := 0; good < 50; {
		_, err := p.Send(ctx, javadriver.Message{Topic: "warm_up", Body: []byte("x")}, nil)
		if good++; err != nil {
			good = 0
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the broker does not serve within %v: %w", readyTime, err)
		}
	}
	return nil
}

func (s *servers) closeTaps() error {
	var errs []error
	for _, t := range s.taps {
		errs = append(errs, t.Close())
	}
	s.taps = nil
	return errors.Join(errs...)
}

// stop kills what runs and removes its files.
func (s *servers) stop() error {
	errs := []error{s.closeTaps()}
	for _, i := range s.instances {
		errs = append(errs, i.Kill())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
