package protocol

// Connection is one client of a group as admin answers show it.
type Connection struct {
	ClientAddr string `json:"clientAddr"`
	ClientID   string `json:"clientId"`
	Language   string `json:"language"` // by name
	Version    int32  `json:"version"`
}

// ConsumerConnection lists the clients and subscriptions of a consumer group (code 203).
type ConsumerConnection struct {
	ConnectionSet     []Connection                `json:"connectionSet"`
	ConsumeFromWhere  ConsumeFromWhere            `json:"consumeFromWhere,omitempty"`
	ConsumeType       ConsumeType                 `json:"consumeType,omitempty"`
	MessageModel      MessageModel                `json:"messageModel,omitempty"`
	SubscriptionTable map[string]SubscriptionData `json:"subscriptionTable"`
}

// ProducerConnection lists the clients of a producer group (code 204).
type ProducerConnection struct {
	ConnectionSet []Connection `json:"connectionSet"`
}

// ProducerInfo is one client of a producer group in ProducerTableInfo.
type ProducerInfo struct {
	ClientID            string `json:"clientId"`
	Language            string `json:"language"`            // by name
	LastUpdateTimestamp int64  `json:"lastUpdateTimestamp"` // ms
	RemoteIP            string `json:"remoteIP"`            // as Java prints the address: "/ip:port"
	Version             int32  `json:"version"`
}

// ProducerTableInfo lists the clients of every producer group (code 328).
type ProducerTableInfo struct {
	Data map[string][]ProducerInfo `json:"data"`
}

// GetConsumerListByGroupResponseBody lists the client ids of a consumer group (code 38).
type GetConsumerListByGroupResponseBody struct {
	ConsumerIDList []string `json:"consumerIdList"`
}
