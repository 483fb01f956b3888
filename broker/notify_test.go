package broker

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// toldSession is a connection that passes on what its client is told.
type toldSession struct {
	remoting.Session
	name  string
	heard chan<- string
}

func (s *toldSession) Push(c *codec.Command) error {
	s.heard <- s.name + " is told of " + c.Header.(*protocol.NotifyConsumerIdsChangedRequestHeader).ConsumerGroup
	return nil
}

// TestLateNotices: members that are not told at once are told half a minute after the
// start and every quarter of a minute from then on, once however often their group has
// changed, unless nobody is told any more.
func TestLateNotices(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(dir)
		cfg.RealTimeNotifyConsumerChange = false
		settings, _ := config.Load(config.Broker, testMachine(dir), config.StructSource(cfg))
		live, err := config.NewLive(settings, func(*config.Settings, *Config) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		b := &Broker{config: live}
		heard := make(chan string, 10)
		member := func(name string) *clients.Client {
			return &clients.Client{Identity: clients.Identity{Session: &toldSession{name: name, heard: heard}}}
		}
		first, second := member("1"), member("2")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.notifyLate(ctx)
		}()
		told := func(after time.Duration, want ...string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			var got []string
			for len(heard) > 0 {
				got = append(got, <-heard)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v later: %q, want %q", after, got, want)
			}
		}
		b.notifyConsumers("G", []*clients.Client{first})
		b.notifyConsumers("G", []*clients.Client{first, second})
		told(30*time.Second - 1)
		told(1, "1 is told of G", "2 is told of G")
		b.notifyConsumers("G", []*clients.Client{second})
		told(15*time.Second - 1)
		told(1, "2 is told of G")
		b.notifyConsumers("G", []*clients.Client{second})
		if _, err := live.Update(map[string]string{"notifyConsumerIdsChangedEnable": "false"}); err != nil {
			t.Fatal(err)
		}
		told(15 * time.Second)
		if _, err := live.Update(map[string]string{"notifyConsumerIdsChangedEnable": "true", "realTimeNotifyConsumerChange": "true"}); err != nil {
			t.Fatal(err)
		}
		told(15 * time.Second)
		b.notifyConsumers("G", []*clients.Client{first})
		told(0, "1 is told of G")
		cancel()
		<-done
	})
}
