package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Track says what a group did with a message (upstream's MessageTrack).
type Track struct {
	Group  string `json:"consumerGroup"`
	Type   string `json:"trackType"`
	Reason string `json:"exceptionDesc,omitempty"` // why that is not known
}

// The types of tracks.
const (
	TrackConsumed     = "CONSUMED"
	TrackFiltered     = "CONSUMED_BUT_FILTERED"
	TrackPull         = "PULL" // the group pulls by itself, so nobody knows
	TrackNotYet       = "NOT_CONSUME_YET"
	TrackNotOnline    = "NOT_ONLINE"
	TrackBroadcasting = "CONSUME_BROADCASTING"
	TrackUnknown      = "UNKNOWN"
)

// Tracks finds out what every group that consumes a message's topic did with it.
func (c *Client) Tracks(ctx context.Context, m *Message) ([]Track, error) {
	groups, err := c.GroupsOf(ctx, m.Topic)
	if err != nil {
		return nil, err
	}
	var all []Track
	for _, group := range groups {
		all = append(all, c.track(ctx, m, group))
	}
	return all, nil
}

func (c *Client) track(ctx context.Context, m *Message, group string) Track {
	conns, err := c.ConsumerConnections(ctx, group)
	if err != nil {
		return failedTrack(group, err)
	}
	if conns.ConsumeType == protocol.ConsumeActively {
		return Track{Group: group, Type: TrackPull}
	}
	if conns.ConsumeType != protocol.ConsumePassively {
		return Track{Group: group, Type: TrackUnknown}
	}
	if conns.MessageModel == protocol.Broadcasting {
		return Track{Group: group, Type: TrackBroadcasting}
	}
	consumed, err := c.consumed(ctx, m, group)
	switch {
	case err != nil:
		return failedTrack(group, err)
	case !consumed:
		return Track{Group: group, Type: TrackNotYet}
	}
	tag, _ := m.Tags()
	for topic, sub := range conns.SubscriptionTable {
		if topic == m.Topic && len(sub.TagsSet) > 0 && !slices.Contains(sub.TagsSet, tag) && !slices.Contains(sub.TagsSet, protocol.SubscribeAll) {
			return Track{Group: group, Type: TrackFiltered}
		}
	}
	return Track{Group: group, Type: TrackConsumed}
}

func failedTrack(group string, err error) Track {
	t := Track{Group: group, Type: TrackUnknown, Reason: err.Error()}
	if answer, ok := errors.AsType[*Error](err); ok {
		t.Reason = fmt.Sprintf("CODE:%d DESC:%s", answer.Code, answer.Remark)
		if answer.Code == protocol.ResponseConsumerNotOnline {
			t.Type = TrackNotOnline
		}
	}
	return t
}

// consumed reports whether a group stands behind a message in its queue.
func (c *Client) consumed(ctx context.Context, m *Message, group string) (bool, error) {
	stats, err := c.GroupStats(ctx, group, "", "")
	if err != nil {
		return false, err
	}
	cluster, err := c.Cluster(ctx)
	if err != nil {
		return false, err
	}
	for q, o := range stats.OffsetTable {
		b := cluster.BrokerAddrTable[q.BrokerName]
		if q.Topic == m.Topic && q.QueueID == m.QueueID && b != nil && b.BrokerAddrs[protocol.MasterID] == m.StoreHost.String() && o.ConsumerOffset > m.QueueOffset {
			return true, nil
		}
	}
	return false, nil
}
