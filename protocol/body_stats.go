package protocol

// TopicStatsTable says where each queue of a topic begins and ends (code 202).
type TopicStatsTable struct {
	OffsetTable map[MessageQueue]TopicOffset `json:"offsetTable"`
	TopicPutTPS float64                      `json:"topicPutTps"`
}

// TopicOffset is the extent of one queue.
type TopicOffset struct {
	LastUpdateTimestamp int64 `json:"lastUpdateTimestamp"` // ms, store time of the newest message, 0 when there is none
	MaxOffset           int64 `json:"maxOffset"`
	MinOffset           int64 `json:"minOffset"`
}

// ConsumeStats says how far a group has come in each queue of its topics (code 208).
type ConsumeStats struct {
	ConsumeTPS  float64                        `json:"consumeTps"`
	OffsetTable map[MessageQueue]OffsetWrapper `json:"offsetTable"`
}

// OffsetWrapper is a group's progress in one queue.
type OffsetWrapper struct {
	BrokerOffset   int64 `json:"brokerOffset"` // end of the queue
	ConsumerOffset int64 `json:"consumerOffset"`
	LastTimestamp  int64 `json:"lastTimestamp"` // ms, store time of the message consumed last
	PullOffset     int64 `json:"pullOffset"`
}

// GroupList lists consumer groups (code 300).
type GroupList struct {
	GroupList []string `json:"groupList"` // a set
}

// CheckClientRequestBody asks whether a client's filter expression works (code 46).
type CheckClientRequestBody struct {
	ClientID         string            `json:"clientId"`
	Group            string            `json:"group"`
	Namespace        string            `json:"namespace,omitempty"`
	SubscriptionData *SubscriptionData `json:"subscriptionData"`
}

// SubscriptionGroupList carries several groups at once (code 225).
type SubscriptionGroupList struct {
	GroupConfigList []*SubscriptionGroupConfig `json:"groupConfigList"`
}

// CreateTopicListRequestBody carries several topics at once (code 18).
type CreateTopicListRequestBody struct {
	TopicConfigList []*TopicConfig `json:"topicConfigList"`
}
