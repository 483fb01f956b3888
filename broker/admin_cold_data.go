package broker

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// setColdLimits serves UPDATE_COLD_DATA_FLOW_CTR_CONFIG (2001): properties text,
// group=bytes. What is no number is passed over.
func (b *Broker) setColdLimits(r *remoting.Request) error {
	properties, err := compat.ParseProperties(r.Body)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "string2Properties error")
	}
	for group, text := range compat.PropertyMap(properties) {
		if limit, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			b.coldReads.Set(group, limit)
		}
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// removeColdLimit serves REMOVE_COLD_DATA_FLOW_CTR_CONFIG (2002): the body names
// the group.
func (b *Broker) removeColdLimit(r *remoting.Request) error {
	b.coldReads.Remove(string(r.Body))
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// coldLimitInfo serves GET_COLD_DATA_FLOW_CTR_INFO (2003). mqadmin prints the
// fields in the order in which they come, so they come in upstream's.
func (b *Broker) coldLimitInfo(r *remoting.Request) error {
	settings := b.config.Settings()
	ofGroup, _ := settings.Get("cgColdReadThreshold")
	ofAll, _ := settings.Get("globalColdReadThreshold")
	groups, own, total := b.coldReads.Snapshot()
	reading, err := compat.MarshalFastjson(groups)
	if err != nil {
		return err
	}
	limits, err := compat.MarshalFastjson(own)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, fmt.Appendf(nil,
		`{"runtimeTable":%s,"configTable":%s,"cgColdReadThreshold":%s,"globalColdReadThreshold":%s,"globalAcc":%d}`,
		reading, limits, ofGroup, ofAll, total))
	return nil
}

// setReadAhead serves SET_COMMITLOG_READ_MODE (2004): 0 has the operating system
// read ahead, 1 has it not.
func (b *Broker) setReadAhead(r *remoting.Request) error {
	mode, _ := r.Ext.Get("READ_AHEAD_MODE")
	if len(r.Ext) == 0 && !r.EmptyExt {
		return refuse(protocol.ResponseSystemError, "set commitlog readahead mode param error")
	}
	n, err := strconv.Atoi(mode)
	switch {
	case err != nil:
		return refuse(protocol.ResponseSystemError, "set commitlog readahead mode failed")
	case n != 0 && n != 1:
		return refuse(protocol.ResponseInvalidParameter, "set commitlog readahead mode param value error")
	}
	b.store.SetReadAhead(n == 0)
	r.Reply(protocol.ResponseSuccess, "set commitlog readahead mode success, mode: "+mode, nil, nil)
	return nil
}
