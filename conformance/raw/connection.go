package raw

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// connectionCases are about connections before and beside any request.
func connectionCases() []conformance.Case {
	idle := map[string]string{"serverChannelMaxIdleTimeSeconds": "4"}
	cases := []conformance.Case{
		{Name: "tls", Feature: "TLS", Run: overTLS},
		{Name: "tls-disabled", Feature: "TLS", Settings: tlsMode("disabled"), Run: tlsDisabled},
		{Name: "tls-enforcing", Feature: "TLS", Needs: conformance.Control, Slow: true, Settings: tlsMode("enforcing"), Run: tlsEnforcing},
		{Name: "go-away", Feature: "connections", Needs: conformance.Control, Slow: true, Settings: graceful, Run: goAway},
		{Name: "idle", Feature: "connections", Settings: conformance.Settings{NameServer: idle, Broker: idle}, Run: idleClose},
		{Name: "pipelined", Feature: "connections", Run: pipelined},
		{Name: "pieces", Feature: "connections", Run: pieces},
		{Name: "many", Feature: "connections", Run: manyConnections},
	}
	cases = append(cases, proxyCases()...)
	cases = append(cases, limitCases()...)
	for i := range cases {
		c := &cases[i]
		c.Name, c.Client, c.Topology = "raw/connection/"+c.Name, conformance.Raw, conformance.SingleBroker
		c.Codes = append(c.Codes, harmless["namesrv"], harmless["broker"])
	}
	return cases
}

// eachServer calls f with both servers and a request they answer.
func eachServer(t *conformance.T, f func(address string, code protocol.RequestCode)) {
	f(t.Servers().NameServer().Address(), harmless["namesrv"])
	f(t.Servers().Broker().Address(), harmless["broker"])
}

// served fails the case unless the connection answers the code with success.
func served(t *conformance.T, conn *wire.Conn, code protocol.RequestCode, what string) {
	r, err := conn.Call(t.Context(), &wire.Frame{Code: int32(code)})
	t.Check(err, "%s: call %s", what, code)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Errorf("%s: %s was answered %s", what, code, r)
	}
}

// tlsMode has both servers take TLS connections as well (permissive, the default), only them
// (enforcing), or none (disabled).
func tlsMode(mode string) conformance.Settings {
	setting := map[string]string{"tls.server.mode": mode}
	return conformance.Settings{NameServer: setting, Broker: setting}
}

// dialTLS connects with TLS and asks the certificate for nothing.
func dialTLS(ctx context.Context, address string) (*wire.Conn, error) {
	nc, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return wire.NewConn(nc), nil
}

// tlsDisabled: a server that has TLS disabled closes connections that begin with it, and serves
// the others.
func tlsDisabled(t *conformance.T) {
	eachServer(t, func(address string, code protocol.RequestCode) {
		if conn, err := dialTLS(t.Context(), address); err == nil {
			conn.Close()
			t.Errorf("%s takes TLS", address)
		}
		conn, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		defer conn.Close()
		served(t, conn, code, "without TLS")
	})
}

// tlsEnforcing: a server that enforces TLS closes connections that do not begin with it.
func tlsEnforcing(t *conformance.T) {
	ns := t.Servers().NameServer()
	t.Check(ns.Launch(t.Context()), "launch the name server") // who waits for it asks without TLS
	t.Eventually(time.Minute, "a connection with TLS", func(ctx context.Context) error {
		conn, err := dialTLS(ctx, ns.Address())
		if err == nil {
			served(t, conn, harmless["namesrv"], "with TLS")
			conn.Close()
		}
		return err
	})
	conn, err := wire.Dial(t.Context(), ns.Address())
	t.Check(err, "connect")
	defer conn.Close()
	if r, err := conn.Call(t.Context(), &wire.Frame{Code: int32(harmless["namesrv"])}); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("without TLS: %v, %v", r, err)
	}
}

// overTLS: with default settings a server takes TLS connections beside plain ones.
func overTLS(t *conformance.T) {
	eachServer(t, func(address string, code protocol.RequestCode) {
		conn, err := dialTLS(t.Context(), address)
		t.Check(err, "connect to %s with TLS", address)
		defer conn.Close()
		served(t, conn, code, "with TLS")
	})
}

// idleClose: a connection without any traffic is closed after the configured time, and one in
// use is not.
func idleClose(t *conformance.T) {
	eachServer(t, func(address string, code protocol.RequestCode) {
		idle, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		defer idle.Close()
		busy, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		defer busy.Close()
		for began := time.Now(); ; {
			served(t, busy, code, "in use")
			if idle.AwaitClose(200 * time.Millisecond) {
				if waited := time.Since(began); waited < time.Second {
					t.Errorf("%s: an idle connection was closed after %v", address, waited)
				}
				break
			}
			if t.Context().Err() != nil {
				t.Fatalf("%s: an idle connection was never closed", address)
			}
		}
		served(t, busy, code, "in use")
	})
}

// pipelined: many requests in one write are all answered.
func pipelined(t *conformance.T) {
	const requests = 200
	eachServer(t, func(address string, code protocol.RequestCode) {
		conn, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		defer conn.Close()
		var all []byte
		for i := range requests {
			b, err := (&wire.Frame{Code: int32(code), Opaque: int32(1000 + i), Version: wire.Version550}).Encode()
			t.Check(err, "encode")
			all = append(all, b...)
		}
		t.Check(conn.Write(all), "write %d requests", requests)
		seen := map[int32]bool{}
		for len(seen) < requests {
			r, err := conn.Push(t.Context()) // nobody waits for these answers by number
			t.Check(err, "read answer %d of %d", len(seen), requests)
			if r.Code != int32(protocol.ResponseSuccess) || seen[r.Opaque] {
				t.Errorf("answered %s", r)
			}
			seen[r.Opaque] = true
		}
	})
}

// pieces: a request that arrives byte by byte is a request.
func pieces(t *conformance.T) {
	eachServer(t, func(address string, code protocol.RequestCode) {
		conn, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		defer conn.Close()
		b, err := (&wire.Frame{Code: int32(code), Opaque: 5, Version: wire.Version550}).Encode()
		t.Check(err, "encode")
		for i := range b {
			t.Check(conn.Write(b[i:i+1]), "write")
			if i%16 == 0 {
				t.Pause(time.Millisecond)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), t.Stretch(answerTime))
		defer cancel()
		if r, err := conn.Push(ctx); err != nil || r.Opaque != 5 || r.Code != int32(protocol.ResponseSuccess) {
			t.Errorf("answered %v, %v", r, err)
		}
	})
}

// manyConnections: hundreds of connections are held open and served.
func manyConnections(t *conformance.T) {
	const connections = 300
	eachServer(t, func(address string, code protocol.RequestCode) {
		var open []*wire.Conn
		defer func() {
			for _, c := range open {
				c.Close()
			}
		}()
		for range connections {
			nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			t.Check(err, "connection %d", len(open))
			open = append(open, wire.NewConn(nc))
		}
		for i, c := range open {
			served(t, c, code, fmt.Sprint("connection ", i))
		}
	})
}
