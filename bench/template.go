package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Placeholders of fixed width, which a frame is encoded with once and which are
// overwritten in each copy. They hold no character that a header form escapes.
const (
	holdBorn = "1111111111111" // bornTimestamp, ms: 13 digits until the year 2286
	holdUniq = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
	holdKey  = "K000000000"
	holdTag  = "TAG0000"
)

// A body starts with this mark and the time at which its message was due, so that a
// consumer on the same machine can tell the time from producer to consumer.
const (
	bodyMark    = "GBt1"
	bodyStamped = len(bodyMark) + 8
)

// stamps are what one copy of a template is filled with.
type stamps struct {
	opaque int32
	now    time.Time
	due    time.Time
	run    uint64 // random for the run, first half of the unique keys
	serial uint64 // of the message in the run
	keys   uint64 // how many different keys there are, 0 for none
	tags   uint64 // how many different tags, 0 for none
}

// message is where the placeholders of one message lie in the frame; -1 where it has
// none.
type message struct {
	uniq, key, tag, body int
}

// template is an encoded send request. It is immutable and shared by connections,
// and its body by all templates of a load. Positions count from the head's start
// through the body.
type template struct {
	topic    string
	head     []byte
	body     []byte
	binary   bool
	opaque   int
	born     int
	messages []message
}

// newBody is what the sends of a load carry: one message, or the entries of a batch.
func (o *produceOptions) newBody() ([]byte, error) {
	if o.Batch <= 1 {
		return newText(o.Size), nil
	}
	var body []byte
	for range o.Batch {
		var err error
		entry := codec.BatchEntry{Body: newText(o.Size), Properties: o.properties()}
		if body, err = codec.AppendBatchEntry(body, &entry); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// newTemplate encodes the send of a body to one queue.
func newTemplate(o *produceOptions, topic string, queue int32, body []byte) (*template, error) {
	head := &protocol.SendMessageRequestHeaderV2{
		ProducerGroup: o.Group, Topic: topic, DefaultTopic: protocol.TopicAutoCreate, DefaultTopicQueueNums: 4, QueueID: queue,
		BornTimestamp: mustInt(holdBorn), Batch: protocol.Some(o.Batch > 1),
	}
	c := &codec.Command{
		Code: int32(protocol.SendMessageV2), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: firstOpaque,
		Serialize: codec.SerializeJSON, Header: head,
	}
	if o.BinaryHeader {
		c.Serialize = codec.SerializeRocketMQ
	}
	if o.OneWay {
		c.Flag |= protocol.FlagOneway
	}
	if o.Batch > 1 {
		c.Code = int32(protocol.SendBatchMessage)
	} else {
		head.Properties = o.properties()
	}
	if o.Transaction != "" {
		head.SysFlag = protocol.SysFlagTransactionPrepared
	}
	t := &template{topic: topic, head: codec.AppendCommandHead(nil, c, len(body)), body: body, binary: o.BinaryHeader}
	return t, t.scan(o)
}

// scan finds the placeholders.
func (t *template) scan(o *produceOptions) error {
	frame := slices.Concat(t.head, t.body)
	t.opaque = 13 // length word, header word, code, language, version
	if !t.binary {
		t.opaque = position(frame, 0, `"opaque":`) + len(`"opaque":`)
	}
	t.born = position(frame, 0, holdBorn)
	lacking := t.born < 0 || t.opaque < len(`"opaque":`)
	at := 0 // a message's placeholders follow those of the one before
	for range max(o.Batch, 1) {
		m := message{position(frame, at, holdUniq), -1, -1, -1}
		if o.Keys > 0 {
			m.key = position(frame, at, holdKey)
			lacking = lacking || m.key < 0
		}
		if o.Tags > 0 {
			m.tag = position(frame, at, holdTag)
			lacking = lacking || m.tag < 0
		}
		if o.Size >= bodyStamped {
			m.body = position(frame, max(at, len(t.head)), bodyMark)
			lacking = lacking || m.body < 0
		}
		lacking = lacking || m.uniq < 0
		at = max(m.uniq, m.key, m.tag, m.body) + 1
		t.messages = append(t.messages, m)
	}
	if lacking {
		return fmt.Errorf("the encoded send request lacks a placeholder: %q", frame)
	}
	return nil
}

func position(frame []byte, from int, text string) int {
	i := bytes.Index(frame[from:], []byte(text))
	if i < 0 {
		return -1
	}
	return from + i
}

func mustInt(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("bench: the placeholder " + s + " is no number")
	}
	return n
}

// newText is size bytes of text that starts with the mark where it fits.
func newText(size int) []byte {
	b := bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz012345"), size/32+1)[:size]
	if size >= bodyStamped {
		copy(b, bodyMark)
	}
	return b
}

// properties are those of one message, placeholders included.
func (o *produceOptions) properties() string {
	var b []byte
	add := func(name, value string) { b = codec.AppendProperty(b, name, value) }
	add(protocol.PropertyUniqueKey, holdUniq)
	if o.Keys > 0 {
		add(protocol.PropertyKeys, holdKey)
	}
	if o.Tags > 0 {
		add(protocol.PropertyTags, holdTag)
	}
	if o.Delay > 0 {
		add(protocol.PropertyDelayLevel, strconv.Itoa(o.Delay))
	}
	if o.Transaction != "" {
		add(protocol.PropertyTransactionPrepared, "true")
		add(protocol.PropertyProducerGroup, o.Group)
	}
	for i := range o.Properties {
		add(fmt.Sprintf("property%d", i), "value of an ordinary length")
	}
	return string(b)
}

// append copies the frame and fills it.
func (t *template) append(dst []byte, s *stamps) []byte {
	start := len(dst)
	dst = append(append(dst, t.head...), t.body...)
	f := dst[start:]
	if t.binary {
		binary.BigEndian.PutUint32(f[t.opaque:], uint32(s.opaque))
	} else {
		putDecimal(f[t.opaque:t.opaque+10], uint64(s.opaque))
	}
	putDecimal(f[t.born:t.born+len(holdBorn)], uint64(s.now.UnixMilli()))
	for i := range t.messages {
		m := &t.messages[i]
		serial := s.serial + uint64(i)
		putHex(f[m.uniq:m.uniq+16], s.run)
		putHex(f[m.uniq+16:m.uniq+32], serial)
		if m.key >= 0 {
			putDecimal(f[m.key+1:m.key+len(holdKey)], serial%s.keys)
		}
		if m.tag >= 0 {
			putDecimal(f[m.tag+3:m.tag+len(holdTag)], serial%s.tags)
		}
		if m.body >= 0 {
			binary.BigEndian.PutUint64(f[m.body+len(bodyMark):], uint64(s.due.UnixNano()))
		}
	}
	return dst
}

// putDecimal fills dst with n, zeros in front.
func putDecimal(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// putHex fills dst with n in capital hexadecimal digits, zeros in front.
func putHex(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = "0123456789ABCDEF"[n&15]
		n >>= 4
	}
}

// stampedAt reads the time that a body was stamped with.
func stampedAt(body []byte) (time.Time, bool) {
	if len(body) < bodyStamped || string(body[:len(bodyMark)]) != bodyMark {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(body[len(bodyMark):]))), true
}
