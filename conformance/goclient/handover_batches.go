package goclient

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// batchQueue is a queue of a topic with queue.type=BatchCQ, and what must be in it. This client knows nothing of batches that stay
// whole, so it is spoken to in frames.
type batchQueue struct {
	topic, group string
	want         []string // offset, number of messages and key of each record
	end          int64
}

func newBatchQueue(t *conformance.T) *batchQueue {
	q := &batchQueue{topic: t.Topic(), group: t.Group()}
	q.call(t, protocol.UpdateAndCreateTopic, nil, map[string]string{
		"topic": q.topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+queue.type=BatchCQ",
	})
	return q
}

func (q *batchQueue) call(t *conformance.T, code protocol.RequestCode, body []byte, ext map[string]string) *wire.Frame {
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), &wire.Frame{Code: int32(code), Ext: ext, Body: body})
	t.Check(err, "%s", code)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("%s was answered %s", code, r)
	}
	return r
}

// round leaves batches and single messages, and finds everything from the first on. The queue crosses the ends of several files.
func (q *batchQueue) round(t *conformance.T, round int) {
	for i := range 30 {
		n := i % 5
		key := fmt.Sprintf("round%d-%d", round, i)
		code, body := protocol.SendMessageV2, []byte(key)
		if n > 0 {
			code, body = protocol.SendBatchMessage, wholeBatch(t, key, n)
		}
		r := q.call(t, code, body, map[string]string{
			"a": q.group, "b": q.topic, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1700000000000", "h": "0",
			"i": "UNIQ_KEY\x01" + key + "\x02", "j": "0", "k": "false", "l": "16", "m": strconv.FormatBool(n > 0),
		})
		if r.Ext["queueOffset"] != strconv.FormatInt(q.end, 10) {
			t.Errorf("%s was stored at %s, want %d", key, r.Ext["queueOffset"], q.end)
		}
		q.want = append(q.want, fmt.Sprintf("%d %d %s", q.end, max(n, 1), key))
		q.end += int64(max(n, 1))
	}
	t.AwaitEnd(q.topic, 0, q.end)
	t.Eventually(deliveryTime, "the batches of this round and those before", func(ctx context.Context) error { return q.check(ctx, t) })
}

func wholeBatch(t *conformance.T, key string, n int) []byte {
	var body []byte
	for i := range n {
		var err error
		body, err = codec.AppendBatchEntry(body, &codec.BatchEntry{Body: []byte(fmt.Sprintf("%s.%d", key, i))})
		t.Check(err, "make a batch")
	}
	return body
}

// check reads the whole queue.
func (q *batchQueue) check(ctx context.Context, t *conformance.T) error {
	var got []string
	for off := int64(0); off < q.end; {
		r, err := wire.Call(ctx, t.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
			"consumerGroup": q.group, "topic": q.topic, "queueId": "0", "queueOffset": strconv.FormatInt(off, 10), "maxMsgNums": "32",
			"sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		}})
		if err != nil {
			return err
		}
		next, err := strconv.ParseInt(r.Ext["nextBeginOffset"], 10, 64)
		if r.Code != int32(protocol.ResponseSuccess) || err != nil || next <= off {
			return fmt.Errorf("a pull at %d was answered %s", off, r)
		}
		records, err := wire.Records(r.Body)
		if err != nil {
			return err
		}
		for _, m := range records {
			n, whole := codec.Property(m.Properties, protocol.PropertyInnerNum)
			base, _ := codec.Property(m.Properties, protocol.PropertyInnerBase)
			if !whole {
				n, base = "1", strconv.FormatInt(m.QueueOffset, 10)
			}
			key, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey)
			if m.QueueOffset < off || base != strconv.FormatInt(m.QueueOffset, 10) {
				return fmt.Errorf("at %d there is %s with the base %s", m.QueueOffset, key, base)
			}
			got = append(got, fmt.Sprintf("%d %s %s", m.QueueOffset, n, key))
		}
		off = next
	}
	if !slices.Equal(got, q.want) {
		return fmt.Errorf("read %q, want %q", got, q.want)
	}
	return nil
}
