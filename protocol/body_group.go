package protocol

import (
	"maps"
	"slices"
)

// SubscriptionGroupConfig says how a consumer group is served by one broker.
type SubscriptionGroupConfig struct {
	Attributes                     map[string]string        `json:"attributes"`
	BrokerID                       int64                    `json:"brokerId"`
	ConsumeBroadcastEnable         bool                     `json:"consumeBroadcastEnable"`
	ConsumeEnable                  bool                     `json:"consumeEnable"`
	ConsumeFromMinEnable           bool                     `json:"consumeFromMinEnable"`
	ConsumeMessageOrderly          bool                     `json:"consumeMessageOrderly"`
	ConsumeTimeoutMinute           int32                    `json:"consumeTimeoutMinute"`
	GroupName                      string                   `json:"groupName"`
	GroupRetryPolicy               *GroupRetryPolicy        `json:"groupRetryPolicy,omitempty"`
	GroupSysFlag                   int32                    `json:"groupSysFlag"`
	NotifyConsumerIDsChangedEnable bool                     `json:"notifyConsumerIdsChangedEnable"`
	RetryMaxTimes                  int32                    `json:"retryMaxTimes"`
	RetryQueueNums                 int32                    `json:"retryQueueNums"`
	SubscriptionDataSet            []SimpleSubscriptionData `json:"subscriptionDataSet,omitzero"` // null when nothing is prescribed
	WhichBrokerWhenConsumeSlowly   int64                    `json:"whichBrokerWhenConsumeSlowly"`
}

// DefaultSubscriptionGroupConfig is a group of upstream's default shape: enabled, 16
// retries, one retry queue.
func DefaultSubscriptionGroupConfig(group string) SubscriptionGroupConfig {
	return SubscriptionGroupConfig{
		Attributes:                     map[string]string{},
		ConsumeBroadcastEnable:         true,
		ConsumeEnable:                  true,
		ConsumeFromMinEnable:           true,
		ConsumeTimeoutMinute:           15,
		GroupName:                      group,
		GroupRetryPolicy:               &GroupRetryPolicy{Type: RetryCustomized},
		NotifyConsumerIDsChangedEnable: true,
		RetryMaxTimes:                  16,
		RetryQueueNums:                 1,
		WhichBrokerWhenConsumeSlowly:   1,
	}
}

// Clone is a copy that shares nothing with c.
func (c *SubscriptionGroupConfig) Clone() *SubscriptionGroupConfig {
	d := *c
	d.Attributes = maps.Clone(c.Attributes)
	d.SubscriptionDataSet = slices.Clone(c.SubscriptionDataSet)
	if p := c.GroupRetryPolicy; p != nil {
		q := *p
		if p.ExponentialRetryPolicy != nil {
			e := *p.ExponentialRetryPolicy
			q.ExponentialRetryPolicy = &e
		}
		if p.CustomizedRetryPolicy != nil {
			q.CustomizedRetryPolicy = &CustomizedRetryPolicy{Next: slices.Clone(p.CustomizedRetryPolicy.Next)}
		}
		d.GroupRetryPolicy = &q
	}
	return &d
}

// ReadJSON gives what the text leaves out the value that upstream's class
// starts with.
func (c *SubscriptionGroupConfig) ReadJSON(read func(any) error) error {
	type plain SubscriptionGroupConfig
	d := plain(DefaultSubscriptionGroupConfig(""))
	if err := read(&d); err != nil {
		return err
	}
	if d.Attributes == nil {
		d.Attributes = map[string]string{}
	}
	*c = SubscriptionGroupConfig(d)
	return nil
}

// UnmarshalJSON is ReadJSON for standard text.
func (c *SubscriptionGroupConfig) UnmarshalJSON(b []byte) error { return c.ReadJSON(standard(b)) }

// SimpleSubscriptionData is a subscription that the group's configuration
// prescribes.
type SimpleSubscriptionData struct {
	Expression     string `json:"expression,omitempty"`
	ExpressionType string `json:"expressionType,omitempty"`
	Topic          string `json:"topic,omitempty"`
	Version        int64  `json:"version"`
}

// ForbidRead is the index of the bit that forbids a group to read a topic.
const ForbidRead = 2

// SubscriptionGroupWrapper is a broker's group table, in subscriptionGroup.json
// and on the wire.
type SubscriptionGroupWrapper struct {
	DataVersion DataVersion `json:"dataVersion"`
	// ForbiddenTable holds, by group and topic, the permissions that the group
	// does not have there; ForbidRead is the only one upstream looks at.
	ForbiddenTable         map[string]map[string]int32         `json:"forbiddenTable"`
	SubscriptionGroupTable map[string]*SubscriptionGroupConfig `json:"subscriptionGroupTable"`
}
