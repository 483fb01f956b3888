package pop

import "github.com/gantrymq/gantry/compat"

// Record is one record on its way to the revive topic.
type Record struct {
	Queue     int32
	Due       int64 // ms since 1970: when it reaches the topic; at once when that is over
	Tag       string
	UniqueKey string
	Body      []byte
}

// Log appends records so that they reach the revive topic when they are due. It
// returns when the record is as safe as the log makes messages.
type Log interface {
	Append(Record) error
}

// earlier is how long (ms) before the end of the invisible time a check point
// reaches the revive topic, so that it is there before its acknowledgements are.
const earlier = 1000

func (c *CheckPoint) record(reviveQueue int32) Record {
	stored := *c
	stored.Due = stored.ReviveTime()
	return Record{
		Queue: reviveQueue, Due: stored.Due - earlier, Tag: tagCheckPoint, UniqueKey: stored.uniqueKey(),
		Body: mustJSON(&stored),
	}
}

func (a *Ack) record(reviveQueue int32, due int64) Record {
	r := Record{Queue: reviveQueue, Due: due, Tag: tagAck, UniqueKey: a.uniqueKey(), Body: mustJSON(a)}
	if a.Offsets != nil {
		r.Tag = tagBatchAck
	}
	return r
}

// mustJSON encodes records, whose fields are numbers and text.
func mustJSON(v any) []byte {
	b, err := compat.AppendFastjson(nil, v, 0)
	if err != nil {
		panic("pop: a record cannot be encoded: " + err.Error())
	}
	return b
}
