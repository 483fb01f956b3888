package broker

import (
	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// notifyConsumers tells the members of a group that its membership has changed
// (NOTIFY_CONSUMER_IDS_CHANGED, 40), so that they share the queues out anew at
// once instead of within 20 s, unless notifyConsumerIdsChangedEnable says that none is
// told. A client that does not take it is not waited for.
func (b *Broker) notifyConsumers(group string, members []*clients.Client) {
	if !b.config.Load().NotifyConsumerIDsChangedEnable {
		return
	}
	push := &codec.Command{
		Code: int32(protocol.NotifyConsumerIDsChanged), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Header: &protocol.NotifyConsumerIdsChangedRequestHeader{ConsumerGroup: group},
	}
	for _, member := range members {
		if err := sessionOf(member).Push(push); err != nil {
			b.log.Debugf("group %s: tell %s that the members changed: %v", group, member.ID, err)
		}
	}
}

// sessionOf is the session of a client. All sessions of this broker come from
// package remoting; clients only names them.
func sessionOf(c *clients.Client) remoting.Session { return c.Session.(remoting.Session) }
