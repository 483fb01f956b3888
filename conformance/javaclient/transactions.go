package javaclient

import (
	"context"
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

func transactions(k *kit) {
	p := k.producer(args{"transaction": true})
	topic := k.topic(p, 1)
	c := k.push(k.Group(), topic, nil)
	for _, s := range []struct{ body, local, check string }{
		{"committed", "COMMIT_MESSAGE", ""},
		{"rolled back", "ROLLBACK_MESSAGE", ""},
		{"committed by check", "UNKNOW", "COMMIT_MESSAGE"},
		{"rolled back by check", "UNKNOW", "ROLLBACK_MESSAGE"},
	} {
		m := message{Topic: topic, Body: []byte(s.body), Properties: map[string]string{javadriver.ScriptLocal: s.local}}
		if s.check != "" {
			m.Properties[javadriver.ScriptCheck] = s.check
		}
		r, err := p.SendTransaction(k.ctx, m)
		k.Check(err, "send in a transaction")
		if k.sent(r); r.LocalState != s.local || r.TransactionID == "" {
			k.Errorf("%s: local state %s, transaction id %q", s.body, r.LocalState, r.TransactionID)
		}
	}
	// The official broker notes the ends of transactions in batches, every 3 seconds, and until
	// then asks again about those that have just ended. A second COMMIT delivers a second time.
	_, err := p.Checks.Wait(k.ctx, func(got []message) bool {
		asked := map[string]bool{}
		for _, m := range got {
			asked[m.Text()] = m.Topic == topic
		}
		return asked["committed by check"] && asked["rolled back by check"]
	})
	k.Check(err, "be asked about two transactions")
	both := func(got []message) bool {
		return slices.Equal(slices.Compact(texts(got)), []string{"committed", "committed by check"})
	}
	_, err = c.Wait(k.ctx, both)
	k.Check(err, "consume what was committed")
	k.Pause(300 * time.Millisecond)
	delivered, asked := map[string]int{}, map[string]int{"committed": 1} // times
	for _, m := range c.Messages() {
		delivered[m.Text()]++
	}
	for _, m := range p.Checks.Messages() {
		if m.Text() == "committed by check" { // the others are answered otherwise
			asked[m.Text()]++
		}
	}
	for text, n := range delivered {
		if n > asked[text] {
			k.Errorf("%q was delivered %d times and committed %d times", text, n, asked[text])
		}
	}
}

// transactionProducerGone: another producer of the group is asked about a transaction of one
// that has gone.
func transactionProducerGone(k *kit) {
	group := k.Group()
	start := func() *javadriver.Producer {
		p, err := k.driver.Producer(k.ctx, k.nameSrv, group, beating(args{"transaction": true}))
		k.Check(err, "start a producer")
		return p
	}
	stays, goes := start(), start()
	k.closeLater(stays)
	topic := k.topic(stays, 1)
	c := k.push(k.Group(), topic, nil)
	transact := func(p *javadriver.Producer, body, local, check string) {
		r, err := p.SendTransaction(k.ctx, message{Topic: topic, Body: []byte(body), Properties: map[string]string{
			javadriver.ScriptLocal: local, javadriver.ScriptCheck: check,
			// Time for a producer to leave before it would be asked.
			"CHECK_IMMUNITY_TIME_IN_SECONDS": "10",
		}})
		k.Check(err, "send in a transaction")
		k.sent(r)
	}
	// By their first messages the producers learn of the broker.
	transact(stays, "first", "ROLLBACK_MESSAGE", "ROLLBACK_MESSAGE")
	transact(goes, "second", "ROLLBACK_MESSAGE", "ROLLBACK_MESSAGE")
	k.AwaitProducers(group, 2)
	transact(goes, "orphan", "UNKNOW", "COMMIT_MESSAGE")
	k.close(goes)
	_, err := stays.Checks.Wait(k.ctx, func(got []message) bool { return slices.Contains(texts(got), "orphan") })
	k.Check(err, "be asked about the transaction of another producer")
	// Once, or oftener: see the case of transactions.
	_, err = c.Wait(k.ctx, func(got []message) bool { return slices.Contains(texts(got), "orphan") })
	k.Check(err, "consume what was committed")
	if got := slices.Compact(texts(c.Messages())); !slices.Equal(got, []string{"orphan"}) {
		k.Errorf("consumed %q", got)
	}
}

func transactionsAcrossRestart(k *kit) { k.transactionsAcross((*conformance.Server).Stop) }

func transactionsAcrossKill(k *kit) {
	k.transactionsAcross(func(s *conformance.Server, _ context.Context) error { return s.Kill() })
}

// transactionsAcross: the producer is asked by the next life of the broker about what it has
// opened in the one before, and about an end that the broker did not take any more.
func (k *kit) transactionsAcross(end func(*conformance.Server, context.Context) error) {
	k.StartServers()
	p := k.producer(args{"transaction": true, "retries": 2})
	topic := k.topic(p, 1)
	c := k.push(k.Group(), topic, nil)
	for _, s := range []struct{ body, local, check string }{
		{"committed", "COMMIT_MESSAGE", "COMMIT_MESSAGE"},
		{"rolled back", "ROLLBACK_MESSAGE", "ROLLBACK_MESSAGE"},
		{"open", "UNKNOW", "COMMIT_MESSAGE"},
	} {
		r, err := p.SendTransaction(k.ctx, message{Topic: topic, Body: []byte(s.body), Properties: map[string]string{
			javadriver.ScriptLocal: s.local, javadriver.ScriptCheck: s.check,
			// The broker is gone before it would ask.
			"CHECK_IMMUNITY_TIME_IN_SECONDS": "10",
		}})
		k.Check(err, "send in a transaction")
		k.sent(r)
	}
	broker := k.Servers().Broker()
	k.Check(end(broker, k.ctx), "end the broker")
	k.Check(broker.Start(k.ctx), "start the broker")
	ctx, cancel := context.WithTimeout(k.ctx, k.Stretch(time.Minute))
	defer cancel()
	// Once each, or oftener: see the case of transactions.
	_, err := c.Wait(ctx, func(got []message) bool {
		return slices.Equal(slices.Compact(texts(got)), []string{"committed", "open"})
	})
	k.Check(err, "consume what was committed, with questions about %q", texts(p.Checks.Messages()))
}
