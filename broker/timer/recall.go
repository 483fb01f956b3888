package timer

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// ErrHandle is the answer to a text that is no handle; upstream's wording.
var ErrHandle = errors.New("recall handle is invalid")

// Handle names a message that waits, for RECALL_MESSAGE: what the answer to its send
// said (upstream's RecallMessageHandle).
type Handle struct {
	Topic, Broker string
	Time          int64 // ms, one more than the time of the slot; -1 when it is no number
	ID            string
}

// HandleOf is the handle of a message that Divert turned away; empty for one that is
// not given one: retries.
func HandleOf(m *codec.Message, broker string) string {
	out, err := outTime(m)
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	if err != nil || topic == "" || strings.HasPrefix(topic, protocol.PrefixRetry) {
		return ""
	}
	id, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey)
	text := strings.Join([]string{"v1", topic, broker, strconv.FormatInt(out+1, 10), id}, " ")
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// ParseHandle reads a handle. Java's decoder, which upstream uses, does without the
// filling at the end.
func ParseHandle(text string) (Handle, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if text == "" || err != nil {
		return Handle{}, ErrHandle
	}
	items := strings.Split(string(raw), " ")
	for len(items) > 0 && items[len(items)-1] == "" {
		items = items[:len(items)-1] // as Java's split
	}
	if len(items) < 5 || items[0] != "v1" {
		return Handle{}, ErrHandle
	}
	h := Handle{Topic: items[1], Broker: items[2], ID: items[4]}
	if h.Time, err = strconv.ParseInt(items[3], 10, 64); err != nil {
		h.Time = -1
	}
	return h, nil
}

// recallTag and recallBody are what upstream's RecallMessageProcessor gives the
// message that deletes.
const recallTag = "_RECALL_TAG_"

var recallBody = []byte("0")

// Recall makes the message that deletes the one of a handle. The caller adds the
// hosts, diverts and appends it.
func (s *Service) Recall(h Handle, producerGroup string) codec.Message {
	now := s.opts.Now()
	var props []byte
	for _, p := range [...][2]string{
		{protocol.PropertyTags, recallTag},
		{protocol.PropertyTimerDeleteUniqueKey, deleteKey(h.Topic, h.ID, s.opts.Settings().DeleteKeyWithTopic)},
		{protocol.PropertyUniqueKey, h.ID},
		{protocol.PropertyTimerDeliverMs, strconv.FormatInt(h.Time, 10)},
		{protocol.PropertyBornTimestamp, strconv.FormatInt(now, 10)},
		{protocol.PropertyTraceContext, ""},
		{protocol.PropertyProducerGroup, producerGroup},
	} {
		props = codec.AppendProperty(props, p[0], p[1])
	}
	return codec.Message{Topic: h.Topic, Body: recallBody, BornTimestamp: now, Properties: string(props)}
}
