package broker

import (
	"strings"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Requests about features that a broker with default settings does not use, and
// this version does not have. They are answered as such an official broker does.

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
	if err := readHeader(r, &h, "configType"); err != nil {
		return err
	}
	var kinds []string
	if text := strings.TrimRight(h.ConfigType, ";"); text != "" { // as Java splits
		kinds = strings.Split(text, ";")
	}
	for _, kind := range kinds {
		switch strings.ToLower(kind) {
		case "topics", "subscriptiongroups", "consumeroffsets":
		default:
			return refuse(protocol.ResponseSystemError, "Unknown config type: %s", kind)
		}
	}
	r.Reply(protocol.ResponseSuccess, "export done.", nil, nil)
	return nil
}
