package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// heartbeats beats for one client, over and over.
type heartbeats struct {
	body []byte
}

// newHeartbeat is the heartbeat of client number i: its groups, each with its
// subscriptions.
func newHeartbeat(o *stormOptions, run uint64, i int) ([]byte, error) {
	data := protocol.HeartbeatData{
		ClientID:        fmt.Sprintf("gantrybench@%x-%d", run, i),
		ProducerDataSet: []protocol.ProducerData{{GroupName: "GantryBenchProducer"}},
		ConsumerDataSet: []protocol.ConsumerData{},
	}
	for g := range o.Groups {
		c := protocol.ConsumerData{
			GroupName: fmt.Sprintf("GantryBenchStorm_%d", g), ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering,
			ConsumeFromWhere: protocol.ConsumeFromLastOffset, SubscriptionDataSet: []protocol.SubscriptionData{},
		}
		for s := range o.Subscriptions {
			c.SubscriptionDataSet = append(c.SubscriptionDataSet, protocol.SubscriptionData{
				Topic: ownTopic(ownPrefix, s), SubString: protocol.SubscribeAll, SubVersion: 1, ExpressionType: protocol.ExpressionTag,
				CodeSet: []int32{}, TagsSet: []string{},
			})
		}
		data.ConsumerDataSet = append(data.ConsumerDataSet, c)
	}
	return json.Marshal(data)
}

func (h *heartbeats) request(dst []byte, _ int, opaque int32, _, _ time.Time) []byte {
	return codec.AppendCommand(dst, heartbeatCommand(h.body, opaque))
}

func heartbeatCommand(body []byte, opaque int32) *codec.Command {
	return &codec.Command{
		Code: int32(protocol.HeartBeat), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque,
		Header: &protocol.HeartbeatRequestHeader{}, Body: body,
	}
}

func (h *heartbeats) answer(_ int, f *codec.Frame, _ time.Time) outcome {
	if code := protocol.ResponseCode(f.Code); code != protocol.ResponseSuccess {
		return outcome{failure: code.String()}
	}
	return outcome{messages: 1}
}

// knocker connects, sends one heartbeat, waits for its answer and disconnects, until
// it is stopped. One latency is that whole circle, due by the pace where there is one.
type knocker struct {
	broker string
	body   []byte
	meter  *shard
	pace   *pace
	stop   *atomic.Bool

	failed error // how the latest attempt failed, nil when it did not
}

func (k *knocker) run(ctx context.Context) {
	for !k.stop.Load() && ctx.Err() == nil {
		due := time.Now()
		if k.pace != nil {
			var ok bool
			if due, ok = k.pace.next(due); !ok {
				select {
				case <-time.After(time.Until(due)):
				case <-ctx.Done():
				}
				continue
			}
		}
		err := k.once(ctx)
		if ctx.Err() != nil {
			return // cut off at the end of the measurement
		}
		k.failed = err
		k.meter.begin()
		if err != nil {
			k.meter.failed(failureName(err), 1)
		} else {
			k.meter.answered(time.Since(due), 1)
		}
		k.meter.end()
		if err != nil && k.pace == nil {
			select { // a target that refuses connections is not hammered
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

func (k *knocker) once(ctx context.Context) error {
	c, err := dialCaller(ctx, k.broker)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.exchange(ctx, heartbeatCommand(k.body, 0))
	return err
}
