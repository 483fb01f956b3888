package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// backgroundTime bounds what a broker does soon after its answer.
const backgroundTime = 20 * time.Second

// AwaitEnd waits until a queue of the broker ends at n. The official broker acknowledges a send
// before the message is in the consume queue, which is what pulls and offset queries read.
func (t *T) AwaitEnd(topic string, queueID int, n int64) {
	t.Eventually(backgroundTime, fmt.Sprintf("the end of %s:%d", topic, queueID), func(ctx context.Context) error {
		at, err := offset(ctx, t.cluster.Broker().Address(), protocol.GetMaxOffset,
			map[string]string{"topic": topic, "queueId": strconv.Itoa(queueID)})
		if err != nil {
			return err
		}
		return wantOffset(at, n)
	})
}

// AwaitDispatched waits until the broker has put all it stored into its queues, light ones and the index among them:
// the official one fills them after the queue that the message was sent to.
func (t *T) AwaitDispatched() {
	t.Eventually(backgroundTime, "the dispatch of what is stored", func(ctx context.Context) error {
		r, err := wire.Call(ctx, t.cluster.Broker().Address(), &wire.Frame{Code: int32(protocol.GetBrokerRuntimeInfo)})
		if err != nil {
			return err
		}
		var info struct{ Table map[string]string }
		if err := json.Unmarshal(r.Body, &info); err != nil {
			return err
		}
		if behind := info.Table["dispatchBehindBytes"]; behind != "0" {
			return fmt.Errorf("%s bytes are to be dispatched", behind)
		}
		return nil
	})
}

// AwaitConsumed waits until the broker has committed offsets of a group that add up to n, over
// the first queues of a topic. Clients send offsets one-way when they stop, and the official
// broker takes them in a thread of their own.
func (t *T) AwaitConsumed(group, topic string, queues int, n int64) {
	t.Eventually(backgroundTime, fmt.Sprintf("the offsets of %s in %s", group, topic), func(ctx context.Context) error {
		var sum int64
		for id := range queues {
			at, err := offset(ctx, t.cluster.Broker().Address(), protocol.QueryConsumerOffset,
				map[string]string{"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(id), "setZeroIfNotFound": "false"})
			if err != nil {
				return err
			}
			sum += at
		}
		return wantOffset(sum, n)
	})
}

// AwaitProducers waits until the broker knows so many producers of a group, from their
// heartbeats: it asks no others about transactions. It knows a client from up to 30 s after the
// client has learned of the broker.
func (t *T) AwaitProducers(group string, n int) {
	t.Eventually(producerTime, fmt.Sprintf("%d producers of %s", n, group), func(ctx context.Context) error {
		r, err := wire.Call(ctx, t.cluster.Broker().Address(), &wire.Frame{
			Code: int32(protocol.GetProducerConnectionList), Ext: map[string]string{"producerGroup": group},
		})
		if err != nil {
			return err
		}
		var body struct {
			ConnectionSet []struct{ ClientID string }
		}
		if len(r.Body) > 0 {
			if err := json.Unmarshal(r.Body, &body); err != nil {
				return err
			}
		}
		if len(body.ConnectionSet) != n {
			return fmt.Errorf("answered %s, which lists %d", r, len(body.ConnectionSet))
		}
		return nil
	})
}

// producerTime outlasts the pause between two heartbeats.
const producerTime = 45 * time.Second

func wantOffset(got, want int64) error {
	if got != want {
		return fmt.Errorf("it is %d, want %d", got, want)
	}
	return nil
}

// offset asks a broker for an offset. Nothing committed yet counts as 0.
func offset(ctx context.Context, broker string, code protocol.RequestCode, fields map[string]string) (int64, error) {
	r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(code), Ext: fields})
	switch {
	case err != nil:
		return 0, err
	case r.Code == int32(protocol.ResponseQueryNotFound):
		return 0, nil
	case r.Code != int32(protocol.ResponseSuccess):
		return 0, fmt.Errorf("answered %s", r)
	}
	return strconv.ParseInt(r.Ext["offset"], 10, 64)
}
