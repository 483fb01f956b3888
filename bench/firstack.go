package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// FirstAck sends a message to a topic of a broker that may just be starting, again
// and again, until one is acknowledged or ctx ends. The topic is created by the send.
func FirstAck(ctx context.Context, broker, topic string) error {
	for {
		err := sendOne(ctx, broker, topic)
		if err == nil {
			return nil
		}
		if !pause(ctx, 2*time.Millisecond) {
			return fmt.Errorf("no message was acknowledged by %s: %w", broker, err)
		}
	}
}

func sendOne(ctx context.Context, broker, topic string) error {
	c, err := dialCaller(ctx, broker)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.exchange(ctx, &codec.Command{Code: int32(protocol.SendMessageV2), Body: newText(64), Header: &protocol.SendMessageRequestHeaderV2{
		ProducerGroup: "GantryBenchProducer", Topic: topic, DefaultTopic: protocol.TopicAutoCreate, DefaultTopicQueueNums: 1,
		BornTimestamp: time.Now().UnixMilli(),
	}})
	return err
}

// AwaitRoute asks a name server again and again until it knows a broker for a topic,
// or ctx ends. A broker acknowledges messages before name servers know of it.
func AwaitRoute(ctx context.Context, nameServer, topic string) error {
	for {
		_, err := route(ctx, []string{nameServer}, topic)
		if err == nil {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("name server %s did not learn of topic %s: %w", nameServer, topic, err)
		}
	}
}
