//go:build long

package goclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// A message of a transaction says by its body what its producer decides: committed or rolled back, at once or when it is asked.
const (
	commitAtOnce   = "commit-"
	commitAsked    = "asked-commit-"
	rollbackAtOnce = "rollback-"
	rollbackAsked  = "asked-rollback-"
)

func isRolledBack(body string) bool {
	return strings.HasPrefix(body, rollbackAtOnce) || strings.HasPrefix(body, rollbackAsked)
}

// byBody is a transaction listener that does as the body says.
type byBody struct{}

func (byBody) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	switch body := string(m.Body); {
	case strings.HasPrefix(body, commitAtOnce):
		return primitive.CommitMessageState
	case strings.HasPrefix(body, rollbackAtOnce):
		return primitive.RollbackMessageState
	}
	return primitive.UnknowState
}

func (byBody) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	if isRolledBack(string(m.Body)) {
		return primitive.RollbackMessageState
	}
	return primitive.CommitMessageState
}

// transact sends messages in transactions until its life or the load ends, and answers for them, and for those of producers that
// are gone, as long as it lives. The end of a transaction may be lost with the broker: it is asked about then, too.
func (s *soak) transact(ctx, load context.Context) {
	p, err := rocketmq.NewTransactionProducer(byBody{}, s.producing(s.group+"-transactions")...)
	s.Check(err, "make a producer")
	if p.Start() != nil {
		return
	}
	defer func() { _ = p.Shutdown() }()
	// One message at least: by its first a producer learns of the broker, which knows it then from its heartbeat.
	for first := true; first || ctx.Err() == nil && load.Err() == nil; first = false {
		prefix := []string{commitAtOnce, commitAtOnce, commitAtOnce, commitAsked, rollbackAtOnce, rollbackAsked}[rand.N(6)]
		body := prefix + strconv.FormatInt(s.serial.Add(1), 10)
		r, err := p.SendMessageInTransaction(ctx, primitive.NewMessage(s.transacted.topic, []byte(body)))
		if err == nil && r.Status == primitive.SendOK && !isRolledBack(body) {
			s.transacted.acknowledged(body, r.SendResult)
		}
		rest(ctx, 4*sendPause)
	}
	<-ctx.Done()
}

// produceInOrder sends the messages of each key to its queue, one after the other: each until it is acknowledged.
func (s *soak) produceInOrder(ctx context.Context) {
	s.sending(ctx, s.group+"-ordered", 4*sendPause, func(p rocketmq.Producer) {
		for key := range soakQueues {
			number := s.ordered.next(key)
			m := primitive.NewMessage(s.ordered.topic, fmt.Appendf(nil, "%d-%d", key, number))
			m.Queue = &primitive.MessageQueue{Topic: m.Topic, BrokerName: s.Servers().Broker().Name(), QueueId: key}
			if r, err := p.SendSync(ctx, m); err == nil && r.Status == primitive.SendOK {
				s.ordered.acknowledged(key, number)
			}
		}
	}, producer.WithQueueSelector(producer.NewManualQueueSelector()))
}

// consumeInOrder is a member of the ordered group until its life ends. Now and then it asks for a message again.
func (s *soak) consumeInOrder(ctx context.Context) {
	s.consuming(ctx, s.orderedGroup, map[string]handler{s.ordered.topic: func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		again := rand.N(50) == 0
		for _, m := range messages {
			s.ordered.given(string(m.Body), !again)
		}
		if again {
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		return consumer.ConsumeSuccess, nil
	}}, consumer.WithConsumerOrder(true),
		consumer.WithRebalanceLockInterval(5*time.Second), consumer.WithSuspendCurrentQueueTimeMillis(200*time.Millisecond))
}
