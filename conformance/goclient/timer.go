package goclient

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
)

// timers is the default, said aloud to keep the cases off the servers of one that stops the
// official timer.
var timers = conformance.Settings{Broker: map[string]string{"timerPrecisionMs": "1000"}}

// timerMessages: this client has no word for a delivery time of a message's own; the properties
// do it.
func timerMessages(t *conformance.T) {
	topic := newTopic(t, 1)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	p := newProducer(t)
	due := map[string]int64{}
	for _, m := range []struct{ body, property, value string }{
		{"seconds", "TIMER_DELAY_SEC", "5"},
		{"milliseconds", "TIMER_DELAY_MS", "2500"},
		{"a time", "TIMER_DELIVER_MS", strconv.FormatInt(time.Now().Add(3500*time.Millisecond).UnixMilli(), 10)},
	} {
		n, err := strconv.ParseInt(m.value, 10, 64)
		t.Check(err, "read %s", m.value)
		switch {
		case strings.HasSuffix(m.property, "SEC"):
			n = time.Now().UnixMilli() + n*1000
		case strings.HasSuffix(m.property, "DELAY_MS"):
			n += time.Now().UnixMilli()
		}
		due[m.body] = n
		message := primitive.NewMessage(topic, []byte(m.body))
		message.WithProperty(m.property, m.value)
		send(t, p, message)
	}
	for _, m := range in.await(t, []string{"seconds", "milliseconds", "a time"}) {
		if early := due[string(m.Body)] - m.StoreTimestamp; early > 0 {
			t.Errorf("%s came %d ms early", m.Body, early)
		}
	}
	message := primitive.NewMessage(topic, []byte("too far"))
	message.WithProperty("TIMER_DELAY_SEC", "300000")
	if r, err := p.SendSync(t.Context(), message); err == nil && r.Status == primitive.SendOK {
		t.Errorf("a delay beyond the longest was answered %s", r)
	}
}
