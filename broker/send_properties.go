package broker

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/compaction"
)

// sendProperties is the property text of a message on its way into the log. It
// is rewritten once, without a map: upstream reads the text into a map, puts its
// own entries and writes the map out again.
type sendProperties struct {
	text []byte // what is stored

	// What the broker itself wants to know of the properties.
	uniqueKey   string
	delayLevel  string
	transaction bool
	timed       bool   // one of the properties of an arbitrary delivery time stands there
	waitFlush   bool   // WAIT is not "false"
	keyed       bool   // KEYS is more than space
	multiQueue  bool   // INNER_MULTI_DISPATCH stands there
	sharded     bool   // __SHARDINGKEY stands there: the message is one of an ordered row
	lite        string // __LITE_TOPIC: the lite topic that the message belongs to
	priority    string
	innerNum    bool // INNER_NUM stands there: what the client says a batch that stays whole has messages
}

// reservedProperties are never taken from a client.
func isReservedProperty(name string) bool {
	switch name {
	case protocol.PropertyPopCk, protocol.PropertyMsgRegion, protocol.PropertyTraceOn, protocol.PropertyCluster:
		return true
	}
	return strings.HasPrefix(name, protocol.PropertyTransientPrefix)
}

// rewrite fills p from the text that a client sent and adds what the broker
// always stores. Pairs without a name or a value are dropped, as upstream's
// reader drops them. raw must live as long as p is used; the room of p.text is
// used again.
func (p *sendProperties) rewrite(raw string, add *brokerProperties) {
	*p = sendProperties{text: p.text[:0], waitFlush: true}
	for name, value := range codec.Properties(raw) {
		if isReservedProperty(name) {
			continue
		}
		p.note(name, value)
		p.put(name, value)
	}
	if p.uniqueKey == "" {
		start := len(p.text) + len(protocol.PropertyUniqueKey) + 1
		p.text = append(p.text, protocol.PropertyUniqueKey...)
		p.text = append(p.text, codec.PropertyNameEnd)
		p.text = add.ids.append(p.text)
		p.uniqueKey = string(p.text[start:])
		p.text = append(p.text, codec.PropertyValueEnd)
	}
	p.text = append(p.text, add.text...)
}

func (p *sendProperties) put(name, value string) {
	p.text = append(p.text, name...)
	p.text = append(p.text, codec.PropertyNameEnd)
	p.text = append(p.text, value...)
	p.text = append(p.text, codec.PropertyValueEnd)
}

// set gives a property a value, whatever the text said of it before.
func (p *sendProperties) set(name, value string) {
	p.drop(name)
	p.put(name, value)
}

// drop takes properties out of the text. It moves bytes within the text, so
// uniqueKey must not view it; see rewrite.
func (p *sendProperties) drop(names ...string) {
	kept := p.text[:0]
	for name, value := range codec.Properties(p.string()) {
		if !slices.Contains(names, name) {
			kept = append(kept, name...)
			kept = append(kept, codec.PropertyNameEnd)
			kept = append(kept, value...)
			kept = append(kept, codec.PropertyValueEnd)
		}
	}
	p.text = kept
}

func (p *sendProperties) note(name, value string) {
	switch name {
	case protocol.PropertyUniqueKey:
		p.uniqueKey = value
	case protocol.PropertyKeys:
		p.keyed = compaction.HasKey(value)
	case protocol.PropertyDelayLevel:
		p.delayLevel = value
	case protocol.PropertyWait:
		p.waitFlush = value != "false"
	case protocol.PropertyTransactionPrepared:
		p.transaction = strings.EqualFold(value, "true")
	case protocol.PropertyTimerDelaySec, protocol.PropertyTimerDelayMs, protocol.PropertyTimerDeliverMs:
		p.timed = true
	case protocol.PropertyPriority:
		p.priority = value
	case protocol.PropertyShardingKey:
		p.sharded = true
	case protocol.PropertyLiteTopic:
		p.lite = value
	case protocol.PropertyInnerMultiDispatch:
		p.multiQueue = true
	case protocol.PropertyInnerNum:
		p.innerNum = true
	}
}

// string views the text; it holds until the next rewrite.
func (p *sendProperties) string() string {
	return unsafe.String(unsafe.SliceData(p.text), len(p.text))
}

// brokerProperties is what a broker adds to each message that it takes.
type brokerProperties struct {
	text []byte // MSG_REGION, TRACE_ON and CLUSTER as property text
	ids  *uniqueIDs
}

func newBrokerProperties(region, cluster string, traceOn bool, ids *uniqueIDs) *brokerProperties {
	trace := "false"
	if traceOn {
		trace = "true"
	}
	text := codec.AppendProperty(nil, protocol.PropertyMsgRegion, region)
	text = codec.AppendProperty(text, protocol.PropertyTraceOn, trace)
	text = codec.AppendProperty(text, protocol.PropertyCluster, cluster)
	return &brokerProperties{text: text, ids: ids}
}
