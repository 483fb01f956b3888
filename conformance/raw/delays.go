package raw

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// delayLevels are those of a broker that is not told others.
var delayLevels = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	1 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute,
	6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute,
	20 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
}

// delayTopic has a queue for each level, in which its messages wait.
const delayTopic = "SCHEDULE_TOPIC_XXXX"

func delayCases() []conformance.Case {
	return []conformance.Case{{
		Name: "raw/delays/default-levels", Client: conformance.Raw, Feature: "scheduled messages", Topology: conformance.SingleBroker, Run: defaultDelayLevels,
		Codes: []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage, protocol.QueryConsumeQueue},
	}}
}

// defaultDelayLevels: a message waits in the queue of its level, one beyond the last level in the queue of that
// one, with the time when it is due in the consume queue; and the first two levels deliver by then.
func defaultDelayLevels(t *conformance.T) {
	d := &delays{T: t, topic: t.Topic(), group: t.Group()}
	due := map[string]int64{}
	for _, level := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1000} {
		queue := min(level, len(delayLevels)) - 1
		record, at := d.send(level, queue)
		if got := time.Duration(at-record.StoreTimestamp) * time.Millisecond; got != delayLevels[queue] {
			t.Errorf("level %d is due %v after it was stored, want %v", level, got, delayLevels[queue])
		}
		for _, want := range []string{"DELAY\x01" + strconv.Itoa(queue+1), "REAL_TOPIC\x01" + d.topic, "REAL_QID\x010"} {
			if !strings.Contains(record.Properties+"\x02", want+"\x02") {
				t.Errorf("level %d waits with the properties %q, want %q among them", level, record.Properties, want)
			}
		}
		due[string(record.Body)] = at
	}
	t.AwaitEnd(d.topic, 0, 2)
	for i, want := range []string{"1", "2"} {
		record := d.pull(d.topic, 0, int64(i))
		if got := string(record.Body); got != want || record.StoreTimestamp < due[want] {
			t.Errorf("delivered %q at %d, want level %s, due at %d", got, record.StoreTimestamp, want, due[want])
		}
	}
}

// delays is a case that looks into the topic of delays.
type delays struct {
	*conformance.T
	topic, group string
}

func (d *delays) call(ctx context.Context, f *wire.Frame) (*wire.Frame, error) {
	r, err := wire.Call(ctx, d.Servers().Broker().Address(), f)
	if err == nil && r.Code != int32(protocol.ResponseSuccess) {
		err = fmt.Errorf("the broker answered %s", r)
	}
	return r, err
}

// send sends a message whose body is its level, and returns it as it waits in a queue of the topic of delays, with
// the time in ms when it is due.
func (d *delays) send(level, queue int) (record wire.Record, due int64) {
	f := sendFrame(d.topic, 0)
	f.Body, f.Ext["i"] = []byte(strconv.Itoa(level)), fmt.Sprintf("DELAY\x01%d\x02", level)
	r, err := d.call(d.Context(), f)
	d.Check(err, "send with level %d", level)
	offset, err := strconv.ParseInt(r.Ext["queueOffset"], 10, 64)
	d.Check(err, "read where level %d waits", level)
	d.Eventually(30*time.Second, fmt.Sprintf("level %d in the consume queue", level), func(ctx context.Context) error {
		due, err = d.due(ctx, queue, offset)
		return err
	})
	record = d.pull(delayTopic, queue, offset)
	if string(record.Body) != string(f.Body) {
		d.Fatalf("%s-%d has %q at %d, want %q", delayTopic, queue, record.Body, offset, f.Body)
	}
	return record, due
}

// due is the time that a consume queue of the topic of delays has for a message.
func (d *delays) due(ctx context.Context, queue int, offset int64) (int64, error) {
	r, err := d.call(ctx, &wire.Frame{Code: int32(protocol.QueryConsumeQueue), Ext: map[string]string{
		"topic": delayTopic, "queueId": strconv.Itoa(queue), "index": strconv.FormatInt(offset, 10), "count": "1",
	}})
	if err != nil {
		return 0, err
	}
	var answer struct {
		QueueData []struct{ TagsCode int64 }
	}
	if err := json.Unmarshal(r.Body, &answer); err != nil {
		return 0, err
	}
	if len(answer.QueueData) == 0 {
		return 0, fmt.Errorf("the queue has nothing at %d", offset)
	}
	return answer.QueueData[0].TagsCode, nil
}

func (d *delays) pull(topic string, queue int, offset int64) wire.Record {
	r, err := d.call(d.Context(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
		"consumerGroup": d.group, "topic": topic, "queueId": strconv.Itoa(queue), "queueOffset": strconv.FormatInt(offset, 10), "maxMsgNums": "1", "sysFlag": "4",
		"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}})
	d.Check(err, "pull from %s-%d at %d", topic, queue, offset)
	records, err := wire.Records(r.Body)
	d.Check(err, "read what was pulled")
	return records[0]
}
