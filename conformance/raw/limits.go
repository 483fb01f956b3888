package raw

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// limitCases are about servers that have too much to do, and clients that ask for too much.
func limitCases() []conformance.Case {
	// One worker and one place to wait for what administrators ask, and for sends.
	narrow := map[string]string{
		"adminBrokerThreadPoolNums": "1", "adminBrokerThreadPoolQueueCapacity": "1", "waitTimeMillsInAdminBrokerQueue": "1000",
		"sendMessageThreadPoolNums": "1", "sendThreadPoolQueueCapacity": "1",
	}
	return []conformance.Case{
		{
			Name: "busy", Feature: "SYSTEM_BUSY", Codes: []protocol.RequestCode{protocol.GetConsumerRunningInfo, protocol.HeartBeat},
			Settings: conformance.Settings{Broker: narrow}, Run: busy,
		},
		{
			Name: "busy-senders", Feature: "SYSTEM_BUSY", Codes: []protocol.RequestCode{protocol.SendMessageV2}, Difference: 6,
			Settings: conformance.Settings{Broker: narrow}, Run: busySenders,
		},
		{
			Name: "slow-reader", Feature: "connections", Codes: []protocol.RequestCode{protocol.PullMessage}, Difference: 7,
			Slow: true, Timeout: 2 * time.Minute, Run: slowReader,
		},
		{
			Name: "many-requests", Feature: "connections", Codes: []protocol.RequestCode{protocol.PullMessage}, Difference: 22,
			Slow: true, Timeout: 2 * time.Minute, Run: manyRequests,
		},
		coldPullsCase(),
	}
}

// busy: a request that waits too long for a worker, and one that finds no place to wait, are
// answered SYSTEM_BUSY with words that clients and people know. The worker is held by a
// question that the broker passes on to a client that does not answer.
func busy(t *conformance.T) {
	broker := t.Servers().Broker().Address()
	dial := func() *wire.Conn {
		conn, err := wire.Dial(t.Context(), broker)
		t.Check(err, "connect")
		t.Cleanup(conn.Close)
		return conn
	}
	client, admin := dial(), dial()
	group := t.Group()
	r, err := client.Call(t.Context(), &wire.Frame{
		Code: int32(protocol.HeartBeat),
		Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[{"groupName":%q,"consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",`+
			`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`, group, group),
	})
	t.Check(err, "send a heartbeat")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the heartbeat was answered %s", r)
	}
	ask := func() (*wire.Frame, error) {
		return admin.Call(t.Context(), &wire.Frame{
			Code: int32(protocol.GetConsumerRunningInfo),
			Ext:  map[string]string{"consumerGroup": group, "clientId": group, "jstackEnable": "false"},
		})
	}
	var asking sync.WaitGroup
	held := make([]*wire.Frame, 2)
	errs := make([]error, 2)
	asking.Go(func() { held[0], errs[0] = ask() })
	for asked := false; !asked; { // once the question has reached the client, the worker is held
		push, err := client.Push(t.Context())
		t.Check(err, "be asked")
		asked = push.Code == int32(protocol.GetConsumerRunningInfo)
	}
	asking.Go(func() { held[1], errs[1] = ask() })
	t.Pause(300 * time.Millisecond) // it waits, far less than its second
	refused, err := ask()
	t.Check(err, "ask a third time")
	wantBusy(t, "a request without a place to wait", refused, "[OVERLOAD]system busy, start flow control for a while")
	asking.Wait()
	t.Check(errs[0], "ask")
	t.Check(errs[1], "ask again")
	wantBusy(t, "a request that waited too long", held[1], "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: ")
	if !strings.HasSuffix(held[1].Remark, "ms, size of queue: 0") {
		t.Errorf("the remark is %q", held[1].Remark)
	}
	if held[0].Code != int32(protocol.ResponseConsumeMsgTimeout) {
		t.Errorf("the question that nobody answers was answered %s", held[0])
	}
}

func wantBusy(t *conformance.T, what string, r *wire.Frame, remark string) {
	if r.Code != int32(protocol.ResponseSystemBusy) || !strings.HasPrefix(r.Remark, remark) {
		t.Errorf("%s was answered %s, want SYSTEM_BUSY %q", what, r, remark)
	}
}

// busySenders: many sends at once, where the official broker has one worker for them and one
// place to wait.
func busySenders(t *conformance.T) {
	const sends = 500
	topic := t.Topic()
	conn, err := wire.Dial(t.Context(), t.Servers().Broker().Address())
	t.Check(err, "connect")
	defer conn.Close()
	first, err := conn.Call(t.Context(), sendFrame(topic, 10)) // which creates the topic
	t.Check(err, "send")
	if first.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the first send was answered %s", first)
	}
	answers := make([]*wire.Frame, sends)
	errs := make([]error, sends)
	var all sync.WaitGroup
	for i := range sends {
		all.Go(func() { answers[i], errs[i] = conn.Call(t.Context(), sendFrame(topic, 10)) })
	}
	all.Wait()
	refused := 0
	for i, r := range answers {
		t.Check(errs[i], "send")
		if r.Code != int32(protocol.ResponseSuccess) {
			refused++
			wantBusy(t, "a send", r, "[OVERLOAD]system busy, start flow control for a while")
		}
	}
	if t.Official() == (refused == 0) {
		t.Errorf("%d of %d sends were refused", refused, sends)
	}
}

// sendFrame is a send of size bytes to queue 0 of a topic.
func sendFrame(topic string, size int) *wire.Frame {
	return &wire.Frame{
		Code: int32(protocol.SendMessageV2),
		Ext: map[string]string{
			"a": topic, "b": topic, "c": "TBW102", "d": "1", "e": "0", "f": "0",
			"g": strconv.FormatInt(time.Now().UnixMilli(), 10), "h": "0", "i": "", "j": "0", "k": "false", "m": "false",
		},
		Body: make([]byte, size),
	}
}

// slowReader: a client leaves hundreds of pulls with the broker and reads nothing when a
// message arrives for all of them. What the official broker keeps for it is without bound.
func slowReader(t *conformance.T) {
	const pulls, size = 300, 200 << 10
	topic, group := t.Topic(), t.Group()
	broker := t.Servers().Broker()
	r, err := wire.Call(t.Context(), broker.Address(), sendFrame(topic, 1))
	t.Check(err, "send")
	t.AwaitEnd(topic, 0, 1)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the first send was answered %s", r)
	}
	nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", broker.Address())
	t.Check(err, "connect")
	defer nc.Close()
	_, err = nc.Write(heldPulls(t, group, topic, pulls))
	t.Check(err, "pull")
	t.Pause(2 * time.Second) // the broker holds them
	_, err = wire.Call(t.Context(), broker.Address(), sendFrame(topic, size))
	t.Check(err, "send a large message")
	t.Pause(5 * time.Second) // and now answers all of them, while nobody reads
	answers := 0
	t.Check(nc.SetReadDeadline(time.Now().Add(20*time.Second)), "bound the time of reading")
	for answers < pulls {
		f, err := wire.ReadFrame(nc)
		if err != nil {
			break
		}
		if len(f.Body) >= size {
			answers++
		}
	}
	if t.Official() == (answers < pulls) {
		t.Errorf("%d of %d pulls were answered", answers, pulls)
	}
	another, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{Code: int32(harmless["broker"])})
	if err != nil || another.Code != int32(protocol.ResponseSuccess) {
		t.Errorf("another client is answered %v, %v", another, err)
	}
}

// heldPulls are pulls at the end of a queue that holds one message; the broker keeps them for a
// minute, or until the next message.
func heldPulls(t *conformance.T, group, topic string, n int) []byte {
	var all []byte
	for i := range n {
		f := heldPull(group, topic)
		f.Opaque, f.Version = int32(1+i), wire.Version550
		b, err := f.Encode()
		t.Check(err, "encode a pull")
		all = append(all, b...)
	}
	return all
}

// heldPull is one of them.
func heldPull(group, topic string) *wire.Frame {
	return &wire.Frame{
		Code: int32(protocol.PullMessage),
		Ext: map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": "0", "queueOffset": "1", "maxMsgNums": "1", "sysFlag": "6",
			"commitOffset": "0", "suspendTimeoutMillis": "60000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		},
	}
}

// manyRequests: one connection leaves more pulls with the broker than any client has queues.
func manyRequests(t *conformance.T) {
	const limit, beyond = 1 << 16, 100
	topic, group := t.Topic(), t.Group()
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), sendFrame(topic, 1))
	t.Check(err, "send")
	t.AwaitEnd(topic, 0, 1)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the first send was answered %s", r)
	}
	conn, err := wire.Dial(t.Context(), t.Servers().Broker().Address())
	t.Check(err, "connect")
	defer conn.Close()
	t.Check(conn.Write(heldPulls(t, group, topic, limit+beyond)), "pull %d times", limit+beyond)
	refused := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r, err := conn.Push(ctx) // nobody waits for these answers by number
		cancel()
		if err != nil {
			break
		}
		wantBusy(t, "a pull", r, "[OVERLOAD]system busy, start flow control for a while")
		refused++
	}
	if want := map[bool]int{true: 0, false: beyond}[t.Official()]; refused != want {
		t.Errorf("%d of %d pulls were refused, want %d", refused, limit+beyond, want)
	}
}
