package goclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// Sizes that make a directory of many files out of few messages.
const (
	tinySlots   = 1000
	tinyEntries = 500
)

// tinyFiles makes every round cross the ends of files, and lets delayed messages wait for longer than a change of brokers takes
// at best, retries for a moment only.
var tinyFiles = conformance.Settings{Broker: map[string]string{
	"mappedFileSizeCommitLog": "65536", "mappedFileSizeConsumeQueue": "1000", "mapperFileSizeBatchConsumeQueue": "460",
	"maxHashSlotNum": strconv.Itoa(tinySlots), "maxIndexNum": strconv.Itoa(tinyEntries),
	"messageDelayLevel": "1s 12s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s",
}}

// tinyFilesWithChecksums are the same, with a checksum in every record's properties without which recovery takes no record.
var tinyFilesWithChecksums = func() conformance.Settings {
	settings := maps.Clone(tinyFiles.Broker)
	settings["enabledAppendPropCRC"], settings["forceVerifyPropCRC"] = "true", "true"
	return conformance.Settings{Broker: settings}
}()

// handOverRounds hands one directory back and forth between the implementations. Each round leaves messages with keys and tags,
// a batch, batches that stay whole, delayed messages that are not due yet, and retries on their way; the next finds all of it.
func handOverRounds(kill bool) func(t *conformance.T) {
	return func(t *conformance.T) {
		if t.Target().Reference == nil {
			t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
		}
		t.StartServers()
		broker := t.Servers().Broker()
		h := &handedOver{topic: newTopic(t, 2), group: t.Group(), in: newInbox(), failed: map[string]bool{}, batches: newBatchQueue(t)}
		introduce(t, h.group) // otherwise the first round waits until the client has found the topic of its retries
		self, other := t.Target().Self, t.Target().Reference
		for round, launcher := range []conformance.Launcher{self, other, self, other} {
			if round > 0 {
				if kill {
					t.Check(broker.Kill(), "kill the broker before round %d", round)
				} else {
					t.Check(broker.Stop(t.Context()), "stop the broker before round %d", round)
				}
				verifyStore(t, broker.StoreDir(), tinyIndex...)
				broker.Become(launcher)
				t.Check(broker.Start(t.Context()), "start the broker in round %d", round)
				awaitRoute(t, h.topic)
			}
			h.batches.round(t, round)
			h.round(t, round, !kill)
		}
	}
}

// handedOver is what the rounds have in common.
type handedOver struct {
	topic, group string
	in           *inbox
	sent         []string
	keys         []string
	batches      *batchQueue

	mu     sync.Mutex // guards failed
	failed map[string]bool
}

// round consumes what came before and is new, and leaves something behind. Keys are looked up after clean stops only: the official
// broker drops what it had not finished of its index when it was killed.
func (h *handedOver) round(t *conformance.T, round int, lookUp bool) {
	p := newProducer(t)
	var batch []*primitive.Message
	for i, body := range numbered(fmt.Sprint("round", round), 120) {
		m := primitive.NewMessage(h.topic, []byte(body+fmt.Sprintf("%0*d", 300+i, 0))).WithTag("T" + strconv.Itoa(i%3)).WithKeys([]string{body})
		h.sent = append(h.sent, string(m.Body))
		switch {
		case i < 80:
			send(t, p, m)
		case i < 110:
			batch = append(batch, m)
		default: // due in the next round
			m.WithDelayTimeLevel(2)
			send(t, p, m)
		}
	}
	r, err := p.SendSync(t.Context(), batch...)
	t.Check(err, "send a batch")
	if r.Status != primitive.SendOK {
		t.Fatalf("the batch ended with status %d", r.Status)
	}
	now := h.sent[:len(h.sent)-10]
	stop := startConsumer(t, h.group, h.topic, everything, h.consume, consumer.WithMaxReconsumeTimes(16))
	h.await(t, now)
	stop()
	h.keys = append(h.keys, fmt.Sprintf("round%d-0007", round), fmt.Sprintf("round%d-0099", round))
	if lookUp {
		for _, key := range h.keys {
			t.Eventually(10*time.Second, "key "+key, func(ctx context.Context) error { return h.lookUp(ctx, t, key) })
		}
	}
}

// consume takes most messages, and refuses every tenth once.
func (h *handedOver) consume(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range messages {
		if body := string(m.Body); m.QueueOffset%10 == 3 && !h.failed[body] {
			h.failed[body] = true
			return consumer.ConsumeRetryLater, nil
		}
	}
	h.in.add(messages...)
	return consumer.ConsumeSuccess, nil
}

// await waits until everything of want was consumed; what is delayed may have come besides.
func (h *handedOver) await(t *conformance.T, want []string) {
	t.Eventually(deliveryTime, "the messages of this round and what the one before left", func(context.Context) error {
		messages, _ := h.in.all()
		if missing := minus(want, bodies(messages)); len(missing) > 0 {
			return fmt.Errorf("%d of %d are missing, %.40q first", len(missing), len(want), missing[0])
		}
		return nil
	})
	messages, _ := h.in.all()
	if more := minus(bodies(messages), h.sent); len(more) > 0 {
		t.Errorf("%d messages came that nobody sent, %.40q first", len(more), more[0])
	}
}

// lookUp asks the index for a key.
func (h *handedOver) lookUp(ctx context.Context, t *conformance.T, key string) error {
	r, err := wire.Call(ctx, t.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.QueryMessage), Ext: map[string]string{
		"topic": h.topic, "key": key, "maxNum": "32", "beginTimestamp": "0", "endTimestamp": strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10),
	}})
	if err != nil {
		return err
	}
	if r.Code != int32(protocol.ResponseSuccess) {
		return fmt.Errorf("answered %s", r)
	}
	records, err := wire.Records(r.Body)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errors.New("no message has it")
	}
	return nil
}

// tinyIndex says of which size the index files of tinyFiles are, which no file does.
var tinyIndex = []string{"--index-slots", strconv.Itoa(tinySlots), "--index-entries", strconv.Itoa(tinyEntries)}

// verifyStore lets gantry store verify look at a directory that nobody uses, where the target has the command.
func verifyStore(t *conformance.T, dir string, options ...string) {
	l, ok := t.Target().Self.(*conformance.GantryLauncher)
	if !ok {
		return
	}
	out, err := exec.CommandContext(t.Context(), l.Binary, append(append([]string{"store", "verify"}, options...), dir)...).CombinedOutput()
	t.Check(err, "verify the directory: %s", out)
	t.Logf("%s", out)
}

// damaged: a message in the middle of the log is damaged and taken out by gantry store repair. The official broker, made to recover
// from the beginning of the log, walks past its place: everything else is delivered, and the queue goes on with its numbers.
func damaged(t *conformance.T) {
	l := t.Target().Self.(*conformance.GantryLauncher) // an own tool's case: the target is Gantry
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	const segment, victim = 65536, 200 // in the second file
	t.StartServers()
	broker := t.Servers().Broker()
	topic := newTopic(t, 1)
	p := newProducer(t)
	var want []string
	var at int64
	for i, body := range numbered("whole", 300) {
		body += fmt.Sprintf("%0200d", 0)
		r := send(t, p, primitive.NewMessage(topic, []byte(body)))
		if i != victim {
			want = append(want, body)
			continue
		}
		var err error
		at, err = wire.PhysicalOffset(r.OffsetMsgID)
		t.Check(err, "read the place in %s", r.OffsetMsgID)
	}
	t.Check(broker.Stop(t.Context()), "stop Gantry")
	if at < segment {
		t.Fatalf("the message to be damaged lies at %d, in the first file", at)
	}
	store := broker.StoreDir()
	f, err := os.OpenFile(filepath.Join(store, "commitlog", fmt.Sprintf("%020d", at/segment*segment)), os.O_RDWR, 0)
	t.Check(err, "open the commit log")
	_, err = f.WriteAt(make([]byte, 50), at%segment+100)
	t.Check(errors.Join(err, f.Close()), "damage the commit log")
	repair := func(options ...string) (string, error) {
		args := append(append([]string{"store", "repair"}, tinyIndex...), options...)
		out, err := exec.CommandContext(t.Context(), l.Binary, append(args, store)...).CombinedOutput()
		return string(out), err
	}
	if out, err := repair(); err == nil {
		t.Errorf("nothing is found: %s", out)
	}
	out, err := repair("--yes")
	t.Check(err, "repair: %s", out)
	verifyStore(t, store, tinyIndex...)
	t.Check(os.WriteFile(filepath.Join(store, "abort"), nil, 0o644), "mark the directory as of a killed broker")
	t.Check(os.Remove(filepath.Join(store, "checkpoint")), "remove the checkpoint, so that the whole log is walked")
	broker.Become(t.Target().Reference)
	t.Check(broker.Start(t.Context()), "start the official broker")
	awaitRoute(t, topic)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	in.await(t, want)
	if r := send(t, newProducer(t), primitive.NewMessage(topic, []byte("next"))); r.QueueOffset != 300 {
		t.Errorf("the next message gets offset %d, want 300", r.QueueOffset)
	}
	in.await(t, append(want, "next"))
}
