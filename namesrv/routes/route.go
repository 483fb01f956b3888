package routes

import (
	"fmt"
	"maps"
	"strings"
	"sync/atomic"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// cachedRoute is a route as JSON, good while the table's epoch is the same. The
// topic's own changes need no mark: they replace the topic with its cache.
type cachedRoute struct {
	epoch uint64
	body  []byte
}

// Route collects the route of a topic; false when no queue of it is on a broker
// that is registered. Brokers and queues are ordered by broker name. What it
// points to is the table's own: do not change it.
func (t *Table) Route(name string) (*protocol.TopicRouteData, bool) {
	t.mu.RLock()
	tp := t.topics[name]
	t.mu.RUnlock()
	if tp == nil {
		return nil, false
	}
	return t.collect(tp)
}

// EncodedRoute is the route of a topic as JSON, nil when there is none. form is
// compat.Standard, or compat.Compact for clients before 4.9.4. The bytes are
// shared and stay valid: do not change them. A route that was encoded before and
// has not changed costs one look-up.
func (t *Table) EncodedRoute(name string, form compat.JSONForm) ([]byte, error) {
	epoch := t.epoch.Load()
	t.mu.RLock()
	tp := t.topics[name]
	t.mu.RUnlock()
	if tp == nil {
		return nil, nil
	}
	cache := tp.cache(form)
	if c := cache.Load(); c != nil && c.epoch == epoch {
		return c.body, nil
	}
	route, ok := t.collect(tp)
	if !ok {
		return nil, nil
	}
	body, err := compat.AppendFastjson(nil, route, form)
	if err != nil {
		return nil, fmt.Errorf("route of %s: %w", name, err)
	}
	cache.Store(&cachedRoute{epoch: epoch, body: body})
	return body, nil
}

func (tp *topic) cache(form compat.JSONForm) *atomic.Pointer[cachedRoute] {
	if form == compat.Standard {
		return &tp.cached[1]
	}
	return &tp.cached[0]
}

// collect gathers the route of tp. tp may have been replaced by now; the route is
// then that of a moment ago.
func (t *Table) collect(tp *topic) (*protocol.TopicRouteData, bool) {
	route := &protocol.TopicRouteData{
		BrokerDatas:       make([]*protocol.BrokerData, 0, len(tp.queues)),
		FilterServerTable: map[string][]string{},
		QueueDatas:        make([]*protocol.QueueData, len(tp.queues)),
	}
	t.mu.RLock()
	for i := range tp.queues {
		route.QueueDatas[i] = &tp.queues[i]
		group := t.brokers[tp.queues[i].BrokerName]
		if group == nil {
			continue
		}
		route.BrokerDatas = append(route.BrokerDatas, group)
		if len(t.filters) == 0 {
			continue
		}
		for _, addr := range group.BrokerAddrs {
			if servers := t.filters[Address{group.Cluster, addr}]; servers != nil {
				route.FilterServerTable[addr] = servers
			}
		}
	}
	route.TopicQueueMappingByBroker = t.mappings[tp.name]
	t.mu.RUnlock()

	if len(route.BrokerDatas) == 0 {
		return nil, false
	}
	rules := t.rules.Load()
	if rules.ActingMaster && !strings.HasPrefix(tp.name, syncMemberTopicPrefix) {
		showActingMasters(route)
	}
	if rules.OrderConf != nil {
		route.OrderTopicConf = rules.OrderConf(tp.name)
	}
	return route, true
}

// showActingMasters gives the lowest slave of each group without a master the
// master's id, where the group allows it and the topic cannot be written there:
// clients then ask it for locks and offsets.
func showActingMasters(route *protocol.TopicRouteData) {
	for i, group := range route.BrokerDatas {
		if _, ok := group.BrokerAddrs[protocol.MasterID]; ok || len(group.BrokerAddrs) == 0 || !group.EnableActingMaster {
			continue
		}
		for _, q := range route.QueueDatas {
			if q.BrokerName != group.BrokerName {
				continue
			}
			if q.Perm&protocol.PermWrite == 0 {
				acting := cloneGroup(group)
				lowest := minBrokerID(group.BrokerAddrs)
				acting.BrokerAddrs[protocol.MasterID] = acting.BrokerAddrs[lowest]
				delete(acting.BrokerAddrs, lowest)
				route.BrokerDatas[i] = acting
			}
			break
		}
	}
}

// InZone leaves in a route only the broker groups of a zone, and those without a
// master, which anybody may read from (upstream's ZoneRouteRPCHook). Zone names
// match regardless of case.
func InZone(route *protocol.TopicRouteData, zone string) *protocol.TopicRouteData {
	out := *route
	out.BrokerDatas = make([]*protocol.BrokerData, 0, len(route.BrokerDatas))
	out.QueueDatas = make([]*protocol.QueueData, 0, len(route.QueueDatas))
	out.FilterServerTable = maps.Clone(route.FilterServerTable)
	elsewhere := map[string]bool{}
	for _, group := range route.BrokerDatas {
		if _, ok := group.BrokerAddrs[protocol.MasterID]; !ok || strings.EqualFold(group.ZoneName, zone) {
			out.BrokerDatas = append(out.BrokerDatas, group)
			continue
		}
		elsewhere[group.BrokerName] = true
		for _, addr := range group.BrokerAddrs {
			delete(out.FilterServerTable, addr)
		}
	}
	for _, q := range route.QueueDatas {
		if !elsewhere[q.BrokerName] {
			out.QueueDatas = append(out.QueueDatas, q)
		}
	}
	return &out
}
