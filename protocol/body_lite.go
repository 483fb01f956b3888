package protocol

// BrokerLiteInfo sums up a broker's lite topics (code 200074).
type BrokerLiteInfo struct {
	ConsumeQueues     int32               `json:"cqTableSize"`
	CurrentLmqNum     int32               `json:"currentLmqNum"`
	Events            int32               `json:"eventMapSize"`
	GroupMeta         map[string][]string `json:"groupMeta"` // groups by parent topic
	LiteSubscriptions int32               `json:"liteSubscriptionCount"`
	MaxLmqNum         int32               `json:"maxLmqNum"`
	Offsets           int32               `json:"offsetTableSize"`
	OrderInfos        int32               `json:"orderInfoCount"`
	StoreType         string              `json:"storeType"`
	TopicMeta         map[string]int32    `json:"topicMeta"` // minutes by parent topic
}

// ParentTopicInfo sums up a parent topic's lite topics (code 200075).
type ParentTopicInfo struct {
	Groups         []string `json:"groups,omitzero"`
	LiteTopicCount int32    `json:"liteTopicCount"`
	LMQNum         int32    `json:"lmqNum"` // of the whole broker
	Topic          string   `json:"topic,omitempty"`
	TTL            int32    `json:"ttl"` // minutes
}

// ClientGroup is a client as a member of a group; * stands for all of a wildcard
// group.
type ClientGroup struct {
	ClientID string `json:"clientId,omitempty"`
	Group    string `json:"group,omitempty"`
}

// LiteTopicInfo describes a lite topic (code 200076).
type LiteTopicInfo struct {
	LiteTopic        string        `json:"liteTopic,omitempty"`
	ParentTopic      string        `json:"parentTopic,omitempty"`
	ShardingToBroker bool          `json:"shardingToBroker"`
	Subscriber       []ClientGroup `json:"subscriber"`
	TopicOffset      TopicOffset   `json:"topicOffset"`
}

// LiteClientInfo describes what a client subscribes to (code 200077). Times are in
// ms.
type LiteClientInfo struct {
	ClientID        string   `json:"clientId,omitempty"`
	Group           string   `json:"group,omitempty"`
	LastAccessTime  int64    `json:"lastAccessTime"`
	LastConsumeTime int64    `json:"lastConsumeTime"` // never set
	LiteTopicCount  int32    `json:"liteTopicCount"`  // -1 for a client that is not known
	LiteTopicSet    []string `json:"liteTopicSet,omitzero"`
	ParentTopic     string   `json:"parentTopic,omitempty"`
}

// LiteGroupInfo is how far a group is behind, in all lite topics or in one (code
// 200078). Times are in ms.
type LiteGroupInfo struct {
	EarliestUnconsumedTimestamp int64          `json:"earliestUnconsumedTimestamp"`
	Group                       string         `json:"group,omitempty"`
	LagCountTopK                []LiteLag      `json:"lagCountTopK,omitzero"`
	LagTimestampTopK            []LiteLag      `json:"lagTimestampTopK,omitzero"`
	LiteTopic                   string         `json:"liteTopic,omitempty"`
	LiteTopicOffsetWrapper      *OffsetWrapper `json:"liteTopicOffsetWrapper,omitempty"`
	ParentTopic                 string         `json:"parentTopic,omitempty"`
	TotalLagCount               int64          `json:"totalLagCount"`
}

// LiteLag says how far a group is behind in one lite topic.
type LiteLag struct {
	EarliestUnconsumedTimestamp int64  `json:"earliestUnconsumedTimestamp"`
	LagCount                    int64  `json:"lagCount"`
	LiteTopic                   string `json:"liteTopic,omitempty"`
}

// LiteAction says how a LiteSubscription changes what there is.
type LiteAction string

// The actions.
const (
	LitePartialAdd     LiteAction = "PARTIAL_ADD"
	LitePartialRemove  LiteAction = "PARTIAL_REMOVE"
	LiteCompleteAdd    LiteAction = "COMPLETE_ADD"
	LiteCompleteRemove LiteAction = "COMPLETE_REMOVE"
)

// JSONNames lists the actions in upstream's order.
func (LiteAction) JSONNames() []string {
	return []string{string(LitePartialAdd), string(LitePartialRemove), string(LiteCompleteAdd), string(LiteCompleteRemove)}
}

// LiteSubscription is a change of what a client subscribes to.
type LiteSubscription struct {
	Action       LiteAction        `json:"action"`
	ClientID     string            `json:"clientId"`
	Group        string            `json:"group"`
	LiteTopics   []string          `json:"liteTopicSet"`
	OffsetOption *LiteOffsetOption `json:"offsetOption"`
	Topic        string            `json:"topic"`
	Version      int64             `json:"version"`
}

// LiteOffsetKind says what the value of a LiteOffsetOption is: POLICY (0 where the
// group is, 1 the begin, 2 the end), OFFSET, TAIL_N or TIMESTAMP.
type LiteOffsetKind string

// JSONNames lists the kinds in upstream's order.
func (LiteOffsetKind) JSONNames() []string {
	return []string{"POLICY", "OFFSET", "TAIL_N", "TIMESTAMP"}
}

// LiteOffsetOption says where a new subscription begins.
type LiteOffsetOption struct {
	Type  LiteOffsetKind `json:"type"`
	Value int64          `json:"value"`
}

// LiteSubscriptionChanges is the body of LITE_SUBSCRIPTION_CTL (200071).
type LiteSubscriptionChanges struct {
	Subscriptions []LiteSubscription `json:"subscriptionSet"`
}
