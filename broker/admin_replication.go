package broker

import (
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// The requests of replication, as a master that has no slave and no controller
// answers them: there is nothing to change, and the state is soon told.

// haStatus serves GET_BROKER_HA_STATUS (907).
func (b *Broker) haStatus(r *remoting.Request) error {
	_, end := b.store.LogRange()
	return replyJSON(r, &protocol.HARuntimeInfo{Master: b.config.Load().BrokerRole != "SLAVE", MasterCommitLogMaxOffset: end})
}

// exchangeHAInfo serves EXCHANGE_BROKER_HA_INFO (906). Without an address a slave
// asks for the master's; what others report concerns slaves only.
func (b *Broker) exchangeHAInfo(r *remoting.Request) error {
	if hasExt(r, "masterHaAddress") {
		r.Reply(protocol.ResponseSuccess, "", nil, nil)
		return nil
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.ExchangeHAInfoResponseHeader{
		MasterHAAddress: b.config.Load().HAAddr(), MasterAddress: b.told, MasterFlushOffset: protocol.Some(int64(0)),
	}, nil)
	return nil
}

// minBrokerChanged serves NOTIFY_MIN_BROKER_ID_CHANGE (905), by which a name
// server has a slave act as master; this broker is none.
func (b *Broker) minBrokerChanged(r *remoting.Request) error {
	if !hasExt(r, "minBrokerId") {
		return missing("minBrokerId")
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// ignored serves RESET_MASTER_FLUSH_OFFSET (908) and NOTIFY_BROKER_ROLE_CHANGED
// (1008), which a master without a controller has no use for.
func (b *Broker) ignored(r *remoting.Request) error {
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// epochCache serves GET_BROKER_EPOCH_CACHE (1007).
func (b *Broker) epochCache(*remoting.Request) error {
	return refuse(protocol.ResponseSystemError, "this request only for controllerMode ")
}
