package admin

import (
	"context"
	"errors"
	"maps"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// UpdateGroup creates or changes a subscription group on one broker.
func (c *Client) UpdateGroup(ctx context.Context, addr string, g *protocol.SubscriptionGroupConfig) error {
	if remark, ok := compat.CheckGroup(g.GroupName); !ok {
		return errors.New(remark)
	}
	return c.doJSON(ctx, addr, protocol.UpdateAndCreateSubscriptiongroup, nil, g)
}

// UpdateGroups creates or changes several subscription groups by one request.
func (c *Client) UpdateGroups(ctx context.Context, addr string, groups []*protocol.SubscriptionGroupConfig) error {
	return c.doJSON(ctx, addr, protocol.UpdateAndCreateSubscriptiongroupList, nil, &protocol.SubscriptionGroupList{GroupConfigList: groups})
}

// DeleteGroup removes a group from one broker; with cleanOffset also where it stood.
func (c *Client) DeleteGroup(ctx context.Context, addr, group string, cleanOffset bool) error {
	return c.do(ctx, addr, protocol.DeleteSubscriptiongroup,
		&protocol.DeleteSubscriptionGroupRequestHeader{GroupName: group, CleanOffset: cleanOffset}, nil)
}

// AllGroups reads the settings of all groups of one broker, its own included.
func (c *Client) AllGroups(ctx context.Context, addr string) (*protocol.SubscriptionGroupWrapper, error) {
	all, err := askJSON[protocol.SubscriptionGroupWrapper](ctx, c, addr, protocol.GetAllSubscriptiongroupConfig, nil, nil)
	return &all, err
}

// UserGroups is AllGroups without the groups that a broker makes for itself.
func (c *Client) UserGroups(ctx context.Context, addr string) (*protocol.SubscriptionGroupWrapper, error) {
	all, err := c.AllGroups(ctx, addr)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all.SubscriptionGroupTable, func(name string, _ *protocol.SubscriptionGroupConfig) bool {
		return protocol.IsSystemGroup(name) || protocol.IsPredefinedGroup(name)
	})
	return all, nil
}

// SetConsumeMode says how a group receives a topic's messages on one broker, by PULL
// or POP, and among how many consumers a queue is shared then.
func (c *Client) SetConsumeMode(ctx context.Context, addr string, mode protocol.SetMessageRequestModeRequestBody) error {
	return c.doJSON(ctx, addr, protocol.SetMessageRequestMode, nil, &mode)
}

// GroupsOf lists the groups that consume a topic, as its first broker knows them,
// sorted.
func (c *Client) GroupsOf(ctx context.Context, topic string) ([]string, error) {
	route, err := c.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, b := range route.BrokerDatas {
		if addr := Addr(b); addr != "" {
			list, err := askJSON[protocol.GroupList](ctx, c, addr, protocol.QueryTopicConsumeByWho, &protocol.QueryTopicConsumeByWhoRequestHeader{Topic: topic}, nil)
			return sorted(list.GroupList), err
		}
	}
	return nil, nil
}

// TopicsOf lists the topics that one broker knows a group to consume, sorted.
func (c *Client) TopicsOf(ctx context.Context, addr, group string) ([]string, error) {
	list, err := askJSON[protocol.TopicList](ctx, c, addr, protocol.QueryTopicsByConsumer, &protocol.QueryTopicsByConsumerRequestHeader{Group: group}, nil)
	return sorted(list.TopicList), err
}

// GroupForbidden reads, and if readable is set changes, whether a group may read a
// topic on one broker.
func (c *Client) GroupForbidden(ctx context.Context, addr, group, topic string, readable protocol.Opt[bool]) (*protocol.GroupForbidden, error) {
	g, err := askJSON[protocol.GroupForbidden](ctx, c, addr, protocol.UpdateAndGetGroupForbidden,
		&protocol.UpdateGroupForbiddenRequestHeader{Group: group, Topic: topic, Readable: readable}, nil)
	return &g, err
}
