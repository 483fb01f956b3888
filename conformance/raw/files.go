package raw

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// fileCases look at the files that a broker writes.
func fileCases() []conformance.Case {
	return []conformance.Case{
		configurationCase(),
		{
			Name: "raw/differences/18-unreadable-table", Client: conformance.Raw, Feature: "data directory", Difference: 18,
			Needs: conformance.Control, Topology: conformance.SingleBroker, Slow: true, Run: unreadableTable,
			Codes: []protocol.RequestCode{protocol.QueryConsumerOffset},
		},
		{
			Name: "raw/differences/19-written-settings", Client: conformance.Raw, Feature: "broker configuration", Difference: 19,
			Local: true, Topology: conformance.SingleBroker, Run: writtenSettings,
			Codes: []protocol.RequestCode{protocol.UpdateBrokerConfig},
		},
		{
			Name: "raw/differences/20-shortened-delay", Client: conformance.Raw, Feature: "scheduled messages", Difference: 20,
			Needs: conformance.Control, Topology: conformance.SingleBroker, Slow: true, Run: shortenedDelay,
			Settings: conformance.Settings{Broker: map[string]string{"messageDelayLevel": "1h"}},
			Codes:    []protocol.RequestCode{protocol.SendMessageV2, protocol.GetMaxOffset},
		},
		{
			Name: "raw/differences/35-missing-log", Client: conformance.Raw, Feature: "data directory", Difference: 35,
			Needs: conformance.Control, Topology: conformance.SingleBroker, Slow: true, Run: missingLog,
			Codes: []protocol.RequestCode{protocol.GetBrokerConfig},
		},
	}
}

// missingLog has a broker start on a consume queue without a commit log, as is found when the log's
// disk is not mounted.
func missingLog(t *conformance.T) {
	ns, broker := t.Servers().NameServer(), t.Servers().Broker()
	queue := filepath.Join(broker.StoreDir(), "consumequeue", "Lost", "0", "00000000000000000000")
	t.Check(os.MkdirAll(filepath.Dir(queue), 0o755), "make a queue")
	unit := make([]byte, 6_000_000) // a whole file, whose first unit is about 100 bytes at the log's begin
	unit[11] = 100
	t.Check(os.WriteFile(queue, unit, 0o644), "make a queue")
	t.Check(ns.Start(t.Context()), "start the name server")
	if started := broker.Start(t.Context()) == nil; started != t.Official() {
		t.Errorf("the broker started: %t", started)
	}
	b, err := os.ReadFile(queue)
	if kept := err == nil && bytes.Equal(b, unit); kept == t.Official() {
		t.Errorf("the queue is as it was: %t (%v)", kept, err)
	}
	if t.Official() {
		return
	}
	log, err := os.ReadFile(filepath.Join(broker.Dir(), broker.Name()+".log"))
	if want := "if its disk is missing, mount it"; err != nil || !strings.Contains(string(log), want) {
		t.Errorf("the broker ended with %q, %v, want %q", log, err, want)
	}
}

// unreadableTable has a broker start on consumer offsets that nobody can read, and looks for
// what became of them.
func unreadableTable(t *conformance.T) {
	const garbage = `{"offsetTable":{"half a tab`
	t.StartServers()
	broker := t.Servers().Broker()
	t.Check(broker.Kill(), "kill the broker")
	dir := filepath.Join(broker.StoreDir(), "config")
	table := filepath.Join(dir, "consumerOffset.json")
	t.Check(os.MkdirAll(dir, 0o755), "make %s", dir)
	t.Check(os.WriteFile(table, []byte(garbage), 0o644), "spoil the table")
	if err := os.Remove(table + ".bak"); err != nil && !os.IsNotExist(err) {
		t.Fatalf("remove the backup: %v", err)
	}
	t.Check(broker.Start(t.Context()), "start the broker")
	kept := func() (files []string) {
		all, err := filepath.Glob(filepath.Join(dir, "consumerOffset.json*"))
		t.Check(err, "list %s", dir)
		for _, f := range all {
			if b, err := os.ReadFile(f); err == nil && string(b) == garbage {
				files = append(files, f)
			}
		}
		return files
	}
	if !t.Official() {
		if files := kept(); len(files) != 1 || filepath.Base(files[0]) != "consumerOffset.json.corrupt" {
			t.Errorf("what could not be read is kept in %v, want consumerOffset.json.corrupt", files)
		}
		return
	}
	// Until the table has been written twice it may be in the backup.
	t.Eventually(time.Minute, "the unreadable table is gone", func(ctx context.Context) error {
		_, err := wire.Call(ctx, broker.Address(), &wire.Frame{Code: int32(protocol.UpdateConsumerOffset), Ext: map[string]string{
			"consumerGroup": "G", "topic": "TBW102", "queueId": "0", "commitOffset": fmt.Sprint(time.Now().UnixMilli()),
		}})
		if files := kept(); err == nil && len(files) > 0 {
			err = fmt.Errorf("it is in %v", files)
		}
		return err
	})
}

// writtenSettings changes a setting to a value that properties files must escape, and reads the
// file that the broker writes its settings back to.
func writtenSettings(t *conformance.T) {
	broker := t.Servers().Broker()
	r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{Code: int32(protocol.UpdateBrokerConfig), Body: []byte(`metricsLabel=a\\b` + "\n")})
	t.Check(err, "change a setting")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the change was answered %s", r)
	}
	text, err := os.ReadFile(filepath.Join(broker.Dir(), "broker.conf"))
	t.Check(err, "read the file")
	want := map[bool]string{true: `metricsLabel=a\b`, false: `metricsLabel=a\\b`}[t.Official()]
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "metricsLabel") {
			if strings.TrimSpace(line) != want {
				t.Errorf("the file says %s, want %s", line, want)
			}
			return
		}
	}
	t.Errorf("the file names no metricsLabel:\n%s", text)
}

// shortenedDelay stores a message that is due in an hour, shortens its level to seconds, and sees
// when it is delivered: it is further ahead than its level allows, as all messages are after
// the clock was set back.
func shortenedDelay(t *conformance.T) {
	const delay, half = 20 * time.Second, 10 * time.Second
	t.StartServers()
	broker := t.Servers().Broker()
	topic := t.Topic()
	f := sendFrame(topic, 5)
	f.Ext["i"] = "DELAY\x011\x02"
	r, err := wire.Call(t.Context(), broker.Address(), f)
	t.Check(err, "send")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the send was answered %s", r)
	}
	t.AwaitEnd("SCHEDULE_TOPIC_XXXX", 0, 1)
	t.Check(broker.Kill(), "kill the broker")
	broker.Set("messageDelayLevel", fmt.Sprintf("%.0fs", delay.Seconds()))
	t.Check(broker.Start(t.Context()), "start the broker")
	began := time.Now()
	t.Eventually(time.Minute, "the delivery", func(ctx context.Context) error {
		r, err := wire.Call(ctx, broker.Address(), &wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": topic, "queueId": "0"}})
		if err == nil && r.Ext["offset"] != "1" {
			err = fmt.Errorf("the queue ends at %q", r.Ext["offset"])
		}
		return err
	})
	if waited := time.Since(began); t.Official() != (waited < half) {
		t.Errorf("delivered %v after the start, with a level of %v", waited, delay)
	}
}
