package raw

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// transactionCases are about transactions that outlive a broker.
func transactionCases() []conformance.Case {
	cases := []conformance.Case{
		{Name: "restart", Run: func(t *conformance.T) {
			acrossBrokers(t, 1, (*conformance.Server).Stop, t.Servers().Broker().Start)
		}},
		{Name: "kill", Run: func(t *conformance.T) {
			kill := func(s *conformance.Server, _ context.Context) error { return s.Kill() }
			acrossBrokers(t, 1, kill, t.Servers().Broker().Start)
		}},
		{Name: "ends-before-stop", Difference: 24, Run: endsBeforeStop},
		{Name: "end-of-a-spared-one", Difference: 25, Run: endOfASparedOne},
		{Name: "hand-over", Timeout: 8 * time.Minute, Run: handOverTransactions},
	}
	for i := range cases {
		c := &cases[i]
		c.Name, c.Client, c.Topology, c.Feature = "raw/transactions/"+c.Name, conformance.Raw, conformance.SingleBroker, "transactions"
		c.Needs, c.Slow = conformance.Control, true
		c.Settings = conformance.Settings{Broker: map[string]string{"transactionTimeOut": "1000", "transactionCheckInterval": "2000", "transactionCheckMax": "1000"}}
		if c.Difference == 24 {
			c.Settings.Broker["transactionOpBatchInterval"] = "600000"
		}
		c.Codes = []protocol.RequestCode{protocol.SendMessageV2, protocol.EndTransaction, protocol.CheckTransactionState, protocol.HeartBeat, protocol.PullMessage}
	}
	return cases
}

// handOverTransactions: what one implementation began the other ends, on the same directory and
// ports, and back again.
func handOverTransactions(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	broker := t.Servers().Broker()
	life := 0
	acrossBrokers(t, 2, (*conformance.Server).Stop, func(ctx context.Context) error {
		broker.Become([]conformance.Launcher{t.Target().Reference, t.Target().Self}[life%2])
		life++
		return broker.Start(ctx)
	})
}

// acrossBrokers opens transactions in each life of a broker and ends some of them in the next.
// Every message that was committed is delivered once, whichever broker stored it, asked about
// it or delivered it, and none that was rolled back is.
func acrossBrokers(t *conformance.T, changes int, end func(*conformance.Server, context.Context) error, begin func(context.Context) error) {
	t.StartServers()
	p := &txProducer{T: t, topic: t.Topic(), group: t.Group()}
	p.connect()
	var want []string
	for life := range changes {
		name := func(what string) string { return fmt.Sprintf("%s-%d", what, life) }
		p.end(p.half(name("committed")), protocol.SysFlagTransactionCommit, false)
		p.end(p.half(name("rolled-back")), protocol.SysFlagTransactionRollback, false)
		late, open, given := p.half(name("late")), p.half(name("open")), p.half(name("given-up"))
		t.Check(end(t.Servers().Broker(), t.Context()), "end the broker of life %d", life)
		p.conn.Close()
		t.Check(begin(t.Context()), "begin the life after %d", life)
		p.connect()
		// Another than the one that stored them carries these to their end: by what the producer
		// knows from the send, and by what it is asked.
		p.end(late, protocol.SysFlagTransactionCommit, false)
		asked := p.askedAbout(open.body, given.body)
		p.end(asked[open.body], protocol.SysFlagTransactionCommit, true)
		p.end(asked[given.body], protocol.SysFlagTransactionRollback, true)
		want = append(want, name("committed"), name("late"), name("open"))
		slices.Sort(want)
		t.Eventually(20*time.Second, "what was committed", func(ctx context.Context) error {
			if got := p.delivered(ctx); !slices.Equal(got, want) {
				return fmt.Errorf("delivered %v, want %v", got, want)
			}
			return nil
		})
	}
	p.conn.Close()
}

// transaction is one that a producer has opened.
type transaction struct {
	body             string
	offset, physical string // of the half message, by which the broker knows it
}

// txProducer is the producer of a group.
type txProducer struct {
	*conformance.T
	topic, group string
	conn         *wire.Conn
}

// connect makes the producer known to the broker.
func (p *txProducer) connect() {
	conn, err := wire.Dial(p.Context(), p.Servers().Broker().Address())
	p.Check(err, "connect")
	p.conn = conn
	p.call(&wire.Frame{
		Code: int32(protocol.HeartBeat),
		Body: fmt.Appendf(nil, `{"clientID":"%s","consumerDataSet":[],"producerDataSet":[{"groupName":"%s"}]}`, p.group, p.group),
	})
}

// call wants success.
func (p *txProducer) call(f *wire.Frame) *wire.Frame {
	r, err := p.conn.Call(p.Context(), f)
	p.Check(err, "call %s", protocol.RequestCode(f.Code))
	if r.Code != int32(protocol.ResponseSuccess) {
		p.Fatalf("%s was answered %s", protocol.RequestCode(f.Code), r)
	}
	return r
}

// half opens a transaction, with a property more or without.
func (p *txProducer) half(body string, property ...string) transaction {
	properties := "TRAN_MSG\x01true\x02PGROUP\x01" + p.group + "\x02"
	if len(property) == 2 {
		properties += property[0] + "\x01" + property[1] + "\x02"
	}
	r := p.call(&wire.Frame{
		Code: int32(protocol.SendMessageV2), Body: []byte(body),
		Ext: map[string]string{
			"a": p.group, "b": p.topic, "c": "TBW102", "d": "1", "e": "0", "f": strconv.Itoa(int(protocol.SysFlagTransactionPrepared)),
			"g": strconv.FormatInt(time.Now().UnixMilli(), 10), "h": "0", "j": "0", "k": "false", "m": "false",
			"i": properties,
		},
	})
	physical, err := wire.PhysicalOffset(r.Ext["msgId"])
	p.Check(err, "read the place of %s in the log", r)
	return transaction{body: body, offset: r.Ext["queueOffset"], physical: strconv.FormatInt(physical, 10)}
}

// end commits a transaction or rolls it back.
func (p *txProducer) end(x transaction, how int32, fromCheck bool) {
	p.call(&wire.Frame{Code: int32(protocol.EndTransaction), Ext: map[string]string{
		"producerGroup": p.group, "tranStateTableOffset": x.offset, "commitLogOffset": x.physical,
		"commitOrRollback": strconv.Itoa(int(how)), "fromTransactionCheck": strconv.FormatBool(fromCheck), "msgId": x.body,
	}})
}

// asked waits for the next question and returns the transaction that it is about.
func (p *txProducer) asked() transaction {
	for {
		q, err := p.conn.Push(p.Context())
		p.Check(err, "wait to be asked")
		if q.Code != int32(protocol.CheckTransactionState) {
			continue
		}
		records, err := wire.Records(q.Body)
		p.Check(err, "read the half message of a question")
		body := string(records[0].Body)
		return transaction{body: body, offset: q.Ext["tranStateTableOffset"], physical: q.Ext["commitLogOffset"]}
	}
}

// askedAbout waits until the broker has asked about all of some transactions. What else it asks
// about stays unanswered: the official broker forgets the ends of its last seconds.
func (p *txProducer) askedAbout(bodies ...string) map[string]transaction {
	found := map[string]transaction{}
	for len(found) < len(bodies) {
		if x := p.asked(); slices.Contains(bodies, x.body) {
			found[x.body] = x
		}
	}
	return found
}

// delivered lists what can be consumed, sorted.
func (p *txProducer) delivered(ctx context.Context) []string {
	var got []string
	for next := "0"; ; {
		r, err := p.conn.Call(ctx, &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
			"consumerGroup": p.group, "topic": p.topic, "queueId": "0", "queueOffset": next, "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0",
			"suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		}})
		p.Check(err, "pull")
		if r.Code != int32(protocol.ResponseSuccess) {
			slices.Sort(got)
			return got
		}
		records, err := wire.Records(r.Body)
		p.Check(err, "read what was pulled")
		for i := range records {
			got = append(got, string(records[i].Body))
		}
		next = r.Ext["nextBeginOffset"]
	}
}
