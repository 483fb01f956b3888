package raw

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// graceful has servers tell clients to go, for some seconds, before they stop. It is off by
// default.
var graceful = conformance.Settings{
	NameServer: map[string]string{"enableShutdownGracefully": "true", "shutdownWaitTimeSeconds": "5"},
	Broker:     map[string]string{"enableShutdownGracefully": "true", "shutdownWaitTimeSeconds": "5"},
}

// version531 is the newest release whose clients do not know GO_AWAY.
const version531 = int32(protocol.V5_3_1)

// goAway: a server that was told to stop answers GO_AWAY to clients that know it, and serves
// the others, over the connections that it has.
func goAway(t *conformance.T) {
	t.StartServers()
	for _, s := range []*conformance.Server{t.Servers().Broker(), t.Servers().NameServer()} {
		code := harmless["broker"]
		if s == t.Servers().NameServer() {
			code = harmless["namesrv"]
		}
		dial := func(version int32) *wire.Conn {
			conn, err := wire.Dial(t.Context(), s.Address())
			t.Check(err, "connect")
			conn.Version = version
			t.Cleanup(conn.Close)
			served(t, conn, code, "before the stop")
			return conn
		}
		knowing, ignorant := dial(wire.Version550), dial(version531)
		var stopping sync.WaitGroup
		var stopped error
		stopping.Go(func() { stopped = s.Stop(t.Context()) })
		t.Eventually(30*time.Second, "GO_AWAY from "+s.Name(), func(ctx context.Context) error {
			r, err := knowing.Call(ctx, &wire.Frame{Code: int32(code)})
			if err == nil && (r.Code != int32(protocol.ResponseGoAway) || r.Remark != "please go away") {
				err = fmt.Errorf("answered %s", r)
			}
			return err
		})
		if r, err := ignorant.Call(t.Context(), &wire.Frame{Code: int32(code)}); err != nil || r.Code != int32(protocol.ResponseSuccess) {
			t.Errorf("%s: a client of 5.3.1 was answered %v, %v", s.Name(), r, err)
		}
		stopping.Wait()
		t.Check(stopped, "stop %s", s.Name())
		if !knowing.AwaitClose(5 * time.Second) {
			t.Errorf("%s has stopped and its connection is open", s.Name())
		}
	}
}
