package admin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// Names lists what a name server knows that an option of a command may mean, by the
// option's long name: topics, groups, clusters, brokers or their addresses. It is empty
// when the option means something else or there is no answer.
func (c *Client) Names(ctx context.Context, option string) []string {
	switch option {
	case "topic", "topicName", "parentTopic":
		topics, _ := c.TopicList(ctx)
		return slices.DeleteFunc(topics, func(t string) bool { return compat.IsRetryTopic(t) || compat.IsDLQTopic(t) })
	case "group", "groupName", "consumerGroup", "srcGroup", "destGroup":
		topics, _ := c.TopicList(ctx)
		var groups []string
		for _, t := range topics {
			if compat.IsRetryTopic(t) {
				groups = append(groups, compat.RetryGroup(t))
			}
		}
		return groups
	}
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return nil
	}
	switch {
	case strings.HasPrefix(option, "cluster"):
		return cluster.Names()
	case option == "brokerName":
		return slices.Sorted(maps.Keys(cluster.BrokerAddrTable))
	case option == "brokerAddr" || option == "broker":
		var addrs []string
		for _, b := range cluster.All() {
			addrs = append(addrs, Addrs(b)...)
		}
		return addrs
	}
	return nil
}
