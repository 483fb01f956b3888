package raw

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// logFile is the size of a file of the log in the case about queries.
const logFile = 64 << 10

// queryCases are about what is asked for where there is nothing, and the index of keys at its limits.
func queryCases() []conformance.Case {
	return []conformance.Case{{
		Name: "raw/differences/46-no-record-there", Client: conformance.Raw, Feature: "queries", Topology: conformance.SingleBroker,
		Difference: 46, Run: noRecordThere, Codes: []protocol.RequestCode{protocol.ViewMessageByID},
	}, {
		Name: "raw/queries-at-their-limits", Client: conformance.Raw, Feature: "queries", Needs: conformance.Control, Slow: true,
		Topology: conformance.SingleBroker, Run: queriesAtTheirLimits,
		// Index files of 99 entries, whose few slots are shared by many keys; log files of a few messages;
		// and index files stay though the log behind them is gone.
		Settings: conformance.Settings{Broker: map[string]string{
			"maxHashSlotNum": "8", "maxIndexNum": "100", "mappedFileSizeCommitLog": strconv.Itoa(logFile), "cleanResourceInterval": "600000",
		}},
		Codes: []protocol.RequestCode{protocol.QueryMessage, protocol.SendMessageV2, protocol.UpdateBrokerConfig},
	}}
}

// asked is a question about a key.
type asked struct {
	key        string
	max        string // maxNum
	begin, end int64  // ms
	unique     bool
	gone       bool // the index has it still, and the log has not
}

// ever is an end of time that no message is behind.
const ever = int64(1) << 60

// queriesAtTheirLimits fills several index files and asks for more than an answer may hold, for
// times in older files, and, when the begin of the log is gone, for what was there.
func queriesAtTheirLimits(t *conformance.T) {
	const early, late, bound, uniqueBound = 200, 100, 64, 32
	t.StartServers()
	broker, topic := t.Servers().Broker(), t.Topic()
	start := time.Now().UnixMilli()
	sendKeys(t, topic, 0, early)
	// The index knows seconds: what it counts as late must be a second after what is early.
	between := time.Now().UnixMilli() + 700
	t.Pause(2 * time.Second)
	sendKeys(t, topic, early, early+late)
	// want asks, and wants the messages from one number up to another.
	want := func(q asked, from, to int) {
		q.key, q.end = cmp.Or(q.key, "same"), cmp.Or(q.end, ever)
		records, err := queried(t.Context(), broker.Address(), topic, q)
		t.Check(err, "ask for %+v", q)
		if err := numberedFrom(records, from, to); err != nil {
			t.Errorf("asked for %+v: %v", q, err)
		}
	}
	const last = early + late
	ask := func() {
		t.Eventually(20*time.Second, "the index of the last message", func(ctx context.Context) error {
			records, err := queried(ctx, broker.Address(), topic, asked{key: fmt.Sprint("k", last-1), max: "1", end: ever})
			if err == nil {
				err = numberedFrom(records, last-1, last)
			}
			return err
		})
		want(asked{max: "10"}, last-10, last)
		for _, most := range []string{"64", "65", "2147483647"} {
			want(asked{max: most}, last-bound, last)
		}
		want(asked{key: "U5", max: "64"}, last-50, last)
		want(asked{key: "U5", max: "64", unique: true}, last-uniqueBound, last)
		want(asked{max: "64", end: between}, early-bound, early)
		want(asked{max: "64", begin: between}, last-bound, last)
		want(asked{key: "k140", max: "64", end: between}, 140, 141)
		want(asked{key: "k140", max: "64", begin: between}, 0, 0)
		want(asked{key: "k200", max: "64", end: between}, 0, 0)
		want(asked{max: "64", begin: ever - 1}, 0, 0)
		want(asked{max: "64", end: start - 2000}, 0, 0)
		want(asked{max: "64", begin: between, end: start}, 0, 0)
	}
	ask()
	want(asked{key: "k0", max: "64"}, 0, 1)
	if files, err := os.ReadDir(filepath.Join(broker.StoreDir(), "index")); err != nil || len(files) < 5 {
		t.Errorf("the index has files %v, %v, want several", files, err)
	}

	// Retention takes the log from its begin: what is indexed there is not found any more.
	kept, err := queried(t.Context(), broker.Address(), topic, asked{key: "same", max: "64", end: between})
	t.Check(err, "ask")
	t.Check(broker.Stop(t.Context()), "stop the broker")
	for begin := int64(0); begin+logFile <= kept[0].PhysicalOffset; begin += logFile {
		t.Check(os.Remove(filepath.Join(broker.StoreDir(), "commitlog", fmt.Sprintf("%020d", begin))), "remove the begin of the log")
	}
	t.Check(broker.Start(t.Context()), "start the broker")
	ask()
	want(asked{key: "k0", max: "64", gone: true}, 0, 0)
	want(asked{key: "U0", max: "64", unique: true, gone: true}, 0, 0)
	r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{Code: int32(protocol.UpdateBrokerConfig), Body: []byte("maxMsgsNumBatch=5\n")})
	t.Check(err, "change the bound")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the change was answered %s", r)
	}
	want(asked{max: "64"}, last-5, last)
	want(asked{key: "U5", max: "64", unique: true}, last-5, last)
}

// sendKeys sends the messages from one number up to another, each with a key of its own and one that all
// have. Fifty share a unique key.
func sendKeys(t *conformance.T, topic string, from, to int) {
	conn, err := wire.Dial(t.Context(), t.Servers().Broker().Address())
	t.Check(err, "connect")
	defer conn.Close()
	for i := from; i < to; i++ {
		f := sendFrame(topic, 0)
		f.Body = fmt.Appendf(nil, "%04d%600s", i, "")
		f.Ext["i"] = fmt.Sprintf("KEYS\x01same k%d\x02UNIQ_KEY\x01U%d\x02", i, i/50)
		r, err := conn.Call(t.Context(), f)
		t.Check(err, "send")
		if r.Code != int32(protocol.ResponseSuccess) {
			t.Fatalf("a send was answered %s", r)
		}
	}
}

// numberedFrom wants the messages from one number up to another, in this order.
func numberedFrom(records []wire.Record, from, to int) error {
	var got, want []string
	for _, m := range records {
		got = append(got, string(m.Body[:4]))
	}
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%d messages, %q, want %d, %q", len(got), got, len(want), want)
	}
	return nil
}

// queried asks a broker for messages by key. None is no error.
func queried(ctx context.Context, broker, topic string, q asked) ([]wire.Record, error) {
	r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(protocol.QueryMessage), Ext: map[string]string{
		"topic": topic, "key": q.key, "maxNum": q.max, "_UNIQUE_KEY_QUERY": strconv.FormatBool(q.unique),
		"beginTimestamp": strconv.FormatInt(q.begin, 10), "endTimestamp": strconv.FormatInt(q.end, 10),
	}})
	switch {
	case err != nil:
		return nil, err
	case r.Code == int32(protocol.ResponseQueryNotFound):
		// How far the index reaches is told if it has anything of the key.
		if known := r.Ext["indexLastUpdateTimestamp"] != "0" && r.Ext["indexLastUpdatePhyoffset"] != "0"; known != q.gone {
			return nil, fmt.Errorf("answered %s", r)
		}
		return nil, nil
	case r.Code != int32(protocol.ResponseSuccess):
		return nil, fmt.Errorf("answered %s", r)
	}
	return wire.Records(r.Body)
}

// noRecordThere asks for the message at an offset where none begins. What stands there, a dozen bytes into the record
// of a message in queue 0, the official broker takes for the size of a record: of one of no bytes.
func noRecordThere(t *conformance.T) {
	const queueID = 12
	topic, broker := t.Topic(), t.Servers().Broker().Address()
	sent := t.Call(sendFrame(topic, 1))
	id := sent.Ext["msgId"]
	if len(id) != 32 {
		t.Fatalf("the send was answered %s", sent)
	}
	at, err := strconv.ParseInt(id[16:], 16, 64)
	t.Check(err, "read the offset in %s", id)
	view := func(offset int64) *wire.Frame {
		r, err := wire.Call(t.Context(), broker, &wire.Frame{
			Code: int32(protocol.ViewMessageByID), Ext: map[string]string{"topic": topic, "offset": strconv.FormatInt(offset, 10)},
		})
		t.Check(err, "ask for the message at %d", offset)
		return r
	}
	if r := view(at); r.Code != int32(protocol.ResponseSuccess) || len(r.Body) == 0 {
		t.Errorf("the question for the message was answered %s", r)
	}
	r, want := view(at+queueID), protocol.ResponseSystemError
	if t.Official() {
		want = protocol.ResponseSuccess
	}
	if r.Code != int32(want) || len(r.Body) != 0 {
		t.Errorf("the question for what is no message was answered %s, want %s", r, want)
	}
}
