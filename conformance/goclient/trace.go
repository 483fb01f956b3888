package goclient

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// tracing has the broker make the topic that clients write their traces to. The same words as in
// the other cases about traces, so that all of them share servers.
var tracing = conformance.Settings{Broker: map[string]string{
	"traceTopicEnable": "true", "transactionTimeOut": "1000", "transactionCheckInterval": "1000",
}}

const traceTopic = "RMQ_SYS_TRACE_TOPIC"

// tracedServers names the servers of the case about traces to the library, which has one client for
// the traces of a whole process, and refuses it to those who name other servers than the first did.
// A process may run the case on one target after the other.
var tracedServers traceResolver

type traceResolver struct {
	mu        sync.Mutex // guards addresses
	addresses []string
}

func (r *traceResolver) set(addresses []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addresses = addresses
}

// Resolve returns a list of its own: the library sorts it.
func (r *traceResolver) Resolve() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.addresses...)
}

func (r *traceResolver) Description() string { return "the servers of the case" }

// traces: a producer and a consumer with traces leave in the trace topic what they did with a
// message. It is found by the message's id and by its key. Of transactions this client traces the
// half message alone.
func traces(t *conformance.T) {
	tracedServers.set(t.Servers().NameServerAddresses())
	config := func(group string) *primitive.TraceConfig {
		return &primitive.TraceConfig{GroupName: group, Access: primitive.Local, Resolver: &tracedServers}
	}
	awaitRoute(t, traceTopic)
	topic := newTopic(t, 1)
	key := "key-" + topic
	p := newProducer(t, producer.WithTrace(config(t.Group())))
	m := primitive.NewMessage(topic, []byte("traced")).WithKeys([]string{key}).WithTag("TagA")
	sent := send(t, p, m)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in), consumer.WithTrace(config(t.Group())))
	in.await(t, []string{"traced"})
	transactional, _ := newTransactionProducer(t, t.Group(), newDecider(), producer.WithTrace(config(t.Group())))
	half := primitive.NewMessage(topic, []byte("rolled back")).WithKeys([]string{key + "-half"}).WithTag("TagA")
	half.WithProperty(localState, "rollback")
	rolledBack, err := transactional.SendMessageInTransaction(t.Context(), half)
	t.Check(err, "send in a transaction")
	awaitTraces(t, key+"-half", rolledBack.MsgID, func(found map[string]string) error {
		if len(found) != 1 || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+rolledBack.MsgID+"\x01TagA\x01"+key+"-half") {
			return fmt.Errorf("found %q", found)
		}
		return nil
	})
	for _, by := range []string{sent.MsgID, key} {
		awaitTraces(t, by, sent.MsgID, func(found map[string]string) error {
			// Kind, time, region and group begin the first two; a consumption's end names its success.
			if len(found) != 3 || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+sent.MsgID+"\x01TagA\x01"+key) ||
				!strings.Contains(found["SubBefore"], "\x01"+sent.MsgID+"\x010\x01"+key) || !strings.Contains(found["SubAfter"], "\x01true\x01"+key) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
}

// awaitTraces waits until a judge is content with the traces of a message that are found under a key.
func awaitTraces(t *conformance.T, key, id string, judge func(found map[string]string) error) {
	t.Eventually(deliveryTime, "the traces under "+key, func(ctx context.Context) error {
		found, err := tracesOf(ctx, t.Servers().Broker().Address(), key, id)
		if err != nil {
			return err
		}
		return judge(found)
	})
}

// tracesOf asks a broker for the traces under a key, and returns those of a message by their kind.
func tracesOf(ctx context.Context, broker, key, id string) (map[string]string, error) {
	r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(protocol.QueryMessage), Ext: map[string]string{
		"topic": traceTopic, "key": key, "maxNum": "64", "beginTimestamp": "0", "endTimestamp": strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10),
	}})
	if err != nil {
		return nil, err
	}
	if r.Code != int32(protocol.ResponseSuccess) {
		return nil, fmt.Errorf("answered %s", r)
	}
	records, err := wire.Records(r.Body)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, m := range records {
		for trace := range strings.SplitSeq(strings.TrimSuffix(string(m.Body), "\x02"), "\x02") {
			if kind, rest, _ := strings.Cut(trace, "\x01"); strings.Contains(rest, id) {
				found[kind] = rest
			}
		}
	}
	return found, nil
}
