package broker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/assignment"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// queryAssignment serves QUERY_ASSIGNMENT (400): a client that leaves the sharing
// of queues to the broker asks for its share.
func (b *Broker) queryAssignment(r *remoting.Request) error {
	var q protocol.QueryAssignmentRequestBody
	if err := compat.UnmarshalFastjson(r.Body, &q); err != nil {
		return err
	}
	if len(r.Body) == 0 || q.Topic == "" || q.MessageModel == "" {
		return errors.New("a question for an assignment names topic and message model")
	}
	mode := b.requestMode(q.Topic, q.ConsumerGroup)
	var answer protocol.QueryAssignmentResponseBody
	queues, ok := b.assign(&q, &mode)
	if ok {
		share := make([]protocol.MessageQueueAssignment, 0, len(queues))
		for _, queue := range queues {
			share = append(share, protocol.MessageQueueAssignment{MessageQueue: queue, Mode: mode.Mode})
		}
		answer.MessageQueueAssignments = &share
	}
	return replyJSON(r, &answer)
}

// requestMode is how a group receives a topic. Retry topics are pulled.
func (b *Broker) requestMode(topic, group string) protocol.SetMessageRequestModeRequestBody {
	if mode, ok := b.modes.Get(topic, group); ok {
		return mode
	}
	cfg := b.config.Load()
	mode := protocol.SetMessageRequestModeRequestBody{Topic: topic, ConsumerGroup: group, Mode: protocol.RequestMode(cfg.DefaultMessageRequestMode)}
	if strings.HasPrefix(topic, protocol.PrefixRetry) || mode.Mode != protocol.RequestModePop {
		mode.Mode = protocol.RequestModePull
	} else {
		mode.PopShareQueueNum = cfg.DefaultPopShareQueueNum
	}
	return mode
}

// assign finds a client's share; ok is false when nothing can be said.
func (b *Broker) assign(q *protocol.QueryAssignmentRequestBody, mode *protocol.SetMessageRequestModeRequestBody) (queues []protocol.MessageQueue, ok bool) {
	var all []protocol.MessageQueue
	if q.MessageModel == protocol.Clustering && compat.IsLMQ(q.Topic) { // name servers know no light queue
		all = []protocol.MessageQueue{{Topic: q.Topic, BrokerName: b.name}}
	} else if all, ok = b.routes.queues(b, q.Topic); !ok {
		return nil, false
	}
	if q.MessageModel == protocol.Broadcasting || !b.config.Load().ServerLoadBalancerEnable {
		return all, true
	}
	if b.consumers.View(q.ConsumerGroup) == nil {
		return nil, false
	}
	return assignment.Share{
		Strategy: q.StrategyName, Client: q.ClientID, Clients: b.consumers.ClientIDs(q.ConsumerGroup), Queues: all,
		Pop: mode.Mode == protocol.RequestModePop, ShareQueues: mode.PopShareQueueNum,
	}.Allocate()
}

// setRequestMode serves SET_MESSAGE_REQUEST_MODE (401).
func (b *Broker) setRequestMode(r *remoting.Request) error {
	var mode protocol.SetMessageRequestModeRequestBody
	if err := compat.UnmarshalFastjson(r.Body, &mode); err != nil {
		return err
	}
	switch {
	case mode.Topic == "":
		return errors.New("the request names no topic")
	case strings.HasPrefix(mode.Topic, protocol.PrefixRetry):
		return refuse(protocol.ResponseNoPermission, "retry topic is not allowed to set mode")
	case !b.topics.Contains(mode.Topic):
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist", mode.Topic)
	case mode.ConsumerGroup == "":
		return errors.New("the request names no group")
	case b.groups.Find(mode.ConsumerGroup) == nil:
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group does not exist")
	}
	if mode.Mode != protocol.RequestModePop {
		mode.Mode = protocol.RequestModePull
	}
	if err := b.modes.Set(mode); err != nil {
		b.log.WithError(err).Error("how groups receive could not be written")
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// requestModes serves GET_ALL_MESSAGE_REQUEST_MODE (402).
func (b *Broker) requestModes(r *remoting.Request) error {
	modes := b.modes.Snapshot()
	return replyJSON(r, &modes)
}

// Routes are asked for at the name servers when a topic's queues are shared, and
// again after a while.
const (
	routeAge     = 30 * time.Second // upstream's loadBalancePollNameServerInterval
	routeTimeout = 3 * time.Second
	mostRoutes   = 10_000
)

// topicRoutes remembers the queues of topics on all brokers.
type topicRoutes struct {
	// pick takes the queues of a topic out of its route; nil is readableQueues.
	pick   func(topic string, data *protocol.TopicRouteData) []protocol.MessageQueue
	mu     sync.Mutex // guards known
	known  map[string]knownRoute
	asking sync.Mutex // one question at a time; guards nothing
}

type knownRoute struct {
	queues []protocol.MessageQueue
	at     time.Time
}

func (t *topicRoutes) get(topic string) (knownRoute, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	route, ok := t.known[topic]
	return route, ok
}

// queues are the queues of a topic that can be read, on all brokers; ok is false
// when no name server knows any. The topic may be a view.
func (t *topicRoutes) queues(b *Broker, topic string) (queues []protocol.MessageQueue, ok bool) {
	route, ok := t.get(topic)
	if ok && b.now().Sub(route.at) < routeAge {
		return route.queues, true
	}
	t.asking.Lock()
	defer t.asking.Unlock()
	if again, ok := t.get(topic); ok && b.now().Sub(again.at) < routeAge {
		return again.queues, true
	}
	data, err := b.askRoute(topic)
	switch {
	case err != nil && !ok:
		return nil, false
	case err == nil:
		pick := t.pick
		if pick == nil {
			pick = readableQueues
		}
		route.queues = pick(topic, data)
	}
	route.at = b.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= mostRoutes {
		t.known = map[string]knownRoute{}
	}
	t.known[strings.Clone(topic)] = route
	return route.queues, true
}

// askRoute asks one name server after the other.
func (b *Broker) askRoute(topic string) (*protocol.TopicRouteData, error) {
	ctx, cancel := context.WithTimeout(context.Background(), routeTimeout)
	defer cancel()
	err := errors.New("there is no name server")
	for _, server := range b.registrar.Servers() {
		var answer *codec.Frame
		answer, err = b.client.Call(ctx, server, &codec.Command{
			Code: int32(protocol.GetRouteinfoByTopic), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
			Header: &protocol.GetRouteInfoRequestHeader{Topic: topic},
		})
		if err != nil {
			continue
		}
		if protocol.ResponseCode(answer.Code) != protocol.ResponseSuccess {
			err = errors.New(answer.Remark)
			continue
		}
		data := new(protocol.TopicRouteData)
		return data, compat.UnmarshalFastjson(answer.Body, data)
	}
	return nil, err
}

func readableQueues(topic string, data *protocol.TopicRouteData) []protocol.MessageQueue {
	var queues []protocol.MessageQueue
	topic = strings.Clone(topic)
	for _, q := range data.QueueDatas {
		if q == nil || q.Perm&protocol.PermRead == 0 {
			continue
		}
		for id := range q.ReadQueueNums {
			queues = append(queues, protocol.MessageQueue{Topic: topic, BrokerName: q.BrokerName, QueueID: id})
		}
	}
	return queues
}
