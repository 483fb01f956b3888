package namesrv

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// productTimeout is how long a name server of the product environment may take.
const productTimeout = 3 * time.Second

// testRouteInfo serves GET_ROUTEINFO_BY_TOPIC (105) of a cluster test: topics that
// are not known here are looked up in the product environment. Answers are in the
// loose form and always carry the order configuration.
//
// Upstream's ClusterTestRequestProcessor takes every request for a route query,
// so that no broker can register; here the others are served as ever (intended
// difference 31).
func (s *Server) testRouteInfo(r *remoting.Request) error {
	if err := s.ready(); err != nil {
		return err
	}
	topic, _ := r.Ext.Get("topic")
	route, ok := s.routes.Route(topic)
	if !ok {
		if route = s.productRoute(topic); route == nil {
			return noRoute(r)
		}
	}
	if zone := wantedZone(r); zone != "" {
		route = routes.InZone(route, zone)
	}
	body, err := compat.MarshalFastjson(route)
	return success(r, body, err)
}

// productRoute asks the name servers of the product environment, one after the
// other; nil when none of them knows the topic.
func (s *Server) productRoute(topic string) *protocol.TopicRouteData {
	for _, addr := range s.product {
		route, err := s.askRoute(addr, topic)
		if err == nil {
			return route
		}
		s.log.Infof("no route of %s in the product environment: %v", topic, err)
	}
	return nil
}

func (s *Server) askRoute(addr, topic string) (*protocol.TopicRouteData, error) {
	ctx, cancel := context.WithTimeout(context.Background(), productTimeout)
	defer cancel()
	f, err := s.client.Call(ctx, addr, &codec.Command{
		Code: int32(protocol.GetRouteinfoByTopic), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Header: &protocol.GetRouteInfoRequestHeader{Topic: topic},
	})
	if err != nil {
		return nil, err
	}
	if err := remoting.ResponseError(f); err != nil {
		return nil, fmt.Errorf("%s answers: %w", addr, err)
	}
	route := &protocol.TopicRouteData{}
	if err := compat.UnmarshalFastjson(f.Body, route); err != nil {
		return nil, fmt.Errorf("route from %s: %w", addr, err)
	}
	return route, nil
}
