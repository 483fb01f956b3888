package goclient

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// oftenCompacted makes files of nine messages, and a compaction every two or three seconds.
var oftenCompacted = conformance.Settings{Broker: map[string]string{
	"compactionScheduleInternal": "1000", "compactionCqMappedFileSize": "460", "compactionMappedFileSize": "4600",
}}

// compactedKeys is how many keys the messages have.
const compactedKeys = 7

// handOverCompaction hands a compacted topic from one implementation to the other and back, after a clean stop and after a kill. Each
// finds the newest message of every key that the other left, goes on, and compacts what both have written.
func handOverCompaction(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	c := &compactedTopic{topic: t.Topic(), newest: map[string]string{}}
	c.create(t)
	for round, launcher := range []conformance.Launcher{t.Target().Self, t.Target().Reference, t.Target().Self} {
		if round > 0 {
			if round == 1 || t.Official() { // that one may not start again when a kill falls between its renames
				t.Check(broker.Stop(t.Context()), "stop the broker before round %d", round)
			} else {
				t.Check(broker.Kill(), "kill the broker before round %d", round)
			}
			c.verify(t, broker.StoreDir())
			broker.Become(launcher)
			t.Check(broker.Start(t.Context()), "start the broker in round %d", round)
			awaitRoute(t, c.topic)
			c.find(t)
		}
		c.round(t, round)
	}
}

// compactedTopic is what the rounds have in common.
type compactedTopic struct {
	topic  string
	sent   int
	newest map[string]string // body by key
}

func (c *compactedTopic) create(t *conformance.T) {
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), &wire.Frame{
		Code: int32(protocol.UpdateAndCreateTopic),
		Ext: map[string]string{
			"topic": c.topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
			"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+cleanup.policy=COMPACTION",
		},
	})
	t.Check(err, "create topic %s", c.topic)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("creating topic %s was answered %s", c.topic, r)
	}
	awaitRoute(t, c.topic)
}

// round sends messages and waits until most have been compacted away.
func (c *compactedTopic) round(t *conformance.T, round int) {
	p := newProducer(t)
	for i := range 60 {
		key, body := fmt.Sprint("key", i%compactedKeys), fmt.Sprintf("round %d message %d", round, i)
		send(t, p, primitive.NewMessage(c.topic, []byte(body)).WithKeys([]string{key}))
		c.sent++
		c.newest[key] = body
	}
	// Besides one of each key there may be the file that is appended to, and what came with it before its compaction.
	const most = compactedKeys + 2*10
	t.Eventually(deliveryTime, "a compaction", func(ctx context.Context) error {
		messages, err := c.read(ctx, t)
		if err == nil && len(messages) > most {
			err = fmt.Errorf("%d of %d messages are left", len(messages), c.sent)
		}
		return err
	})
	c.find(t)
}

// find reads the whole topic and compares.
func (c *compactedTopic) find(t *conformance.T) {
	t.Eventually(deliveryTime, "the newest message of each key", func(ctx context.Context) error {
		messages, err := c.read(ctx, t)
		if err != nil {
			return err
		}
		got := map[string]string{}
		before := int64(-1)
		for _, m := range messages {
			if m.QueueOffset <= before {
				return fmt.Errorf("message %d follows message %d", m.QueueOffset, before)
			}
			before = m.QueueOffset
			got[m.PropertyMap()["KEYS"]] = string(m.Body)
		}
		for key, want := range c.newest {
			if got[key] != want {
				return fmt.Errorf("the newest message of %s is %q, want %q", key, got[key], want)
			}
		}
		return nil
	})
}

// read pulls everything that the topic holds.
func (c *compactedTopic) read(ctx context.Context, t *conformance.T) (all []wire.Record, err error) {
	for off := "0"; ; {
		r, err := wire.Call(ctx, t.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
			"consumerGroup": "COMPACTED", "topic": c.topic, "queueId": "0", "queueOffset": off, "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0",
			"suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		}})
		if err != nil {
			return nil, err
		}
		if r.Code == int32(protocol.ResponsePullNotFound) && r.Ext["nextBeginOffset"] == strconv.Itoa(c.sent) {
			return all, nil
		}
		if r.Code != int32(protocol.ResponseSuccess) {
			return nil, fmt.Errorf("the pull at %s was answered %s", off, r)
		}
		records, err := wire.Records(r.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
		off = r.Ext["nextBeginOffset"]
	}
}

// verify lets gantry store verify look at the directory.
func (c *compactedTopic) verify(t *conformance.T, dir string) {
	l, ok := t.Target().Self.(*conformance.GantryLauncher)
	if !ok {
		return
	}
	out, err := exec.CommandContext(t.Context(), l.Binary, "store", "verify", dir).CombinedOutput()
	t.Check(err, "verify the directory: %s", out)
	t.Logf("%s", out)
}
