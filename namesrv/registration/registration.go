// Package registration reads what brokers send with REGISTER_BROKER: the topics
// they serve, in each of the three forms that releases have used. It knows no
// connection and keeps nothing.
package registration

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// MaxUnpacked is how many bytes a compressed body may unfold to: some 800,000
// topics. A frame of 16 MB could otherwise unfold to 16 GB.
const MaxUnpacked = 64 << 20

// Body is a registration as far as a name server needs it. Of a topic these are
// the name, the queues, the permissions and the system flag.
type Body struct {
	Version       protocol.DataVersion
	Topics        []protocol.TopicConfig
	Mappings      []*protocol.TopicQueueMappingInfo
	FilterServers []string // nil when the broker said nothing of them
}

// Checksum is the CRC of a body as brokers send it: upstream clears the sign bit
// (UtilAll.crc32).
func Checksum(body []byte) int32 { return int32(crc32.ChecksumIEEE(body) & 0x7FFFFFFF) }

// Decode reads a body. version is that of the broker's command. An empty body is
// a broker without topics. The result holds no view of body.
func Decode(body []byte, compressed bool, version protocol.Version) (*Body, error) {
	switch {
	case len(body) == 0:
		return &Body{FilterServers: []string{}}, nil
	case !compat.RegistersBody(version):
		return decodeOld(body)
	case compressed:
		return decodeCompressed(body, version)
	}
	return decodeJSON(body)
}

// decodeOld reads the bare topic table that was sent before there were filter servers.
func decodeOld(body []byte) (*Body, error) {
	var w topicTable
	if err := compat.UnmarshalFastjson(body, &w); err != nil {
		return nil, fmt.Errorf("registered topics: %w", err)
	}
	return &Body{Version: w.DataVersion, Topics: topicsOf(w.TopicConfigTable)}, nil
}

func decodeJSON(body []byte) (*Body, error) {
	w := struct {
		FilterServerList            []string   `json:"filterServerList"`
		TopicConfigSerializeWrapper topicTable `json:"topicConfigSerializeWrapper"`
	}{FilterServerList: []string{}}
	if string(bytes.TrimSpace(body)) == "null" {
		return nil, errors.New("registration: the body is null")
	}
	if err := compat.UnmarshalFastjson(body, &w); err != nil {
		return nil, fmt.Errorf("registration: %w", err)
	}
	out := &Body{
		Version:       w.TopicConfigSerializeWrapper.DataVersion,
		Topics:        topicsOf(w.TopicConfigSerializeWrapper.TopicConfigTable),
		FilterServers: w.FilterServerList,
	}
	for _, m := range w.TopicConfigSerializeWrapper.TopicQueueMappingInfoMap {
		if m != nil && m.Topic != "" {
			out.Mappings = append(out.Mappings, m)
		}
	}
	return out, nil
}

// topicTable is what decodeJSON takes of a protocol.TopicConfigAndMappingSerializeWrapper,
// in half the time that the whole of it takes. Brokers send it every 30 seconds.
type topicTable struct {
	DataVersion              protocol.DataVersion                       `json:"dataVersion"`
	TopicConfigTable         map[string]topicEntry                      `json:"topicConfigTable"`
	TopicQueueMappingInfoMap map[string]*protocol.TopicQueueMappingInfo `json:"topicQueueMappingInfoMap"`
}

type topicEntry struct {
	Perm           protocol.Opt[int32] `json:"perm"`
	ReadQueueNums  protocol.Opt[int32] `json:"readQueueNums"`
	TopicName      string              `json:"topicName"`
	TopicSysFlag   int32               `json:"topicSysFlag"`
	WriteQueueNums protocol.Opt[int32] `json:"writeQueueNums"`
}

func topicsOf(table map[string]topicEntry) []protocol.TopicConfig {
	defaults := protocol.DefaultTopicConfig("")
	topics := make([]protocol.TopicConfig, 0, len(table))
	for _, e := range table {
		if e.TopicName == "" {
			continue
		}
		topics = append(topics, protocol.TopicConfig{
			TopicName:      e.TopicName,
			Perm:           e.Perm.Or(defaults.Perm),
			ReadQueueNums:  e.ReadQueueNums.Or(defaults.ReadQueueNums),
			TopicSysFlag:   e.TopicSysFlag,
			WriteQueueNums: e.WriteQueueNums.Or(defaults.WriteQueueNums),
		})
	}
	return topics
}

// decodeCompressed reads the form of compressedRegister: one zlib stream of
// blocks, each behind its length (upstream's RegisterBrokerBody.encode).
//
//	data version (JSON) | number of topics | topic … | filter servers (JSON)
//	| number of mappings | mapping (JSON) …          the last line since 5.0.0
func decodeCompressed(body []byte, version protocol.Version) (*Body, error) {
	raw, err := codec.AppendDecompressed(nil, body, codec.ZLIB, MaxUnpacked)
	if err != nil {
		return nil, fmt.Errorf("registration: %w", err)
	}
	r := blocks{rest: raw}
	out := &Body{}
	r.json("data version", &out.Version)
	topics := r.count("topics")
	out.Topics = make([]protocol.TopicConfig, 0, topics)
	for range topics {
		c, err := parseTopic(string(r.block("topic")))
		if err != nil {
			r.fail(err)
			break
		}
		out.Topics = append(out.Topics, c)
	}
	// A list that cannot be read is an empty one, as upstream has it.
	out.FilterServers = []string{}
	if text := r.block("filter servers"); r.err == nil && compat.UnmarshalFastjson(text, &out.FilterServers) != nil {
		out.FilterServers = []string{}
	}
	if compat.RegistersTopicMappings(version) {
		for range r.count("static topics") {
			m := &protocol.TopicQueueMappingInfo{Scope: protocol.MappingScopeGlobal}
			r.json("static topic", m)
			if r.err != nil {
				break
			}
			if m.Topic != "" {
				out.Mappings = append(out.Mappings, m)
			}
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("registration of %d bytes, %d unpacked: %w", len(body), len(raw), r.err)
	}
	return out, nil
}

// parseTopic reads a topic as upstream's TopicConfig.encode writes it: name, read
// queues, write queues, permissions, filter type and attributes, with a space
// between. The last two are of no use here. There is no system flag in it.
func parseTopic(text string) (protocol.TopicConfig, error) {
	c := protocol.TopicConfig{}
	rest := text
	next := func() string {
		var field string
		field, rest, _ = strings.Cut(rest, " ")
		return field
	}
	c.TopicName = next()
	numbers := [...]*int32{&c.ReadQueueNums, &c.WriteQueueNums, &c.Perm}
	for _, n := range numbers {
		v, err := strconv.ParseInt(next(), 10, 32)
		if err != nil {
			return c, fmt.Errorf("topic %.200q: %w", text, err)
		}
		*n = int32(v)
	}
	if c.TopicName == "" || next() == "" {
		return c, fmt.Errorf("topic %.200q: it has fewer than five fields", text)
	}
	return c, nil
}

var errShort = errors.New("the body ends within it")

// blocks reads length-prefixed blocks and keeps the first fault.
type blocks struct {
	rest []byte
	err  error
}

func (r *blocks) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *blocks) word(what string) uint32 {
	if r.err == nil && len(r.rest) < 4 {
		r.fail(fmt.Errorf("%s: %w", what, errShort))
	}
	if r.err != nil {
		return 0
	}
	n := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return n
}

// block is the next block, a view of the body; nil after a fault.
func (r *blocks) block(what string) []byte {
	n := r.word(what)
	if uint64(n) > uint64(len(r.rest)) {
		r.fail(fmt.Errorf("%s of %d bytes: %w", what, int32(n), errShort))
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// count reads how many blocks follow. Each has a length word, so a count beyond
// what is there is refused before memory is taken for it. A negative count is
// none, as in upstream's loops.
func (r *blocks) count(what string) int {
	n := int32(r.word(what))
	if r.err != nil || n <= 0 {
		return 0
	}
	if int(n) > len(r.rest)/4 {
		r.fail(fmt.Errorf("%d %s: %w", n, what, errShort))
		return 0
	}
	return int(n)
}

func (r *blocks) json(what string, v any) {
	b := r.block(what)
	if r.err != nil {
		return
	}
	if err := compat.UnmarshalFastjson(b, v); err != nil {
		r.fail(fmt.Errorf("%s: %w", what, err))
	}
}
