package admin

import (
	"context"

	"github.com/gantrymq/gantry/protocol"
)

// BrokerLite reads what a broker has of lite topics.
func (c *Client) BrokerLite(ctx context.Context, addr string) (*protocol.BrokerLiteInfo, error) {
	info, err := askJSON[protocol.BrokerLiteInfo](ctx, c, addr, protocol.GetBrokerLiteInfo, nil, nil)
	return &info, err
}

// ParentTopic reads what one broker has below a parent topic.
func (c *Client) ParentTopic(ctx context.Context, addr, parent string) (*ParentTopicInfo, error) {
	info, err := askJSON[ParentTopicInfo](ctx, c, addr, protocol.GetParentTopicInfo, &protocol.GetParentTopicInfoRequestHeader{Topic: parent}, nil)
	return &info, err
}

// ParentTopicInfo stands for upstream's GetParentTopicInfoResponseBody.
type ParentTopicInfo struct {
	Groups         []string `json:"groups"`
	LiteTopicCount int32    `json:"liteTopicCount"`
	LMQNum         int32    `json:"lmqNum"`
	Topic          string   `json:"topic,omitempty"`
	TTL            int32    `json:"ttl"` // minutes
}

// LiteTopic reads what one broker has of a lite topic.
func (c *Client) LiteTopic(ctx context.Context, addr, parent, lite string) (*LiteTopicInfo, error) {
	info, err := askJSON[LiteTopicInfo](ctx, c, addr, protocol.GetLiteTopicInfo, &protocol.GetLiteTopicInfoRequestHeader{ParentTopic: parent, LiteTopic: lite}, nil)
	return &info, err
}

// LiteTopicInfo stands for upstream's GetLiteTopicInfoResponseBody.
type LiteTopicInfo struct {
	LiteTopic        string               `json:"liteTopic,omitempty"`
	ParentTopic      string               `json:"parentTopic,omitempty"`
	ShardingToBroker bool                 `json:"shardingToBroker"`
	Subscriber       []ClientGroup        `json:"subscriber"`
	TopicOffset      protocol.TopicOffset `json:"topicOffset"`
}

// ClientGroup is a client as a member of a group.
type ClientGroup struct {
	ClientID string `json:"clientId,omitempty"`
	Group    string `json:"group,omitempty"`
}

// LiteClient reads what one broker knows of a client's lite subscriptions, at most
// max topics of them.
func (c *Client) LiteClient(ctx context.Context, addr, parent, group, clientID string, limit int32) (*LiteClientInfo, error) {
	info, err := askJSON[LiteClientInfo](ctx, c, addr, protocol.GetLiteClientInfo,
		&protocol.GetLiteClientInfoRequestHeader{ParentTopic: parent, Group: group, ClientID: clientID, MaxCount: limit}, nil)
	return &info, err
}

// LiteClientInfo stands for upstream's GetLiteClientInfoResponseBody. Times are in ms.
type LiteClientInfo struct {
	ClientID        string   `json:"clientId,omitempty"`
	Group           string   `json:"group,omitempty"`
	LastAccessTime  int64    `json:"lastAccessTime"`
	LastConsumeTime int64    `json:"lastConsumeTime"`
	LiteTopicCount  int32    `json:"liteTopicCount"`
	LiteTopicSet    []string `json:"liteTopicSet,omitzero"`
	ParentTopic     string   `json:"parentTopic,omitempty"`
}

// LiteGroup reads how far a group is behind in lite topics of one broker: in one of
// them, or with "" in the top that are furthest behind.
func (c *Client) LiteGroup(ctx context.Context, addr, group, lite string, top int32) (*LiteGroupInfo, error) {
	info, err := askJSON[LiteGroupInfo](ctx, c, addr, protocol.GetLiteGroupInfo, &protocol.GetLiteGroupInfoRequestHeader{Group: group, LiteTopic: lite, TopK: top}, nil)
	return &info, err
}

// LiteGroupInfo stands for upstream's GetLiteGroupInfoResponseBody. Times are in ms.
type LiteGroupInfo struct {
	EarliestUnconsumedTimestamp int64                   `json:"earliestUnconsumedTimestamp"`
	Group                       string                  `json:"group,omitempty"`
	LagCountTopK                []LiteLag               `json:"lagCountTopK"`
	LagTimestampTopK            []LiteLag               `json:"lagTimestampTopK"`
	LiteTopic                   string                  `json:"liteTopic,omitempty"`
	LiteTopicOffsetWrapper      *protocol.OffsetWrapper `json:"liteTopicOffsetWrapper"`
	ParentTopic                 string                  `json:"parentTopic,omitempty"`
	TotalLagCount               int64                   `json:"totalLagCount"`
}

// LiteLag says how far a group is behind in one lite topic.
type LiteLag struct {
	EarliestUnconsumedTimestamp int64  `json:"earliestUnconsumedTimestamp"`
	LagCount                    int64  `json:"lagCount"`
	LiteTopic                   string `json:"liteTopic,omitempty"`
}

// TriggerLite has one broker look again for lite messages of a group; clientID "" means
// for all its clients.
func (c *Client) TriggerLite(ctx context.Context, addr, group, clientID string) error {
	return c.do(ctx, addr, protocol.TriggerLiteDispatch, &protocol.TriggerLiteDispatchRequestHeader{Group: group, ClientID: clientID}, nil)
}
