package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
)

func makeTopic(t *testing.T, w *wire, name, attributes string) {
	t.Helper()
	f := ask(w, protocol.UpdateAndCreateTopic, "", codec.Fields{
		{Key: "topic", Value: name}, {Key: "defaultTopic", Value: "TBW102"}, {Key: "readQueueNums", Value: "1"}, {Key: "writeQueueNums", Value: "1"},
		{Key: "perm", Value: "6"}, {Key: "topicFilterType", Value: "SINGLE_TAG"}, {Key: "order", Value: "false"}, {Key: "attributes", Value: attributes},
	}...)
	if f.Code != 0 {
		t.Fatalf("topic %s: %d %s", name, f.Code, f.Remark)
	}
}

func batchOf(t *testing.T, topic string, n int) *codec.Command {
	t.Helper()
	var body []byte
	var err error
	for i := range n {
		if body, err = codec.AppendBatchEntry(body, &codec.BatchEntry{Body: []byte{byte('0' + i)}}); err != nil {
			t.Fatal(err)
		}
	}
	c := sendCommand(topic, 0, body)
	c.Code = int32(protocol.SendBatchMessage)
	c.Header.(*protocol.SendMessageRequestHeaderV2).Batch = protocol.Some(true)
	return c
}

func field(f *codec.Frame, key string) string {
	value, _ := f.Ext.Get(key)
	return value
}

// TestWholeBatches sends batches that stay whole, reads them across a restart, and counts messages and not records.
func TestWholeBatches(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.BatchQueueFileSize = 4 * 46
	b, stop := runBroker(t, cfg)
	w := dialBroker(t, b)
	makeTopic(t, w, "Bulk", "+queue.type=BatchCQ")
	for i := range 10 {
		f := w.call(batchOf(t, "Bulk", 3))
		if f.Code != 0 || field(f, "queueOffset") != string("0369"[i%4:i%4+1]) && i < 4 || field(f, "batchUniqId") == "" || strings.Contains(field(f, "msgId"), ",") {
			t.Fatalf("batch %d: %d %s %v", i, f.Code, f.Remark, f.Ext)
		}
	}
	if n := b.stats.Rates().Put.Sum(); n != 30 {
		t.Errorf("%d messages were counted, want 30", n)
	}
	for _, again := range []bool{false, true} {
		if again {
			stop()
			verifyDirectory(t, cfg)
			b, stop = runBroker(t, cfg)
			w = dialBroker(t, b)
		}
		f := w.call(pullCommand("Bulk", 0, 4, time.Second))
		if f.Code != 0 || field(f, "nextBeginOffset") != "30" || field(f, "maxOffset") != "30" {
			t.Fatalf("after a restart %v: %d %s %v", again, f.Code, f.Remark, f.Ext)
		}
		var m codec.Message
		if _, err := codec.DecodeRecord(f.Body, &m, true); err != nil || m.QueueOffset != 3 {
			t.Errorf("after a restart %v the first is at %d, %v", again, m.QueueOffset, err)
		}
	}
	if f := ask(w, protocol.DeleteTopicInBroker, "", codec.Field{Key: "topic", Value: "Bulk"}); f.Code != 0 {
		t.Fatalf("delete: %d %s", f.Code, f.Remark)
	}
	makeTopic(t, w, "Bulk", "")
	if f := w.call(batchOf(t, "Bulk", 3)); f.Code != 0 || field(f, "queueOffset") != "0" || strings.Count(field(f, "msgId"), ",") != 2 {
		t.Errorf("as an ordinary topic: %d %s %v", f.Code, f.Remark, f.Ext)
	}
	if f := ask(w, protocol.DeleteTopicInBroker, "", codec.Field{Key: "topic", Value: "Bulk"}); f.Code != 0 {
		t.Fatalf("delete: %d %s", f.Code, f.Remark)
	}
	makeTopic(t, w, "Bulk", "+queue.type=BatchCQ")
	if f := w.call(batchOf(t, "Bulk", 3)); f.Code != 0 || field(f, "queueOffset") != "0" {
		t.Errorf("as a topic of batches again: %d %s %v", f.Code, f.Remark, f.Ext)
	}
	stop()
	verifyDirectory(t, cfg)
}

// TestBatchTopicUnknown: queues of batches without their topic are not opened.
func TestBatchTopicUnknown(t *testing.T) {
	cfg := testConfig(t.TempDir())
	b, stop := runBroker(t, cfg)
	w := dialBroker(t, b)
	makeTopic(t, w, "Bulk", "+queue.type=BatchCQ")
	table := filepath.Join(cfg.StorePathRootDir, "config", "topics.json")
	if text, err := os.ReadFile(table); err != nil || !strings.Contains(string(text), "BatchCQ") {
		t.Errorf("the topic is not in its file when its creation is answered: %v", err)
	}
	w.call(batchOf(t, "Bulk", 3))
	stop()
	for _, name := range []string{table, table + ".bak"} {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	settings, _ := config.Load(config.Broker, testMachine(cfg.StorePathRootDir), config.StructSource(cfg))
	log := logrus.New()
	log.SetOutput(t.Output())
	b, err := New(Options{Settings: settings, Log: log})
	if err == nil {
		b.Close()
		t.Fatal("started")
	}
	if !strings.Contains(err.Error(), "no topic Bulk with queue.type=BatchCQ") {
		t.Error(err)
	}
}
