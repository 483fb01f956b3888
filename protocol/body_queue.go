package protocol

// MessageQueue names one queue of a topic on one broker.
type MessageQueue struct {
	BrokerName string `json:"brokerName,omitempty"`
	QueueID    int32  `json:"queueId"`
	Topic      string `json:"topic,omitempty"`
}

// LockBatchRequestBody asks to lock queues for ordered consumption (code 41),
// or, with the same keys, to unlock them (code 42).
type LockBatchRequestBody struct {
	ClientID       Opt[string]    `json:"clientId"`
	ConsumerGroup  Opt[string]    `json:"consumerGroup"`
	MQSet          []MessageQueue `json:"mqSet"`
	OnlyThisBroker bool           `json:"onlyThisBroker"`
}

// LockBatchResponseBody lists the queues that the caller holds now.
type LockBatchResponseBody struct {
	LockOKMQSet []MessageQueue `json:"lockOKMQSet"`
}
