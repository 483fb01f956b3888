package raw

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// mergedPops are conversations that are held once more with a broker which keeps in memory for some
// seconds what consumers have in hand (enablePopBufferMerge). Nobody notices.
var mergedPops = []string{
	"broker/pop-ack-wrong", "broker/pop-basic", "broker/pop-batch-ack", "broker/pop-change-invisible", "broker/pop-order", "broker/pop-revive",
}

var popMerge = map[string]string{"enablePopBufferMerge": "true"}

// popsInTurn has a broker serve its pops with one thread. The official one gives a queue free just after its
// answer: a pop that another thread begins by then finds the queue taken, and nothing in it.
var popsInTurn = map[string]string{"pullMessageThreadPoolNums": "1"}

// withPopMerge is a case as it is with popMerge. It records nothing.
func withPopMerge(c conformance.Case, s *script) conformance.Case {
	c.Name += "-merged"
	settings := maps.Clone(popMerge)
	maps.Copy(settings, c.Settings.Broker)
	c.Settings.Broker = settings
	c.Run = func(t *conformance.T) { runScript(t, s, "") }
	return c
}

// popMergeCases are about what outlives a broker with popMerge.
func popMergeCases() []conformance.Case {
	settings := maps.Clone(popMerge)
	maps.Copy(settings, popsInTurn)
	return []conformance.Case{{
		Name: "raw/pop/merged-restart", Client: conformance.Raw, Topology: conformance.SingleBroker, Feature: "POP consumption",
		Needs: conformance.Control, Slow: true, Timeout: 3 * time.Minute, Settings: conformance.Settings{Broker: settings}, Run: mergedRestart,
		Codes: []protocol.RequestCode{protocol.PopMessage, protocol.AckMessage, protocol.ChangeMessageInvisibletime},
	}}
}

// mergedRestart: a broker is stopped while consumers have messages in hand, all of them only in its
// memory. After the next start comes again what was not acknowledged, when its time is over and not
// before, and nothing else does.
func mergedRestart(t *conformance.T) {
	const invisible, forever = 8 * time.Second, 10 * time.Minute
	t.StartServers()
	h := &tables{T: t, group: t.Group(), popped: t.Topic()}
	handles := map[string]string{}
	bodies := []string{"acknowledged", "kept", "given back", "left", "left, too"}
	for _, body := range bodies {
		h.send(h.popped, body, "", 0)
	}
	h.awaitEnd(h.popped, int64(len(bodies)))
	for _, want := range bodies {
		body, handle := h.pop(h.popped, invisible, false)
		if body != want {
			t.Fatalf("popped %q, want %q", body, want)
		}
		handles[body] = handle
	}
	request := func(body string) map[string]string {
		return map[string]string{
			"consumerGroup": h.group, "topic": h.popped, "queueId": "0", "offset": strconv.Itoa(slices.Index(bodies, body)), "extraInfo": handles[body],
		}
	}
	h.Call(&wire.Frame{Code: int32(protocol.AckMessage), Ext: request("acknowledged")})
	for body, d := range map[string]time.Duration{"kept": forever, "given back": time.Second} {
		f := &wire.Frame{Code: int32(protocol.ChangeMessageInvisibletime), Ext: request(body)}
		f.Ext["invisibleTime"] = strconv.FormatInt(d.Milliseconds(), 10)
		h.Call(f)
	}
	broker := t.Servers().Broker()
	t.Check(broker.Stop(t.Context()), "stop the broker")
	t.Check(broker.Start(t.Context()), "start the broker")
	came := map[string]int{}
	t.Eventually(60*time.Second, "what was not acknowledged", func(context.Context) error {
		for {
			body, _ := h.pop(h.popped, forever, false)
			if body == "" {
				break
			}
			came[body]++
			if strings.HasPrefix(body, "left") {
				popped, err := strconv.ParseInt(strings.Fields(handles[body])[1], 10, 64)
				t.Check(err, "read the handle %s", handles[body])
				if visible := time.UnixMilli(popped).Add(invisible); time.Now().Before(visible) {
					t.Errorf("%q came %v before its time", body, time.Until(visible))
				}
			}
		}
		if len(came) < 3 {
			return fmt.Errorf("%v came", came)
		}
		return nil
	})
	if want := (map[string]int{"given back": 1, "left": 1, "left, too": 1}); !maps.Equal(came, want) {
		t.Errorf("%v came, want %v", came, want)
	}
}
