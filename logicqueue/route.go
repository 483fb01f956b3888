package logicqueue

import (
	"maps"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// RouteLeaders are the brokers that lead the global logical queues of a route. Of two
// that claim the same queue, the one with the higher epoch is believed, as clients do.
func RouteLeaders(route *protocol.TopicRouteData) map[int32]string {
	leaders, epochs := map[int32]string{}, map[int32]int64{}
	for _, broker := range slices.Sorted(maps.Keys(route.TopicQueueMappingByBroker)) {
		info := route.TopicQueueMappingByBroker[broker]
		if info == nil || info.Scope != protocol.MappingScopeGlobal {
			continue
		}
		for id := range info.CurrIDMap {
			if epoch, known := epochs[id]; !known || epoch <= info.Epoch {
				leaders[id], epochs[id] = info.BrokerName, info.Epoch
			}
		}
	}
	return leaders
}
