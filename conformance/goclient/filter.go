package goclient

import (
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// propertyFilters switches SQL92 on; it is off by default.
var propertyFilters = conformance.Settings{Broker: map[string]string{"enablePropertyFilter": "true"}}

// sqlFilter: an SQL92 expression over the properties of messages.
func sqlFilter(t *conformance.T) {
	topic := newTopic(t, 2)
	p := newProducer(t)
	for _, price := range []string{"5", "15", "25", "much"} {
		m := primitive.NewMessage(topic, []byte("price "+price))
		m.WithProperty("price", price)
		send(t, p, m)
	}
	send(t, p, primitive.NewMessage(topic, []byte("no price")))
	cheap, none := newInbox(), newInbox()
	startConsumer(t, t.Group(), topic, consumer.MessageSelector{Type: consumer.SQL92, Expression: "price < 20"}, intoInbox(cheap))
	startConsumer(t, t.Group(), topic, consumer.MessageSelector{Type: consumer.SQL92, Expression: "price IS NULL OR price ENDSWITH 'ch'"}, intoInbox(none))
	cheap.await(t, []string{"price 5", "price 15"})
	none.await(t, []string{"no price", "price much"})
}

// sqlRefused: where property filters are off, a pull by SQL92 is told so. A consumer that waits for its messages does
// not ask before: it starts, and is given none.
func sqlRefused(t *conformance.T) {
	topic := kept(t)
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "price IS NULL"}
	none, all := newInbox(), newInbox()
	startConsumer(t, t.Group(), topic, selector, intoInbox(none))
	c := puller(t, t.Group(), topic, selector)
	_, err := c.PullFrom(t.Context(), queueOf(t, topic, 0), 0, 1)
	wantRefused(t, "the pull", err, protocol.ResponseSystemError, "The broker does not support consumer to filter message by SQL92")
	startConsumer(t, t.Group(), topic, everything, intoInbox(all))
	all.await(t, []string{"kept"})
	if got, _ := none.all(); len(got) > 0 {
		t.Errorf("a consumer by SQL92 was given %q", bodies(got))
	}
}
