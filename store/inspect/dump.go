package inspect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Filter chooses messages; what is zero chooses all.
type Filter struct {
	Topic    string
	Queue    int32  // -1 is every queue
	Key      string // a key, the unique key, or the message id
	Tag      string
	From, To int64 // store time in ms; To is excluded, 0 is no end
	Begin    int64 // physical offset to begin at; any position will do
	Limit    int64 // most messages; 0 is all
	Body     bool  // with the messages' bodies
}

// Record is a message as Dump writes it.
type Record struct {
	Offset         int64             `json:"offset"` // physical
	Size           int32             `json:"size"`
	MessageID      string            `json:"messageId"`
	Topic          string            `json:"topic"`
	QueueID        int32             `json:"queueId"`
	QueueOffset    int64             `json:"queueOffset"`
	StoreTime      string            `json:"storeTime"`
	BornTime       string            `json:"bornTime"`
	BornHost       string            `json:"bornHost"`
	StoreHost      string            `json:"storeHost"`
	SysFlag        int32             `json:"sysFlag"`
	Flag           int32             `json:"flag"`
	ReconsumeTimes int32             `json:"reconsumeTimes"`
	Prepared       int64             `json:"preparedTransactionOffset,omitempty"`
	BodySize       int               `json:"bodySize"`
	Body           *string           `json:"body,omitempty"`       // when it is text
	BodyBase64     *string           `json:"bodyBase64,omitempty"` // when it is not
	Properties     map[string]string `json:"properties"`
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Dump writes the messages that the filter chooses as lines of JSON, in the log's order, and returns how many. Spans of the
// log that hold no record are told to hole, with the reason.
func (d *Dir) Dump(ctx context.Context, f Filter, out io.Writer, hole func(from, to int64, cause error)) (n int64, err error) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	from, err := d.startOf(f)
	if err != nil {
		return 0, err
	}
	err = d.walk(ctx, "dump", from, func(m *codec.Message) error {
		if f.To > 0 && m.StoreTimestamp >= f.To {
			return errEnough // store times do not go back
		}
		if !f.takes(m) {
			return nil
		}
		if err := enc.Encode(recordOf(m, f.Body)); err != nil {
			return err
		}
		if n++; f.Limit > 0 && n >= f.Limit {
			return errEnough
		}
		return nil
	}, func(s span) error {
		if !s.last || !s.blank {
			hole(s.from, s.to, s.cause)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}

// startOf is the first record's place that the filter can choose: whole files are passed over by the time of the next one's
// first message.
func (d *Dir) startOf(f Filter) (int64, error) {
	w := d.walker()
	defer w.close()
	start, _ := d.logRange()
	var m codec.Message
	for i, g := range d.segments[:max(0, len(d.segments)-1)] {
		next := d.segments[i+1]
		size, err := w.record(i+1, next.Base, &m)
		if err != nil && !isFormat(err) {
			return 0, err
		}
		known := err == nil && size > 0
		if g.End() <= f.Begin || known && f.From > 0 && m.StoreTimestamp < f.From {
			start = next.Base
			continue
		}
		break
	}
	return start, nil
}

func (f *Filter) takes(m *codec.Message) bool {
	if f.Topic != "" && m.Topic != f.Topic || f.Queue >= 0 && m.QueueID != f.Queue ||
		m.StoreTimestamp < f.From || m.PhysicalOffset < f.Begin {
		return false
	}
	if f.Tag != "" {
		if tags, _ := codec.Property(m.Properties, protocol.PropertyTags); tags != f.Tag {
			return false
		}
	}
	return f.Key == "" || hasKey(m, f.Key)
}

// hasKey looks for a key among keys, unique key and message id.
func hasKey(m *codec.Message, key string) bool {
	if unique, ok := codec.Property(m.Properties, protocol.PropertyUniqueKey); ok && unique == key {
		return true
	}
	keys, _ := codec.Property(m.Properties, protocol.PropertyKeys)
	return slices.Contains(strings.Split(keys, protocol.KeySeparator), key) || codec.MessageID(m.StoreHost, m.PhysicalOffset) == key
}

// recordOf is a message in the form of the dump.
func recordOf(m *codec.Message, withBody bool) *Record {
	r := &Record{
		Offset: m.PhysicalOffset, Size: m.StoreSize, MessageID: codec.MessageID(m.StoreHost, m.PhysicalOffset),
		Topic: strings.Clone(m.Topic), QueueID: m.QueueID, QueueOffset: m.QueueOffset,
		StoreTime: formatTime(m.StoreTimestamp), BornTime: formatTime(m.BornTimestamp),
		BornHost: m.BornHost.String(), StoreHost: m.StoreHost.String(),
		SysFlag: m.SysFlag, Flag: m.Flag, ReconsumeTimes: m.ReconsumeTimes, Prepared: m.PreparedTransactionOffset,
		BodySize: len(m.Body), Properties: map[string]string{},
	}
	for name, value := range codec.Properties(m.Properties) {
		r.Properties[strings.Clone(name)] = strings.Clone(value)
	}
	if withBody {
		text := string(m.Body)
		if utf8.ValidString(text) {
			r.Body = &text
		} else {
			coded := base64.StdEncoding.EncodeToString(m.Body)
			r.BodyBase64 = &coded
		}
	}
	return r
}
