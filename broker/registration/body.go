package registration

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func (r *Registrar) header(f Form, body []byte) protocol.RegisterBrokerRequestHeader {
	h := protocol.RegisterBrokerRequestHeader{
		BrokerName: r.who.Name, BrokerAddr: r.who.Addr, ClusterName: r.who.Cluster, HAServerAddr: r.who.HAAddr, BrokerID: r.who.ID,
		EnableActingMaster: protocol.Some(r.who.ActingOK),
		Compressed:         f.Compressed,
		// Upstream clears the sign bit of every checksum.
		BodyCrc32: protocol.Some(int32(crc32.ChecksumIEEE(body) & 0x7FFFFFFF)),
	}
	if f.ActiveTimeout > 0 {
		h.HeartbeatTimeoutMillis = protocol.Some(f.ActiveTimeout.Milliseconds())
	}
	return h
}

func (f Form) encode(t Topics) ([]byte, error) {
	if f.Compressed {
		return encodeCompressed(t)
	}
	return compat.MarshalFastjson(&protocol.RegisterBrokerBody{
		FilterServerList: []string{},
		TopicConfigSerializeWrapper: &protocol.TopicConfigAndMappingSerializeWrapper{
			DataVersion:                t.Version,
			TopicConfigTable:           t.Table,
			TopicQueueMappingDetailMap: map[string]*protocol.TopicQueueMappingDetail{},
			TopicQueueMappingInfoMap:   t.Mappings,
		},
	})
}

// encodeCompressed writes the form that brokers of 5.x send when
// compressedRegister is on: one zlib stream of the data version, the topics, the
// filter servers and the static topics' mappings, each behind a length word.
func encodeCompressed(t Topics) ([]byte, error) {
	raw, err := appendJSON(nil, t.Version)
	if err != nil {
		return nil, err
	}
	raw = binary.BigEndian.AppendUint32(raw, uint32(len(t.Table)))
	for _, name := range slices.Sorted(maps.Keys(t.Table)) {
		text, err := topicText(t.Table[name])
		if err != nil {
			return nil, err
		}
		raw = appendBlock(raw, text)
	}
	if raw, err = appendJSON(raw, []string{}); err != nil {
		return nil, err
	}
	raw = binary.BigEndian.AppendUint32(raw, uint32(len(t.Mappings)))
	for _, name := range slices.Sorted(maps.Keys(t.Mappings)) {
		if raw, err = appendJSON(raw, t.Mappings[name]); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// topicText is a topic as upstream's TopicConfig.encode writes it: its fields
// with a space between, the attributes as JSON.
func topicText(t *protocol.TopicConfig) ([]byte, error) {
	attributes, err := compat.MarshalFastjson(t.Attributes)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %d %d %d %s %s", t.TopicName, t.ReadQueueNums, t.WriteQueueNums, t.Perm, t.TopicFilterType, attributes), nil
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	text, err := compat.MarshalFastjson(v)
	if err != nil {
		return nil, err
	}
	return appendBlock(dst, text), nil
}

func appendBlock(dst, block []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
	return append(dst, block...)
}

func decodeResult(server string, answer *codec.Frame) (Result, error) {
	var h protocol.RegisterBrokerResponseHeader
	if err := codec.DecodeHeader(&h, answer.Ext); err != nil {
		return Result{}, err
	}
	result := Result{Server: server, MasterAddr: h.MasterAddr, HAAddr: h.HAServerAddr}
	if len(answer.Body) > 0 {
		var table protocol.KVTable
		if err := compat.UnmarshalFastjson(answer.Body, &table); err != nil {
			return Result{}, err
		}
		result.OrderTopic = table.Table
	}
	return result, nil
}
