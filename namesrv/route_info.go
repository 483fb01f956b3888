package namesrv

import (
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Ext fields of GET_ROUTEINFO_BY_TOPIC that are in no header class (upstream's
// ZoneRouteRPCHook, MixAll).
const (
	zoneMode = "__ZONE_MODE"
	zoneName = "__ZONE_NAME"
)

// faqSuffix ends remarks that upstream explains on its site.
const faqSuffix = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

// routeInfo serves GET_ROUTEINFO_BY_TOPIC (105), the request that every client
// repeats for each of its topics. It reads its fields without a header and
// answers from the cache: nothing is allocated.
func (s *Server) routeInfo(r *remoting.Request) error {
	if err := s.ready(); err != nil {
		return err
	}
	topic, _ := r.Ext.Get("topic")
	if zone := wantedZone(r); zone != "" {
		return s.zoneRoute(r, topic, zone)
	}
	body, err := s.routes.EncodedRoute(topic, routeForm(r))
	if err != nil {
		return err
	}
	if body == nil {
		return noRoute(r)
	}
	r.Reply(protocol.ResponseSuccess, "", nil, body)
	return nil
}

// ready refuses route queries while a name server that has just started may not
// have heard of all brokers yet (needWaitForService).
func (s *Server) ready() error {
	c := s.settings.Load()
	if c.NeedWaitForService && s.now().Sub(s.started) < c.WaitForService {
		return remoting.Errorf(protocol.ResponseSystemError, "name server not ready")
	}
	return nil
}

// routeForm is the JSON that the client can parse.
func routeForm(r *remoting.Request) compat.JSONForm {
	only, _ := r.Ext.Get("acceptStandardJsonOnly")
	if compat.WantsStandardRoute(r.Version, strings.EqualFold(only, "true")) {
		return compat.Standard
	}
	return compat.Compact
}

// wantedZone is the zone that the client wants to see alone, or empty.
func wantedZone(r *remoting.Request) string {
	if mode, _ := r.Ext.Get(zoneMode); !strings.EqualFold(mode, "true") {
		return ""
	}
	zone, _ := r.Ext.Get(zoneName)
	if strings.TrimSpace(zone) == "" {
		return ""
	}
	return zone
}

// zoneRoute answers with the part of a route that lies in a zone. Upstream writes
// it in the loose form whatever the client's version.
func (s *Server) zoneRoute(r *remoting.Request, topic, zone string) error {
	route, ok := s.routes.Route(topic)
	if !ok {
		return noRoute(r)
	}
	body, err := compat.MarshalFastjson(routes.InZone(route, zone))
	return success(r, body, err)
}

func noRoute(r *remoting.Request) error {
	return &remoting.RemoteError{
		Code:   protocol.ResponseTopicNotExist,
		Remark: "No topic route info in name server for the topic: " + field(r, "topic") + faqSuffix,
	}
}
