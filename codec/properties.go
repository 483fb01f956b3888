package codec

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// Separators of a property string: name, 0x01, value, 0x02, repeated. Neither may occur in a name or a value.
const (
	PropertyNameEnd  = '\x01'
	PropertyValueEnd = '\x02'
)

// Property looks a property up in a property string without building a map. Where a name occurs twice the last one counts,
// as it does in upstream's map. The value is a view into raw.
func Property(raw, key string) (value string, ok bool) {
	for i := 0; i < len(raw); {
		name, v, next := nextProperty(raw, i)
		if len(name) == len(key) && name != "" && name == key {
			value, ok = v, true
		}
		i = next
	}
	return value, ok
}

// Properties yields the pairs of a property string in order. What is no pair is passed over, as upstream's
// MessageDecoder.string2messageProperties does: a name and a value need a byte each; the last separator may be missing.
func Properties(raw string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := 0; i < len(raw); {
			name, value, next := nextProperty(raw, i)
			if name != "" && !yield(name, value) {
				return
			}
			i = next
		}
	}
}

// AppendProperty appends one pair to a property string. A string that lacks its last separator gets it first.
func AppendProperty(dst []byte, name, value string) []byte {
	if n := len(dst); n > 0 && dst[n-1] != PropertyValueEnd {
		dst = append(dst, PropertyValueEnd)
	}
	dst = append(dst, name...)
	dst = append(dst, PropertyNameEnd)
	dst = append(dst, value...)
	return append(dst, PropertyValueEnd)
}

// SetProperty returns raw with the pair in it once, at the end, whatever raw said about the name before.
func SetProperty(raw, name, value string) string {
	dst := make([]byte, 0, len(raw)+len(name)+len(value)+3)
	dst = appendWithout(dst, raw, name)
	return string(AppendProperty(dst, name, value))
}

// DeleteProperty returns raw without the named property; raw itself when it has none.
func DeleteProperty(raw, name string) string {
	if _, ok := Property(raw, name); !ok {
		return raw
	}
	return string(appendWithout(make([]byte, 0, len(raw)), raw, name))
}

// appendWithout copies the pairs of raw whose name is another one.
func appendWithout(dst []byte, raw, drop string) []byte {
	for name, value := range Properties(raw) {
		if name != drop {
			dst = AppendProperty(dst, name, value)
		}
	}
	return dst
}

// nextProperty reads the segment that starts at i. An empty name says that it is no pair; next is where to go on.
func nextProperty(raw string, i int) (name, value string, next int) {
	segment := raw[i:]
	next = len(raw)
	if end := strings.IndexByte(segment, PropertyValueEnd); end >= 0 {
		next = i + end + 1
		segment = segment[:end]
	}
	at := strings.IndexByte(segment, PropertyNameEnd)
	if at <= 0 || at == len(segment)-1 {
		return "", "", next
	}
	return segment[:at], segment[at+1:], next
}

// TakeRealQueue gives a message that was set aside, for a delay or a transaction, the topic and
// queue that its properties REAL_TOPIC and REAL_QID keep. The topic is a view into the
// properties, which stay as they are. The message is not changed when they are no place.
func TakeRealQueue(m *Message) error {
	topic, _ := Property(m.Properties, protocol.PropertyRealTopic)
	if topic == "" {
		return fmt.Errorf("it has no property %s", protocol.PropertyRealTopic)
	}
	text, _ := Property(m.Properties, protocol.PropertyRealQueueID)
	queue, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return fmt.Errorf("its property %s is %q, not a number", protocol.PropertyRealQueueID, text)
	}
	m.Topic, m.QueueID = topic, int32(queue)
	return nil
}
