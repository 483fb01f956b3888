package pop

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// Tags of the records in the revive topic.
const (
	tagCheckPoint = "ck"
	tagAck        = "ack"
	tagBatchAck   = "bAck"
)

// maxPop is the most messages that one check point describes: the bits of an int.
const maxPop = 32

// CheckPoint notes what a pop took from one queue.
type CheckPoint struct {
	Bits    int32   `json:"bm"` // of messages acknowledged; 0 in the log, used while the Reviver matches
	Broker  string  `json:"bn,omitempty"`
	Group   string  `json:"c"`
	Diffs   []int32 `json:"d,omitempty"` // queue offsets of the messages, from Start on; none in old records: one after the other
	Inv     int64   `json:"it"`          // invisible ms
	Count   int8    `json:"n"`
	PopTime int64   `json:"pt"`
	Queue   int32   `json:"q"`
	Due     int64   `json:"reviveTime"` // derived; written because upstream writes it
	Offset  int64   `json:"ro"`         // of the record in the revive topic; set by the Reviver
	Reput   string  `json:"rp,omitempty"`
	Start   int64   `json:"so"`
	Suspend bool    `json:"sp"` // the attempt does not count
	Topic   string  `json:"t"`

	same *CheckPoint // the Reviver's: another one with the same key
}

// ReviveTime is when the messages come again.
func (c *CheckPoint) ReviveTime() int64 { return c.PopTime + c.Inv }

// uniqueKey is the UNIQ_KEY of the record.
func (c *CheckPoint) uniqueKey() string {
	return fmt.Sprintf("%s@%d@%d@%s@%d@%s@%s", c.Topic, c.Queue, c.Start, c.Group, c.PopTime, c.Broker, tagCheckPoint)
}

// offsetAt is the queue offset of the i-th message.
func (c *CheckPoint) offsetAt(i int) int64 {
	if len(c.Diffs) == 0 {
		return c.Start + int64(i)
	}
	return c.Start + int64(c.Diffs[i])
}

// indexOf is which of the messages has a queue offset, -1 when none has.
func (c *CheckPoint) indexOf(offset int64) int {
	diff := offset - c.Start
	switch {
	case diff < 0:
		return -1
	case len(c.Diffs) > 0:
		return slices.Index(c.Diffs, int32(diff))
	case diff < int64(c.Count):
		return int(diff)
	}
	return -1
}

// messages is how many the check point describes, whatever its fields claim.
func (c *CheckPoint) messages() int {
	n := min(max(int(c.Count), 0), maxPop)
	if len(c.Diffs) > 0 {
		n = min(n, len(c.Diffs))
	}
	return n
}

// reputs is how often the record was put again because it could not be handled.
func (c *CheckPoint) reputs() int {
	if c.Reput == "" {
		return 0
	}
	n, err := strconv.Atoi(c.Reput)
	if err != nil || n < 0 {
		return 127
	}
	return n
}

// Ack acknowledges messages of a check point.
type Ack struct {
	Offset  int64   `json:"ao"`            // of the message; -1 in a batch
	Offsets []int64 `json:"aol,omitempty"` // of the messages in a batch
	Broker  string  `json:"bn,omitempty"`
	Group   string  `json:"c"`
	PopTime int64   `json:"pt"`
	Queue   int32   `json:"q"`
	Start   int64   `json:"so"`
	Topic   string  `json:"t"`
}

// uniqueKey is the UNIQ_KEY of the record. That of a batch is formed as that of a
// single acknowledgement, as upstream's turns out.
func (a *Ack) uniqueKey() string {
	return fmt.Sprintf("%s@%d@%d@%s@%d@%s@%s", a.Topic, a.Queue, a.Offset, a.Group, a.PopTime, a.Broker, tagAck)
}

// longAck is an acknowledgement with the long names that readers accept too.
type longAck struct {
	Ack
	AckOffset     *int64  `json:"ackOffset"`
	AckOffsetList []int64 `json:"ackOffsetList"`
	BrokerName    string  `json:"brokerName"`
	ConsumerGroup string  `json:"consumerGroup"`
	LongPopTime   *int64  `json:"popTime"`
	QueueID       *int32  `json:"queueId"`
	StartOffset   *int64  `json:"startOffset"`
	LongTopic     string  `json:"topic"`
}

func parseAck(body []byte) (Ack, error) {
	var l longAck
	if err := compat.UnmarshalFastjson(body, &l); err != nil {
		return Ack{}, err
	}
	a := l.Ack
	set(&a.Offset, l.AckOffset)
	set(&a.PopTime, l.LongPopTime)
	set(&a.Start, l.StartOffset)
	set(&a.Queue, l.QueueID)
	if l.AckOffsetList != nil {
		a.Offsets = l.AckOffsetList
	}
	for _, s := range []struct {
		field *string
		long  string
	}{{&a.Broker, l.BrokerName}, {&a.Group, l.ConsumerGroup}, {&a.Topic, l.LongTopic}} {
		if s.long != "" {
			*s.field = s.long
		}
	}
	return a, nil
}

func set[T any](field *T, long *T) {
	if long != nil {
		*field = *long
	}
}

// matchKey joins what a check point and its acknowledgements have in common.
type matchKey struct {
	topic, group, broker string
	queue                int32
	start, popTime       int64
}

func (c *CheckPoint) key() matchKey {
	return matchKey{c.Topic, c.Group, c.Broker, c.Queue, c.Start, c.PopTime}
}

// key of an acknowledgement; one without a broker is of this broker.
func (a *Ack) key(broker string) matchKey {
	if strings.TrimSpace(a.Broker) != "" {
		broker = a.Broker
	}
	return matchKey{a.Topic, a.Group, broker, a.Queue, a.Start, a.PopTime}
}
