package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// probePause is the time between two questions to a server that is starting.
const probePause = 10 * time.Millisecond

// readyTime bounds the start of a server; the official broker takes 4 to 6 s when it has a
// core for itself.
const readyTime = 3 * time.Minute

// AwaitReady waits until the server answers, and a broker also until every name server it
// registers with lists it.
func (s *Server) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	probe := s.probeBroker
	if s.role == RoleNameServer {
		probe = s.probeNameServer
	}
	var last error
	for ctx.Err() == nil {
		if !s.Running() {
			return fmt.Errorf("conformance: %s ended while starting, see %s", s.name, s.instance.Log())
		}
		if last = probe(ctx); last == nil {
			return nil
		}
		pause(ctx, probePause)
	}
	return fmt.Errorf("conformance: %s is not ready: %w", s.name, errors.Join(ctx.Err(), last))
}

func (s *Server) probeNameServer(ctx context.Context) error {
	_, err := clusterInfo(ctx, s.address)
	return err
}

func (s *Server) probeBroker(ctx context.Context) error {
	if err := expectSuccess(ctx, s.address, &wire.Frame{Code: int32(protocol.GetBrokerConfig)}); err != nil {
		return err
	}
	for _, ns := range s.nameServers {
		info, err := clusterInfo(ctx, ns.address)
		if err != nil {
			return err
		}
		if !strings.Contains(info, `"`+s.registered()+`"`) {
			return fmt.Errorf("name server %s does not list %s yet", ns.address, s.name)
		}
	}
	return nil
}

// registered is the address that the broker tells name servers, see difference 37.
func (s *Server) registered() string {
	ip, ok := s.config["brokerIP1"]
	if !ok {
		return s.address
	}
	if strings.Contains(ip, ":") && !s.Official() {
		ip = "[" + ip + "]"
	}
	return ip + s.address[strings.LastIndexByte(s.address, ':'):]
}

func clusterInfo(ctx context.Context, nameServer string) (string, error) {
	r, err := wire.Call(ctx, nameServer, &wire.Frame{Code: int32(protocol.GetBrokerClusterInfo)})
	if err != nil {
		return "", err
	}
	if r.Code != int32(protocol.ResponseSuccess) {
		return "", fmt.Errorf("%s answered %s", nameServer, r)
	}
	return string(r.Body), nil
}

// learnName asks the name server what a broker that somebody else runs is called: clients name
// queues by it.
func (s *Server) learnName(ctx context.Context) error {
	info, err := clusterInfo(ctx, s.nameServers[0].address)
	if err != nil {
		return err
	}
	name, ok := nameInClusterInfo(info, s.address)
	if !ok {
		return fmt.Errorf("conformance: name server %s lists no broker with the address %s, but %s; give the address that the broker registers (brokerIP1 and listenPort)",
			s.nameServers[0].address, s.address, info)
	}
	s.name = name
	return nil
}

// brokerInInfo is one broker in the answer of GET_BROKER_CLUSTER_INFO, which is no strict JSON.
var brokerInInfo = regexp.MustCompile(`"brokerAddrs":\{([^}]*)\},"brokerName":"([^"]*)"`)

// nameInClusterInfo finds the broker that has an address.
func nameInClusterInfo(info, address string) (name string, ok bool) {
	for _, m := range brokerInInfo.FindAllStringSubmatch(info, -1) {
		if strings.Contains(m[1], `"`+address+`"`) {
			return m[2], true
		}
	}
	return "", false
}

func expectSuccess(ctx context.Context, address string, f *wire.Frame) error {
	r, err := wire.Call(ctx, address, f)
	if err != nil {
		return err
	}
	if r.Code != int32(protocol.ResponseSuccess) {
		return fmt.Errorf("%s answered %s", address, r)
	}
	return nil
}

// Warm-up of a broker: a JVM that has just started fails or delays the first requests, which
// says nothing about compatibility.
const (
	warmUpTopic = "conformance_warm_up"
	warmUpSends = 200
	warmUpTime  = 2 * time.Minute
)

// warmUp sends until the broker has answered a run of sends without being busy.
func warmUp(ctx context.Context, s *Server) error {
	ctx, cancel := context.WithTimeout(ctx, warmUpTime)
	defer cancel()
	conn, err := wire.Dial(ctx, s.address)
	if err != nil {
		return err
	}
	defer func() { conn.Close() }()
	for good := 0; good < warmUpSends; {
		r, err := conn.Call(ctx, warmUpMessage())
		if errors.Is(err, wire.ErrClosed) && ctx.Err() == nil { // settings may close what was idle for a moment
			conn.Close()
			if conn, err = wire.Dial(ctx, s.address); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("conformance: warming %s up: %w", s.name, err)
		}
		// Settings may forbid the send itself; what matters is that the broker is not busy.
		if good++; r.Code == int32(protocol.ResponseSystemBusy) {
			good = 0
			pause(ctx, probePause)
		}
	}
	return nil
}

func warmUpMessage() *wire.Frame {
	return &wire.Frame{
		Code: int32(protocol.SendMessageV2),
		Ext: map[string]string{
			"a": warmUpTopic, "b": warmUpTopic, "c": "TBW102", "d": "4", "e": "0", "f": "0",
			"g": fmt.Sprint(time.Now().UnixMilli()), "h": "0", "i": "", "j": "0", "k": "false", "m": "false",
		},
		Body: []byte("warm up"),
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
