package ops

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// view is what one look at a cluster found.
type view struct {
	Time    time.Time   `json:"time"`
	Error   string      `json:"error,omitempty"`
	Brokers []brokerRow `json:"brokers"`
	Topics  []topicRow  `json:"topics"`
	Groups  []groupRow  `json:"groups"`
}

type brokerRow struct {
	Name       string  `json:"brokerName"`
	Addr       string  `json:"addr"`
	In         float64 `json:"in"` // messages in a second, by the broker's own count
	Out        float64 `json:"out"`
	Disk       float64 `json:"disk"`
	PageWaitMs string  `json:"pageCacheWaitMs"`
}

type topicRow struct {
	Name     string  `json:"topic"`
	In       float64 `json:"in"` // messages in a second since the last look
	Messages int64   `json:"messages"`
	end      int64
}

type groupRow struct {
	Name     string  `json:"group"`
	Clients  int     `json:"clients"`
	Out      float64 `json:"out"` // messages in a second since the last look
	Behind   int64   `json:"behind"`
	BehindMs *int64  `json:"behindMs"` // nil when nobody can tell
	at       int64
}

func (g groupRow) longest() string {
	if g.BehindMs == nil {
		return "-"
	}
	return (time.Duration(*g.BehindMs) * time.Millisecond).Round(time.Second).String()
}

// only keeps the topics and groups whose names have a text in them.
func (v *view) only(text string) *view {
	if text == "" {
		return v
	}
	kept := *v
	kept.Topics = slices.DeleteFunc(slices.Clone(v.Topics), func(t topicRow) bool { return !strings.Contains(t.Name, text) })
	kept.Groups = slices.DeleteFunc(slices.Clone(v.Groups), func(g groupRow) bool { return !strings.Contains(g.Name, text) })
	return &kept
}

// observer looks at a cluster again and again; rates are what changed between two looks.
type observer struct {
	client *admin.Client
	now    func() time.Time
	last   *view
}

func (o *observer) look(ctx context.Context) *view {
	v := &view{Time: o.now(), Brokers: []brokerRow{}, Topics: []topicRow{}, Groups: []groupRow{}}
	if err := o.fill(ctx, v); err != nil {
		v.Error = oneLine(err)
	} else {
		v.rates(o.last)
		o.last = v
	}
	return v
}

func (o *observer) fill(ctx context.Context, v *view) error {
	cluster, err := o.client.Cluster(ctx)
	if err != nil {
		return err
	}
	for _, b := range cluster.All() {
		addr := admin.Addr(b)
		facts, err := o.client.BrokerRuntime(ctx, addr)
		if err != nil {
			return err
		}
		v.Brokers = append(v.Brokers, brokerRow{
			Name: b.BrokerName, Addr: addr, In: fraction(facts["putTps"]), Out: fraction(facts["getTransferredTps"]),
			Disk: fraction(facts["commitLogDiskRatio"]), PageWaitMs: facts["pageCacheLockTimeMills"],
		})
	}
	topics, err := o.client.TopicList(ctx)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		switch {
		case compat.IsRetryTopic(topic):
			if err := o.group(ctx, v, compat.RetryGroup(topic)); err != nil {
				return err
			}
		case !compat.IsDLQTopic(topic) && !compat.IsSystemTopic(topic):
			o.topic(ctx, v, topic)
		}
	}
	return nil
}

// fraction reads the first number of a text.
func fraction(text string) float64 {
	first, _, _ := strings.Cut(text, " ")
	f, _ := strconv.ParseFloat(first, 64)
	return f
}

// topic adds a topic. One that is gone, or empty everywhere, is left out.
func (o *observer) topic(ctx context.Context, v *view, topic string) {
	route, err := o.client.Route(ctx, topic)
	if err != nil {
		return
	}
	stats, err := o.client.TopicStatsEverywhere(ctx, route, topic)
	if err != nil {
		return
	}
	t := topicRow{Name: topic}
	for _, s := range stats.OffsetTable {
		t.Messages += s.MaxOffset - s.MinOffset
		t.end += s.MaxOffset
	}
	if t.end > 0 {
		v.Topics = append(v.Topics, t)
	}
}

func (o *observer) group(ctx context.Context, v *view, group string) error {
	stats, err := o.client.GroupStats(ctx, group, "", "")
	if err != nil {
		return nil // never consumed, or gone
	}
	g := groupRow{Name: group}
	var oldest *protocol.MessageQueue
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		s := stats.OffsetTable[q]
		g.at += s.ConsumerOffset
		g.Behind += max(s.BrokerOffset-s.ConsumerOffset, 0)
		if s.BrokerOffset > s.ConsumerOffset && (oldest == nil || s.LastTimestamp < stats.OffsetTable[*oldest].LastTimestamp) {
			oldest = &q
		}
	}
	zero := int64(0)
	g.BehindMs = &zero
	if oldest != nil {
		stored, err := storedAt(ctx, o.client, map[string]*protocol.TopicRouteData{}, *oldest, stats.OffsetTable[*oldest].ConsumerOffset)
		if err != nil {
			return err
		}
		g.BehindMs = nil
		if stored > 0 {
			ms := max(v.Time.UnixMilli()-stored, 0)
			g.BehindMs = &ms
		}
	}
	if conns, err := o.client.ConsumerConnections(ctx, group); err == nil {
		g.Clients = len(conns.ConnectionSet)
	}
	v.Groups = append(v.Groups, g)
	return nil
}

// rates are what changed since the look before. The first look has none.
func (v *view) rates(before *view) {
	if before == nil {
		return
	}
	seconds := v.Time.Sub(before.Time).Seconds()
	if seconds <= 0 {
		return
	}
	for i := range v.Topics {
		t := &v.Topics[i]
		if j := slices.IndexFunc(before.Topics, func(o topicRow) bool { return o.Name == t.Name }); j >= 0 {
			t.In = max(float64(t.end-before.Topics[j].end), 0) / seconds
		}
	}
	for i := range v.Groups {
		g := &v.Groups[i]
		if j := slices.IndexFunc(before.Groups, func(o groupRow) bool { return o.Name == g.Name }); j >= 0 {
			g.Out = max(float64(g.at-before.Groups[j].at), 0) / seconds
		}
	}
}
