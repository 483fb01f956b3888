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
type ParentTopicInfo = protocol.ParentTopicInfo

// LiteTopic reads what one broker has of a lite topic.
func (c *Client) LiteTopic(ctx context.Context, addr, parent, lite string) (*LiteTopicInfo, error) {
	info, err := askJSON[LiteTopicInfo](ctx, c, addr, protocol.GetLiteTopicInfo, &protocol.GetLiteTopicInfoRequestHeader{ParentTopic: parent, LiteTopic: lite}, nil)
	return &info, err
}

// LiteTopicInfo stands for upstream's GetLiteTopicInfoResponseBody.
type LiteTopicInfo = protocol.LiteTopicInfo

// ClientGroup is a client as a member of a group.
type ClientGroup = protocol.ClientGroup

// LiteClient reads what one broker knows of a client's lite subscriptions, at most
// max topics of them.
func (c *Client) LiteClient(ctx context.Context, addr, parent, group, clientID string, limit int32) (*LiteClientInfo, error) {
	info, err := askJSON[LiteClientInfo](ctx, c, addr, protocol.GetLiteClientInfo,
		&protocol.GetLiteClientInfoRequestHeader{ParentTopic: parent, Group: group, ClientID: clientID, MaxCount: limit}, nil)
	return &info, err
}

// LiteClientInfo stands for upstream's GetLiteClientInfoResponseBody. Times are in ms.
type LiteClientInfo = protocol.LiteClientInfo

// LiteGroup reads how far a group is behind in lite topics of one broker: in one of
// them, or with "" in the top that are furthest behind.
func (c *Client) LiteGroup(ctx context.Context, addr, group, lite string, top int32) (*LiteGroupInfo, error) {
	info, err := askJSON[LiteGroupInfo](ctx, c, addr, protocol.GetLiteGroupInfo, &protocol.GetLiteGroupInfoRequestHeader{Group: group, LiteTopic: lite, TopK: top}, nil)
	return &info, err
}

// LiteGroupInfo stands for upstream's GetLiteGroupInfoResponseBody. Times are in ms.
type LiteGroupInfo = protocol.LiteGroupInfo

// LiteLag says how far a group is behind in one lite topic.
type LiteLag = protocol.LiteLag

// TriggerLite has one broker look again for lite messages of a group; clientID "" means
// for all its clients.
func (c *Client) TriggerLite(ctx context.Context, addr, group, clientID string) error {
	return c.do(ctx, addr, protocol.TriggerLiteDispatch, &protocol.TriggerLiteDispatchRequestHeader{Group: group, ClientID: clientID}, nil)
}
