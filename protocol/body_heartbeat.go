package protocol

// HeartbeatData is what a client says of itself every 30 s (code 34).
type HeartbeatData struct {
	ClientID        string         `json:"clientID"`
	ConsumerDataSet []ConsumerData `json:"consumerDataSet"`
	// HeartbeatFingerprint is 0 for clients that know only the first form of
	// heartbeat; otherwise a hash over everything but the client id and the
	// versions of the subscriptions.
	HeartbeatFingerprint int32          `json:"heartbeatFingerprint"`
	ProducerDataSet      []ProducerData `json:"producerDataSet"`
	// WithoutSub says that the subscriptions are left out because they have not
	// changed since the broker last acknowledged them.
	WithoutSub bool `json:"withoutSub"`
}

// StartJSON makes groups that the text does not give none. Those that are null in it are nil, which upstream stumbles over.
func (d *HeartbeatData) StartJSON() {
	d.ConsumerDataSet, d.ProducerDataSet = []ConsumerData{}, []ProducerData{}
}

// ConsumerData is one consumer group that a client takes part in.
type ConsumerData struct {
	ConsumeFromWhere    ConsumeFromWhere   `json:"consumeFromWhere,omitempty"`
	ConsumeType         ConsumeType        `json:"consumeType,omitempty"`
	GroupName           string             `json:"groupName"`
	MessageModel        MessageModel       `json:"messageModel,omitempty"`
	SubscriptionDataSet []SubscriptionData `json:"subscriptionDataSet"`
	UnitMode            bool               `json:"unitMode"`
}

// StartJSON makes subscriptions that the text does not give none. Those that are null in it are nil, which upstream stumbles over.
func (d *ConsumerData) StartJSON() { d.SubscriptionDataSet = []SubscriptionData{} }

// ProducerData is one producer group that a client takes part in.
type ProducerData struct {
	GroupName string `json:"groupName"`
}

// ConsumeType says who drives consumption.
type ConsumeType string

// The consume types.
const (
	ConsumeActively  ConsumeType = "CONSUME_ACTIVELY"
	ConsumePassively ConsumeType = "CONSUME_PASSIVELY"
	ConsumePop       ConsumeType = "CONSUME_POP"
)

// JSONNames lists the types in upstream's order: JSON may have their number.
func (ConsumeType) JSONNames() []string {
	return []string{string(ConsumeActively), string(ConsumePassively), string(ConsumePop)}
}

// MessageModel says whether the members of a group share its messages.
type MessageModel string

// The message models.
const (
	Broadcasting  MessageModel = "BROADCASTING"
	Clustering    MessageModel = "CLUSTERING"
	LiteSelective MessageModel = "LITE_SELECTIVE" // since 5.5
)

// JSONNames lists the models in upstream's order.
func (MessageModel) JSONNames() []string {
	return []string{string(Broadcasting), string(Clustering), string(LiteSelective)}
}

// ConsumeFromWhere says where a group without offsets begins.
type ConsumeFromWhere string

// The starting points, without the deprecated ones.
const (
	ConsumeFromLastOffset  ConsumeFromWhere = "CONSUME_FROM_LAST_OFFSET"
	ConsumeFromFirstOffset ConsumeFromWhere = "CONSUME_FROM_FIRST_OFFSET"
	ConsumeFromTimestamp   ConsumeFromWhere = "CONSUME_FROM_TIMESTAMP"
)

// JSONNames lists the starting points in upstream's order, the deprecated ones too.
func (ConsumeFromWhere) JSONNames() []string {
	return []string{
		string(ConsumeFromLastOffset), "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST", "CONSUME_FROM_MIN_OFFSET",
		"CONSUME_FROM_MAX_OFFSET", string(ConsumeFromFirstOffset), string(ConsumeFromTimestamp),
	}
}

// Expression types of a subscription. An absent type means tags.
const (
	ExpressionTag   = "TAG"
	ExpressionSQL92 = "SQL92"
)

// SubscribeAll is the expression that every message matches.
const SubscribeAll = "*"

// SubscriptionData is what a group wants of one topic.
type SubscriptionData struct {
	ClassFilterMode bool     `json:"classFilterMode"`
	CodeSet         []int32  `json:"codeSet"` // hash codes of the tags
	ExpressionType  string   `json:"expressionType"`
	SubString       string   `json:"subString"`
	SubVersion      int64    `json:"subVersion"` // ms, when the client made it
	TagsSet         []string `json:"tagsSet"`
	Topic           string   `json:"topic"`
}

// IsTag reports whether the subscription filters by tags.
func (s *SubscriptionData) IsTag() bool { return IsTagExpression(s.ExpressionType) }

// IsTagExpression reports whether an expression type means tags: absent, empty
// or TAG.
func IsTagExpression(expressionType string) bool {
	return expressionType == "" || expressionType == ExpressionTag
}
