package goclient

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// namespaces: with a namespace the client puts it before the names of topics and groups, and
// takes it away again, so the same names in another namespace are other topics and groups, down
// to the retries of what was refused.
func namespaces(t *conformance.T) {
	topic, group := t.Topic(), t.Group()
	spaces := []string{"A" + topic, "B" + topic}
	boxes := map[string]*inbox{}
	for _, space := range spaces {
		p := newProducer(t, producer.WithNamespace(space))
		send(t, p, primitive.NewMessage(topic, []byte("to "+space)))
		awaitRoute(t, space+"%"+topic)
		introduce(t, space+"%"+group)
		in := newInbox()
		boxes[space] = in
		var once sync.Once
		startConsumer(t, group, topic, everything, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			result := consumer.ConsumeSuccess
			once.Do(func() { result = consumer.ConsumeRetryLater })
			if result == consumer.ConsumeSuccess {
				in.add(messages...)
			}
			return result, nil
		}, consumer.WithNamespace(space), consumer.WithMaxReconsumeTimes(3))
	}
	for _, space := range spaces {
		m := boxes[space].await(t, []string{"to " + space})[0]
		// The library leaves it before the topic of a message that is consumed again.
		if strings.TrimPrefix(m.Topic, space+"%") != topic || m.ReconsumeTimes != 1 {
			t.Errorf("in namespace %s the message of topic %s comes as one of %s, after %d attempts", space, topic, m.Topic, m.ReconsumeTimes)
		}
		askBroker(t, protocol.GetTopicConfig, map[string]string{"topic": space + "%" + topic})
		list := askBroker(t, protocol.GetConsumerConnectionList, map[string]string{"consumerGroup": space + "%" + group})
		if !bytes.Contains(list.Body, []byte(`"`+space+`%`+topic+`"`)) {
			t.Errorf("the group of namespace %s is shown as %s", space, list.Body)
		}
	}
}
