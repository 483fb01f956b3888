package broker

import (
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// timerCheckpoint serves GET_TIMER_CHECK_POINT (60), by which a slave follows the
// timer: the seven numbers of config/timercheck.
func (b *Broker) timerCheckpoint(r *remoting.Request) error {
	if b.timer == nil {
		return refuse(protocol.ResponseSystemError, "The checkpoint is null")
	}
	r.Reply(protocol.ResponseSuccess, "", nil, b.timer.Checkpoint())
	return nil
}

// timerMetrics serves GET_TIMER_METRICS (61).
func (b *Broker) timerMetrics(r *remoting.Request) error {
	if b.timer == nil {
		return refuse(protocol.ResponseSystemError, "The timer message store is null")
	}
	metrics := b.timer.Metrics()
	return replyJSON(r, &metrics)
}

// switchTimer serves SWITCH_TIMER_ENGINE (5001): R is a timer in RocksDB, F the
// wheel of files, which is the one in use.
func (b *Broker) switchTimer(r *remoting.Request) error {
	engine, ok := r.Ext.Get("E_T")
	switch {
	case b.timer == nil:
		return refuse(protocol.ResponseInvalidParameter, "broker timerWheelEnable is false")
	case len(r.Ext) == 0 && !r.EmptyExt:
		return refuse(protocol.ResponseInvalidParameter, "param error, extFields is null")
	case !ok || engine != "R" && engine != "F":
		return refuse(protocol.ResponseInvalidParameter, "param error")
	case engine == "R":
		return refuse(protocol.ResponseInvalidParameter, "timerRocksDBEnable must be configured true when broker start")
	}
	r.Reply(protocol.ResponseSuccess, "switch timer engine success", nil, nil)
	return nil
}
