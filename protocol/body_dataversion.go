package protocol

// DataVersion tells two states of a table apart (upstream's DataVersion). A
// name server that already holds a broker's version is not sent its topics
// again. Equal means the same state; nothing else may be read out of Timestamp.
type DataVersion struct {
	Counter      int64 `json:"counter"`
	StateVersion int64 `json:"stateVersion"` // the master epoch of a broker group under a controller, otherwise 0
	Timestamp    int64 `json:"timestamp"`    // ms since 1970, when Counter last grew
}

// Next is the version after a change at now (ms since 1970), by a broker without a
// controller.
func (v DataVersion) Next(now int64) DataVersion {
	return DataVersion{Counter: v.Counter + 1, Timestamp: now}
}
