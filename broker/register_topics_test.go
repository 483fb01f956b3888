package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/config"
)

// Whoever creates a topic waits for the name servers as long as
// registerBrokerTimeoutMills says, and not at all without name servers.
func TestAwaitRegisteredBySetting(t *testing.T) {
	for _, tt := range []struct {
		servers       []string
		timeout, want time.Duration
	}{
		{[]string{"silent:9876"}, 700 * time.Millisecond, 700 * time.Millisecond},
		{[]string{"silent:9876"}, 24 * time.Second, 24 * time.Second},
		{nil, 24 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			cfg.RegisterTimeout = tt.timeout
			settings, _ := config.Load(config.Broker, testMachine(cfg.StorePathRootDir), config.StructSource(cfg))
			live, err := config.NewLive(settings, check)
			if err != nil {
				t.Fatal(err)
			}
			b := &Broker{config: live, changed: make(chan struct{}, 1), registrar: registration.New(registration.Identity{}, nil, tt.servers, registration.Form{})}
			asked := time.Now()
			b.awaitRegistered() // nobody makes the registration
			if waited := time.Since(asked); waited != tt.want {
				t.Errorf("with servers %q and registerBrokerTimeoutMills=%s: waited %s", tt.servers, tt.timeout, waited)
			}
			if asked := len(b.changed) == 1; asked != (len(tt.servers) > 0) {
				t.Errorf("with servers %q a registration was asked for: %t", tt.servers, asked)
			}
		})
	}
}
