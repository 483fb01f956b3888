package raw

import (
	"context"
	"crypto/tls"
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

// overTLS: with default settings a server takes TLS connections beside plain ones.
func overTLS(t *conformance.T) {
	eachServer(t, func(address string, code protocol.RequestCode) {
		nc, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
		t.Check(err, "connect to %s with TLS", address)
		conn := wire.NewConn(nc)
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
		ctx, cancel := context.WithTimeout(t.Context(), answerTime)
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
