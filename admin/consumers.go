package admin

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/protocol"
)

// ConsumerConnections lists the consumers of a group that are connected to the first
// broker of its retry topic. That there are none is an error.
func (c *Client) ConsumerConnections(ctx context.Context, group string) (*protocol.ConsumerConnection, error) {
	route, err := c.Route(ctx, protocol.RetryTopic(group))
	if err != nil {
		return nil, err
	}
	for _, b := range route.BrokerDatas {
		if addr := Addr(b); addr != "" {
			return c.ConsumerConnectionsAt(ctx, addr, group)
		}
	}
	return nil, fmt.Errorf("no broker of group %s has an address", group)
}

// ConsumerConnectionsAt is ConsumerConnections of one broker.
func (c *Client) ConsumerConnectionsAt(ctx context.Context, addr, group string) (*protocol.ConsumerConnection, error) {
	conns, err := askJSON[protocol.ConsumerConnection](ctx, c, addr, protocol.GetConsumerConnectionList, &protocol.GetConsumerConnectionListRequestHeader{ConsumerGroup: group}, nil)
	if err == nil && len(conns.ConnectionSet) == 0 {
		err = &Error{Request: protocol.GetConsumerConnectionList, Addr: addr, Code: protocol.ResponseConsumerNotOnline,
			Remark: "no consumer of group " + group + " is connected"}
	}
	return &conns, err
}

// ProducerConnections lists the producers of a group that are connected to the first
// broker of a topic.
func (c *Client) ProducerConnections(ctx context.Context, group, topic string) (*protocol.ProducerConnection, error) {
	route, err := c.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, b := range route.BrokerDatas {
		if addr := Addr(b); addr != "" {
			conns, err := askJSON[protocol.ProducerConnection](ctx, c, addr, protocol.GetProducerConnectionList,
				&protocol.GetProducerConnectionListRequestHeader{ProducerGroup: group}, nil)
			if err == nil && len(conns.ConnectionSet) == 0 {
				err = fmt.Errorf("no producer of group %s is connected to %s", group, addr)
			}
			return &conns, err
		}
	}
	return nil, fmt.Errorf("no broker of topic %s has an address", topic)
}

// AllProducers lists the producers that are connected to one broker, by group.
func (c *Client) AllProducers(ctx context.Context, addr string) (map[string][]protocol.ProducerInfo, error) {
	table, err := askJSON[protocol.ProducerTableInfo](ctx, c, addr, protocol.GetAllProducerInfo, &protocol.GetAllProducerInfoRequestHeader{}, nil)
	return table.Data, err
}

// RunningInfo asks a consumer, through a broker of its group's retry topic, what it is
// doing; with stack also for the stacks of its threads.
func (c *Client) RunningInfo(ctx context.Context, group, clientID string, stack bool) (*RunningInfo, error) {
	addr, err := c.firstBroker(ctx, protocol.RetryTopic(group))
	if err != nil {
		return nil, err
	}
	info, err := askJSON[RunningInfo](ctx, c, addr, protocol.GetConsumerRunningInfo,
		&protocol.GetConsumerRunningInfoRequestHeader{ConsumerGroup: group, ClientID: clientID, JstackEnable: stack}, nil)
	return &info, err
}

// ConsumeDirectly has one consumer consume one message that is stored at addr, and
// returns what came of it.
func (c *Client) ConsumeDirectly(ctx context.Context, addr, group, clientID, topic, offsetMsgID string) (*DirectResult, error) {
	result, err := askJSON[DirectResult](ctx, c, addr, protocol.ConsumeMessageDirectly,
		&protocol.ConsumeMessageDirectlyResultRequestHeader{ConsumerGroup: group, ClientID: clientID, Topic: topic, MsgID: offsetMsgID}, nil)
	return &result, err
}

func (c *Client) firstBroker(ctx context.Context, topic string) (string, error) {
	route, err := c.Route(ctx, topic)
	if err != nil {
		return "", err
	}
	for _, b := range route.BrokerDatas {
		if addr := Addr(b); addr != "" {
			return addr, nil
		}
	}
	return "", fmt.Errorf("no broker of topic %s has an address", topic)
}

// RunningInfo is what a consumer says of itself (upstream's ConsumerRunningInfo).
type RunningInfo struct {
	Jstack           string                                  `json:"jstack,omitempty"`
	MQPopTable       map[protocol.MessageQueue]PopQueueState `json:"mqPopTable"`
	MQTable          map[protocol.MessageQueue]QueueState    `json:"mqTable"`
	Properties       map[string]string                       `json:"properties"`
	StatusTable      map[string]ConsumeRates                 `json:"statusTable"` // by topic
	SubscriptionSet  []protocol.SubscriptionData             `json:"subscriptionSet"`
	UserConsumerInfo map[string]string                       `json:"userConsumerInfo,omitempty"`
}

// IsPush reports whether the consumer is given its messages.
func (r *RunningInfo) IsPush() bool {
	return r.Properties["PROP_CONSUME_TYPE"] == string(protocol.ConsumePassively)
}

// IsOrderly reports whether it consumes a queue's messages one after the other.
func (r *RunningInfo) IsOrderly() bool { return r.Properties["PROP_CONSUMEORDERLY"] == "true" }

// QueueState is a consumer's own view of a queue (upstream's ProcessQueueInfo). Times
// are in ms.
type QueueState struct {
	CachedMsgCount          int32 `json:"cachedMsgCount"`
	CachedMsgMaxOffset      int64 `json:"cachedMsgMaxOffset"`
	CachedMsgMinOffset      int64 `json:"cachedMsgMinOffset"`
	CachedMsgSizeInMiB      int32 `json:"cachedMsgSizeInMiB"`
	CommitOffset            int64 `json:"commitOffset"`
	Dropped                 bool  `json:"droped"`
	LastConsumeTimestamp    int64 `json:"lastConsumeTimestamp"`
	LastLockTimestamp       int64 `json:"lastLockTimestamp"`
	LastPullTimestamp       int64 `json:"lastPullTimestamp"`
	Locked                  bool  `json:"locked"`
	TransactionMsgCount     int32 `json:"transactionMsgCount"`
	TransactionMsgMaxOffset int64 `json:"transactionMsgMaxOffset"`
	TransactionMsgMinOffset int64 `json:"transactionMsgMinOffset"`
	TryUnlockTimes          int64 `json:"tryUnlockTimes"`
}

// PopQueueState is the same for a queue that is consumed by POP.
type PopQueueState struct {
	Dropped          bool  `json:"droped"`
	LastPopTimestamp int64 `json:"lastPopTimestamp"`
	WaitAckCount     int32 `json:"waitAckCount"`
}

// ConsumeRates are a consumer's rates for one topic. Response times are in ms.
type ConsumeRates struct {
	ConsumeFailedMsgs int64   `json:"consumeFailedMsgs"`
	ConsumeFailedTPS  float64 `json:"consumeFailedTPS"`
	ConsumeOKTPS      float64 `json:"consumeOKTPS"`
	ConsumeRT         float64 `json:"consumeRT"`
	PullRT            float64 `json:"pullRT"`
	PullTPS           float64 `json:"pullTPS"`
}

// DirectResult is what came of a message that a consumer was told to consume.
type DirectResult struct {
	AutoCommit     bool   `json:"autoCommit"`
	ConsumeResult  string `json:"consumeResult,omitempty"` // CR_SUCCESS, CR_LATER, …
	Order          bool   `json:"order"`
	Remark         string `json:"remark,omitempty"`
	SpentTimeMills int64  `json:"spentTimeMills"`
}
