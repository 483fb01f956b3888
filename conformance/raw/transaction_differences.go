package raw

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// endsBeforeStop: when a broker stops soon after transactions have ended, its next life of the
// official one asks about them again; a producer that answers commits a second time.
func endsBeforeStop(t *conformance.T) {
	t.StartServers()
	p := &txProducer{T: t, topic: t.Topic(), group: t.Group()}
	p.connect()
	p.end(p.half("committed"), protocol.SysFlagTransactionCommit, false)
	p.end(p.half("rolled-back"), protocol.SysFlagTransactionRollback, false)
	t.Check(t.Servers().Broker().Stop(t.Context()), "stop the broker")
	p.conn.Close()
	t.Check(t.Servers().Broker().Start(t.Context()), "start the broker")
	p.connect()
	defer p.conn.Close()
	p.half("open")
	asked := p.askedUntil("open", 2)
	if again := asked["committed"]+asked["rolled-back"] > 0; again != t.Official() {
		t.Errorf("asked about %v", asked)
	}
}

// endOfASparedOne: a producer ends a transaction whose half message was put back because of its
// immunity. It knows the half message by its first offset; the official broker does not find the
// end under that offset, and asks when the immunity is over.
func endOfASparedOne(t *conformance.T) {
	t.StartServers()
	p := &txProducer{T: t, topic: t.Topic(), group: t.Group()}
	p.connect()
	defer p.conn.Close()
	spared := p.half("spared", "CHECK_IMMUNITY_TIME_IN_SECONDS", "12")
	t.Eventually(20*time.Second, "the half message to be put back", func(ctx context.Context) error {
		r, err := p.conn.Call(ctx, &wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{
			"topic": protocol.TopicTransHalf, "queueId": "0",
		}})
		if err != nil {
			return err
		}
		if end, err := strconv.Atoi(r.Ext["offset"]); err != nil || end < 2 {
			return fmt.Errorf("the half topic ends at %q", r.Ext["offset"])
		}
		return nil
	})
	p.end(spared, protocol.SysFlagTransactionCommit, false)
	p.half("open")
	asked := p.askedUntil("open", 8) // longer than the immunity
	if again := asked["spared"] > 0; again != t.Official() {
		t.Errorf("asked about %v", asked)
	}
}

// askedUntil counts what the broker asks about, which is not answered, until it has asked about
// one transaction so many times.
func (p *txProducer) askedUntil(body string, times int) map[string]int {
	asked := map[string]int{}
	for asked[body] < times {
		asked[p.asked().body]++
	}
	return asked
}
