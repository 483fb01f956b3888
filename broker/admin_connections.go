package broker

import (
	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// consumerConnections serves GET_CONSUMER_CONNECTION_LIST (203).
func (b *Broker) consumerConnections(r *remoting.Request) error {
	var h protocol.GetConsumerConnectionListRequestHeader
	if err := readHeader(r, &h, "consumerGroup"); err != nil {
		return err
	}
	view := b.consumers.View(h.ConsumerGroup)
	if view == nil {
		return refuse(protocol.ResponseConsumerNotOnline, "the consumer group[%s] not online", h.ConsumerGroup)
	}
	body := protocol.ConsumerConnection{
		ConnectionSet:    connections(b.consumers.Members(h.ConsumerGroup)),
		ConsumeFromWhere: view.ConsumeFromWhere, ConsumeType: view.ConsumeType, MessageModel: view.MessageModel,
		SubscriptionTable: map[string]protocol.SubscriptionData{},
	}
	for topic, sub := range view.Subscriptions {
		body.SubscriptionTable[topic] = *sub
	}
	return replyJSON(r, &body)
}

// producerConnections serves GET_PRODUCER_CONNECTION_LIST (204).
func (b *Broker) producerConnections(r *remoting.Request) error {
	var h protocol.GetProducerConnectionListRequestHeader
	if err := readHeader(r, &h, "producerGroup"); err != nil {
		return err
	}
	if !b.producers.Online(h.ProducerGroup) {
		return refuse(protocol.ResponseSystemError, "the producer group[%s] not exist", h.ProducerGroup)
	}
	return replyJSON(r, &protocol.ProducerConnection{ConnectionSet: connections(b.producers.Members(h.ProducerGroup))})
}

func connections(members []*clients.Client) []protocol.Connection {
	list := make([]protocol.Connection, len(members))
	for i, c := range members {
		list[i] = protocol.Connection{
			ClientAddr: c.Session.RemoteAddr().String(), ClientID: c.ID, Language: c.Language.String(), Version: int32(c.Version),
		}
	}
	return list
}

// allProducers serves GET_ALL_PRODUCER_INFO (328).
func (b *Broker) allProducers(r *remoting.Request) error {
	body := protocol.ProducerTableInfo{Data: map[string][]protocol.ProducerInfo{}}
	for group, members := range b.producers.Groups() {
		for _, c := range members {
			body.Data[group] = append(body.Data[group], protocol.ProducerInfo{
				ClientID: c.ID, Language: c.Language.String(), LastUpdateTimestamp: c.LastSeen(),
				RemoteIP: "/" + c.Session.RemoteAddr().String(), Version: int32(c.Version),
			})
		}
	}
	return replyJSON(r, &body)
}
