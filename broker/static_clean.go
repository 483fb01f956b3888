package broker

import (
	"context"
	"slices"
	"time"

	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// cleanMappingsPeriod is upstream's.
const cleanMappingsPeriod = 5 * time.Minute

// cleanMappings removes from the mappings of static topics what they no longer need,
// at the hours at which files are deleted.
func (b *Broker) cleanMappings(ctx context.Context) {
	tick := time.NewTicker(cleanMappingsPeriod)
	defer tick.Stop()
	cleaner := staticqueue.Cleaner{
		Manager: b.statics, Broker: b.name, Peers: mappingPeers{b},
		OnError: func(err error) { b.log.WithError(err).Warn("the mapping of a static topic is not cleaned") },
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !slices.Contains(parseHours(b.config.Load().DeleteWhen), b.now().Hour()) {
			continue
		}
		if err := cleaner.Clean(ctx); err != nil {
			b.log.WithError(err).Error("the mappings of static topics could not be written")
		}
	}
}

// mappingPeers asks other brokers for what the mappings of static topics depend on.
type mappingPeers struct{ b *Broker }

var _ staticqueue.Peers = mappingPeers{}

func (p mappingPeers) Bounds(ctx context.Context, broker, topic string) (map[int32]protocol.TopicOffset, error) {
	h := &protocol.GetTopicStatsInfoRequestHeader{Topic: topic}
	h.LogicalQueue, h.TargetBroker = protocol.Some(false), broker
	var table protocol.TopicStatsTable
	if err := askJSON(ctx, p.b, broker, protocol.GetTopicStatsInfo, h, &table); err != nil {
		return nil, err
	}
	bounds := map[int32]protocol.TopicOffset{}
	for queue, offset := range table.OffsetTable {
		if queue.BrokerName == broker {
			bounds[queue.QueueID] = offset
		}
	}
	return bounds, nil
}

func (p mappingPeers) MappingAt(ctx context.Context, broker, topic string) (*staticqueue.Mapping, error) {
	h := &protocol.GetTopicConfigRequestHeader{Topic: topic}
	h.LogicalQueue, h.TargetBroker = protocol.Some(true), broker
	var part protocol.TopicConfigAndQueueMapping
	err := askJSON(ctx, p.b, broker, protocol.GetTopicConfig, h, &part)
	return part.MappingDetail, err
}

func (p mappingPeers) LeadersOf(_ context.Context, topic string) (map[int32]string, error) {
	route, err := p.b.askRoute(topic)
	if err != nil {
		return nil, err
	}
	return logicqueue.RouteLeaders(route), nil
}
