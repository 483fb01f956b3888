package namesrv

import (
	"context"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/protocol"
)

const (
	// noticeTimeout is how long one broker may take to accept a connection.
	noticeTimeout = 300 * time.Millisecond
	// noticeQueue is how many changes may wait to be told. Brokers learn of one
	// that is dropped by asking for their group, which they do every second.
	noticeQueue = 1024
)

// notices tells brokers that the lowest broker id of their group is another one
// (NOTIFY_MIN_BROKER_ID_CHANGE, 905), in the order in which it happened.
type notices struct {
	server *Server
	queue  chan *routes.MinBrokerChange
}

func newNotices(s *Server) *notices {
	return &notices{server: s, queue: make(chan *routes.MinBrokerChange, noticeQueue)}
}

// send queues a change; nil is none.
func (n *notices) send(c *routes.MinBrokerChange) {
	if c == nil {
		return
	}
	select {
	case n.queue <- c:
	default:
		n.server.log.Warnf("brokers %v are not told that the lowest id of %s is %d: too many such notices wait", c.Notify, c.BrokerName, c.MinBrokerID)
	}
}

func (n *notices) run(ctx context.Context) {
	for {
		select {
		case c := <-n.queue:
			n.tell(ctx, c)
		case <-ctx.Done():
			return
		}
	}
}

func (n *notices) tell(ctx context.Context, c *routes.MinBrokerChange) {
	n.server.log.Infof("the lowest broker id of %s is %d now; telling %v", c.BrokerName, c.MinBrokerID, c.Notify)
	for _, addr := range c.Notify {
		one, cancel := context.WithTimeout(ctx, noticeTimeout)
		err := n.server.client.OneWay(one, addr, &codec.Command{
			Code: int32(protocol.NotifyMinBrokerIDChange), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
			Header: &protocol.NotifyMinBrokerIdChangeRequestHeader{
				MinBrokerID:       protocol.Some(c.MinBrokerID),
				MinBrokerAddr:     c.MinAddr,
				OfflineBrokerAddr: c.OfflineAddr,
				HABrokerAddr:      c.HAAddr,
			},
		})
		cancel()
		if err != nil {
			n.server.log.Warnf("%s was not told that the lowest id of %s is %d: %v", addr, c.BrokerName, c.MinBrokerID, err)
		}
	}
}
