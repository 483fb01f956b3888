package raw

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// handOverTablesCase is about what a broker knows besides its messages.
func handOverTablesCase() conformance.Case {
	return conformance.Case{
		Name: "raw/hand-over-tables", Client: conformance.Raw, Feature: "data directory", Needs: conformance.Control, Topology: conformance.SingleBroker,
		Slow: true, Timeout: 8 * time.Minute, Run: handOverTables,
		Settings: conformance.Settings{Broker: map[string]string{"enablePropertyFilter": "true", "transactionCheckInterval": "3600000"}},
		Codes:    []protocol.RequestCode{protocol.PopMessage, protocol.AckMessage, protocol.HeartBeat, protocol.SendMessageV2, protocol.PullMessage},
	}
}

// tablesWritten is longer than the longest interval at which a table is written.
const tablesWritten = 11 * time.Second

// handOverTables: what one implementation leaves in the tables of config the other goes on with, and keeps for the way back: the
// order of a group's pops, registered expressions, how far delay levels are delivered, what waits in timers and transactions. The
// retry of a pop from a long topic lies in a record of the second version.
func handOverTables(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	h := &tables{T: t, group: t.Group(), ordered: t.Topic(), delayed: t.Topic(), timed: t.Topic(), halves: t.Topic(), filtered: t.Topic(), popped: t.Topic()}
	h.long = t.Topic()
	h.long += strings.Repeat("x", 110-len(h.long)) // with the group's name more than a record of the first version can hold
	for life, next := range []conformance.Launcher{t.Target().Reference, t.Target().Self, nil} {
		h.leave(life)
		t.Pause(tablesWritten)
		t.Check(broker.Stop(t.Context()), "stop the broker of life %d", life)
		h.look(life)
		if next == nil || t.Failed() {
			return
		}
		broker.Become(next)
		t.Check(broker.Start(t.Context()), "start the broker of life %d", life+1)
		h.find(life)
	}
}

// tables is what the lives of a broker have in common.
type tables struct {
	*conformance.T
	group                                                   string
	ordered, delayed, timed, halves, filtered, popped, long string // topics
	handle                                                  string // of the ordered message that was popped last
}

func (h *tables) send(topic, body, properties string, flag int32) {
	f := sendFrame(topic, 0)
	f.Body, f.Ext["f"], f.Ext["i"] = []byte(body), strconv.Itoa(int(flag)), properties
	h.Call(f)
}

// pop pops one message and returns its body, empty when there is none, and its handle.
func (h *tables) pop(topic string, invisible time.Duration, order bool) (body, handle string) {
	f := popFrame(h.group, topic, 0, invisible)
	f.Ext["order"] = strconv.FormatBool(order)
	r := h.Call(f, protocol.ResponsePullNotFound, protocol.ResponsePollingTimeout, protocol.ResponsePollingFull)
	if r.Code != int32(protocol.ResponseSuccess) {
		return "", ""
	}
	records, err := wire.Records(r.Body)
	h.Check(err, "read what was popped")
	m := &records[0]
	return string(m.Body), fmt.Sprintf("%d %s %s %s 0 %s 0 %d", m.QueueOffset, r.Ext["popTime"], r.Ext["invisibleTime"], r.Ext["reviveQid"], h.Servers().Broker().Name(), m.QueueOffset)
}

// popFrame is a pop of one message of a topic, from one of its queues or, with -1, from any.
func popFrame(group, topic string, queue int, invisible time.Duration) *wire.Frame {
	return &wire.Frame{Code: int32(protocol.PopMessage), Ext: map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(queue), "maxMsgNums": "1", "invisibleTime": strconv.FormatInt(invisible.Milliseconds(), 10),
		"pollTime": "0", "bornTime": strconv.FormatInt(time.Now().Add(bornAhead).UnixMilli(), 10), "initMode": "0", "order": "false", "expType": "TAG", "exp": "*",
	}}
}

// popOrdered waits for the next message of the ordered topic and holds it.
func (h *tables) popOrdered(want string) {
	h.Eventually(20*time.Second, "an ordered pop of "+want, func(context.Context) error {
		body, handle := h.pop(h.ordered, 10*time.Minute, true)
		if body != want {
			return fmt.Errorf("popped %q", body)
		}
		h.handle = handle
		return nil
	})
}

// leave makes a broker keep something in every table.
func (h *tables) leave(life int) {
	name := func(what string) string { return fmt.Sprintf("%s-%d", what, life) }
	h.send(h.ordered, name("first"), "", 0)
	h.send(h.ordered, name("second"), "", 0)
	h.popOrdered(name("first"))
	if life == 0 { // the other one keeps it
		h.send(h.filtered, "a", "", 0)
		h.Call(&wire.Frame{Code: int32(protocol.HeartBeat), Body: fmt.Appendf(nil, `{"clientID":"%s","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"%s","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"SQL92","subString":"a = 1","subVersion":5,"tagsSet":[],"topic":"%s"}],"unitMode":false}],"producerDataSet":[]}`, h.group, h.group, h.filtered)})
	}
	h.send(h.delayed, name("delayed"), "DELAY\x011\x02", 0)
	h.awaitEnd(h.delayed, int64(life+1)) // nothing is delivered twice
	h.send(h.timed, name("timed"), "TIMER_DELIVER_MS\x01"+strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)+"\x02", 0)
	h.send(h.halves, name("half"), "TRAN_MSG\x01true\x02PGROUP\x01"+h.group+"\x02UNIQ_KEY\x01"+name("half")+h.halves+"\x02", protocol.SysFlagTransactionPrepared)
	long, popped := name(h.long), name(h.popped) // topics of each life, because pops look into retries too
	h.send(long, "long", "", 0)
	h.Eventually(20*time.Second, "a pop of the long topic", func(context.Context) error {
		if body, _ := h.pop(long, time.Second, false); body != "long" {
			return fmt.Errorf("popped %q", body)
		}
		return nil
	})
	h.awaitEnd(h.retry(long), 1)
	h.send(popped, "popped", "", 0)
	h.Eventually(20*time.Second, "a pop that the next broker makes undone", func(context.Context) error {
		if body, _ := h.pop(popped, acrossStop, false); body != "popped" {
			return fmt.Errorf("popped %q", body)
		}
		return nil
	})
}

// acrossStop is longer than a broker needs to be stopped after tablesWritten.
const acrossStop = 35 * time.Second

// retry is the topic of what was popped from another and not acknowledged.
func (h *tables) retry(topic string) string { return "%RETRY%" + h.group + "_" + topic }

// find looks from the outside for what the life before has left.
func (h *tables) find(life int) {
	name := func(what string) string { return fmt.Sprintf("%s-%d", what, life) }
	if body, _ := h.pop(h.ordered, 10*time.Minute, true); body != "" {
		h.Errorf("%s was popped although the message before is held", body)
	}
	offset := h.handle[strings.LastIndexByte(h.handle, ' ')+1:]
	h.Call(&wire.Frame{Code: int32(protocol.AckMessage), Ext: map[string]string{
		"consumerGroup": h.group, "topic": h.ordered, "queueId": "0", "extraInfo": h.handle, "offset": offset,
	}})
	h.popOrdered(name("second"))
	offset = h.handle[strings.LastIndexByte(h.handle, ' ')+1:]
	h.Call(&wire.Frame{Code: int32(protocol.AckMessage), Ext: map[string]string{
		"consumerGroup": h.group, "topic": h.ordered, "queueId": "0", "extraInfo": h.handle, "offset": offset,
	}})
	r := h.Call(&wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
		"consumerGroup": h.group, "topic": h.retry(name(h.long)), "queueId": "0", "queueOffset": "0", "maxMsgNums": "1", "sysFlag": "4", "commitOffset": "0",
		"suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}})
	records, err := wire.Records(r.Body)
	h.Check(err, "read the retry topic")
	if len(records) != 1 || string(records[0].Body) != "long" || records[0].Topic != h.retry(name(h.long)) || uint32(records[0].Magic) != 0xDAA320AB {
		h.Errorf("the retry topic has %+v", records)
	}
	h.awaitEnd(h.retry(name(h.popped)), 1)
}

// awaitEnd waits until the first queue of a topic ends at an offset. It may take a pop's time and some more.
func (h *tables) awaitEnd(topic string, end int64) {
	h.Eventually(2*time.Minute, fmt.Sprintf("the end of %s at %d", topic, end), func(ctx context.Context) error {
		r, err := wire.Call(ctx, h.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": topic, "queueId": "0"}})
		if err == nil && r.Ext["offset"] != strconv.FormatInt(end, 10) {
			err = fmt.Errorf("it ends at %s", r.Ext["offset"])
		}
		return err
	})
}

// look reads the tables that a life has left.
func (h *tables) look(life int) {
	type counted struct {
		Count int `json:"count"`
	}
	var timers struct {
		TimingCount map[string]counted `json:"timingCount"`
	}
	var halves struct {
		TransactionCount map[string]counted `json:"transactionCount"`
	}
	var filters struct {
		Topics map[string]struct {
			Groups map[string]struct {
				Expression string `json:"expression"`
			} `json:"groupFilterData"`
		} `json:"filterDataByTopic"`
	}
	h.read("timermetrics", &timers)
	h.read("transactionMetrics", &halves)
	h.read("consumerFilter.json", &filters)
	for what, got := range map[string]int{"timers": timers.TimingCount[h.timed].Count, "transactions": halves.TransactionCount[h.halves].Count} {
		if got != life+1 {
			h.Errorf("after life %d the count of %s is %d, want %d", life, what, got, life+1)
		}
	}
	if got := filters.Topics[h.filtered].Groups[h.group].Expression; got != "a = 1" {
		h.Errorf("after life %d the registered expression is %q", life, got)
	}
	text, err := os.ReadFile(filepath.Join(h.Servers().Broker().StoreDir(), "config", "consumerOrderInfo.json")) // with bare numbers for keys
	if h.Check(err, "read the order of pops"); !strings.Contains(string(text), `"`+h.ordered+"@"+h.group+`"`) {
		h.Errorf("after life %d nothing is known of the ordered pop: %s", life, text)
	}
	check, err := os.ReadFile(filepath.Join(h.Servers().Broker().StoreDir(), "config", "timercheck"))
	if h.Check(err, "read the timer's checkpoint"); len(check) != 4096 {
		h.Errorf("after life %d the timer's checkpoint has %d bytes", life, len(check))
	}
}

// read reads a table of config whose keys are all texts.
func (h *tables) read(name string, into any) {
	text, err := os.ReadFile(filepath.Join(h.Servers().Broker().StoreDir(), "config", name))
	h.Check(err, "read %s", name)
	h.Check(json.Unmarshal(text, into), "read %s: %s", name, text)
}
