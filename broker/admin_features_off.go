package broker

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Requests about features that a broker with default settings does not use, and
// this version does not have. They are answered as such an official broker does.

// What upstream's timer wheel covers, and how far it looks behind at a first start.
const (
	timerWindow = 7 * 24 * time.Hour
	timerBlank  = 60 * time.Second
)

// timerCheckpoint serves GET_TIMER_CHECK_POINT (60): seven numbers, those of a
// timer wheel in which nothing waits since the broker's start.
func (b *Broker) timerCheckpoint(r *remoting.Request) error {
	start := b.started.UnixMilli()
	read := b.started.Truncate(time.Second).Add(timerBlank - timerWindow).UnixMilli()
	body := make([]byte, 0, 7*8)
	for _, n := range [...]int64{read, 0, 0, 0, 0, start, 0} {
		body = binary.BigEndian.AppendUint64(body, uint64(n))
	}
	r.Reply(protocol.ResponseSuccess, "", nil, body)
	return nil
}

// timerMetrics serves GET_TIMER_METRICS (61).
func (b *Broker) timerMetrics(r *remoting.Request) error {
	return replyJSON(r, &protocol.TimerMetrics{DataVersion: protocol.DataVersion{Timestamp: b.started.UnixMilli()}})
}

// switchTimer serves SWITCH_TIMER_ENGINE (5001): R is a timer in RocksDB, F the
// wheel of files, which is the one in use.
func (b *Broker) switchTimer(r *remoting.Request) error {
	engine, ok := r.Ext.Get("E_T")
	switch {
	case !b.config.Load().TimerWheelEnable:
		return refuse(protocol.ResponseInvalidParameter, "broker timerWheelEnable is false")
	case len(r.Ext) == 0:
		return refuse(protocol.ResponseInvalidParameter, "param error, extFields is null")
	case !ok || engine != "R" && engine != "F":
		return refuse(protocol.ResponseInvalidParameter, "param error")
	case engine == "R":
		return refuse(protocol.ResponseInvalidParameter, "timerRocksDBEnable must be configured true when broker start")
	}
	r.Reply(protocol.ResponseSuccess, "switch timer engine success", nil, nil)
	return nil
}

// recallMessage serves RECALL_MESSAGE (370), which recallMessageEnable allows and
// which is off by default.
func (b *Broker) recallMessage(r *remoting.Request) error {
	r.ReplyExt(protocol.ResponseNoPermission, "recall failed, operation is forbidden", nil,
		codec.Fields{{Key: protocol.PropertyMsgRegion, Value: b.config.Load().RegionID}}, nil)
	return nil
}

// checkRocksDB serves CHECK_ROCKSDB_CQ_WRITE_PROGRESS (354). Upstream answers at
// once that it has begun to compare, and logs what it finds; here there is only
// one kind of consume queue, and nothing to find.
func (b *Broker) checkRocksDB(r *remoting.Request) error {
	const inProgress = 2
	return replyJSONRemark(r, notSet, &protocol.CheckRocksdbCqWriteResult{CheckStatus: inProgress})
}

// exportRocksDB serves EXPORT_ROCKSDB_CONFIG_TO_JSON (355). The tables are JSON
// files already.
func (b *Broker) exportRocksDB(r *remoting.Request) error {
	var h protocol.ExportRocksDBConfigToJsonRequestHeader
	if err := r.Decode(&h); err != nil {
		return err
	}
	for kind := range strings.SplitSeq(h.ConfigType, ";") {
		switch strings.ToLower(kind) {
		case "topics", "subscriptiongroups", "consumeroffsets":
		default:
			return refuse(protocol.ResponseSystemError, "Unknown config type: %s", kind)
		}
	}
	r.Reply(protocol.ResponseSuccess, "export done.", nil, nil)
	return nil
}

// requestModes serves GET_ALL_MESSAGE_REQUEST_MODE (402): no group pops.
func (b *Broker) requestModes(r *remoting.Request) error {
	return replyJSON(r, &protocol.MessageRequestModeSerializeWrapper{})
}
