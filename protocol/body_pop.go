package protocol

// Where a group without an offset begins (initMode of a pop; upstream's
// ConsumeInitMode).
const (
	PopFromMin int32 = 0
	PopFromMax int32 = 1
)

// BatchAckMessageRequestBody acknowledges messages of several pops (code 200151).
type BatchAckMessageRequestBody struct {
	BrokerName string     `json:"brokerName"`
	Acks       []BatchAck `json:"acks"`
}

// BatchAck acknowledges messages of one pop from one queue.
type BatchAck struct {
	ConsumerGroup string `json:"c"`
	Topic         string `json:"t"`
	Retry         string `json:"r"` // kind of topic: 0 the topic itself, 1 and 2 a retry topic
	StartOffset   int64  `json:"so"`
	QueueID       int32  `json:"q"`
	ReviveQueueID int32  `json:"rq"`
	PopTime       int64  `json:"pt"`
	InvisibleTime int64  `json:"it"`
	BitSet        string `json:"b"` // base64; bit i%8 of byte i/8 is StartOffset+i
}

// QueryAssignmentRequestBody asks which queues a client shall receive from (code
// 400).
type QueryAssignmentRequestBody struct {
	Topic         string       `json:"topic"`
	ConsumerGroup string       `json:"consumerGroup"`
	ClientID      string       `json:"clientId"`
	StrategyName  string       `json:"strategyName"`
	MessageModel  MessageModel `json:"messageModel"`
}

// QueryAssignmentResponseBody is the answer. Without a list the client keeps what
// it has.
type QueryAssignmentResponseBody struct {
	MessageQueueAssignments *[]MessageQueueAssignment `json:"messageQueueAssignments,omitempty"`
}

// MessageQueueAssignment is one queue, and whether it is pulled or popped.
type MessageQueueAssignment struct {
	MessageQueue MessageQueue `json:"messageQueue"`
	Mode         RequestMode  `json:"mode"`
}

// RequestMode is how a group receives a topic.
type RequestMode string

// The request modes.
const (
	RequestModePull RequestMode = "PULL"
	RequestModePop  RequestMode = "POP"
)

// JSONNames lists the modes in upstream's order.
func (RequestMode) JSONNames() []string {
	return []string{string(RequestModePull), string(RequestModePop)}
}
