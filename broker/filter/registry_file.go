package filter

import (
	"encoding/json"

	"github.com/gantrymq/gantry/compat"
)

// The file is upstream's, with the properties of its classes.

type fileText struct {
	FilterDataByTopic map[string]*topicText `json:"filterDataByTopic"`
}

type topicText struct {
	GroupFilterData map[string]*entryText `json:"groupFilterData"`
	Topic           string                `json:"topic"`
}

type entryText struct {
	BloomFilterData *bloomText `json:"bloomFilterData,omitempty"`
	BornTime        int64      `json:"bornTime"`
	ClientVersion   int64      `json:"clientVersion"`
	ConsumerGroup   string     `json:"consumerGroup"`
	Dead            bool       `json:"dead"`
	DeadTime        int64      `json:"deadTime"`
	Expression      string     `json:"expression"`
	ExpressionType  string     `json:"expressionType"`
	Topic           string     `json:"topic"`
}

type bloomText struct {
	BitNum int32        `json:"bitNum"`
	BitPos bitPositions `json:"bitPos"`
}

// bitPositions are on one line where everything else has lines of its own: to upstream they
// are an array and no list.
type bitPositions []int32

// MarshalJSON writes the numbers with nothing between them but commas.
func (b bitPositions) MarshalJSON() ([]byte, error) { return json.Marshal([]int32(b)) }

// restTime is how long before a start a group that was alive counts as gone.
const restTime = 30_000

func (r *Registry) encode() ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	text := fileText{FilterDataByTopic: map[string]*topicText{}}
	for topic, groups := range r.topics {
		t := &topicText{Topic: topic, GroupFilterData: map[string]*entryText{}}
		for group, e := range groups {
			t.GroupFilterData[group] = e.text()
		}
		text.FilterDataByTopic[topic] = t
	}
	return compat.AppendFastjson(nil, text, compat.Pretty)
}

func (e *Entry) text() *entryText {
	return &entryText{
		BloomFilterData: &bloomText{e.bitMapBits, e.positions}, BornTime: e.Born, ClientVersion: e.ClientVersion, ConsumerGroup: e.Group,
		Dead: e.dead(), DeadTime: e.Dead, Expression: e.Expression, ExpressionType: e.ExpressionType, Topic: e.Topic,
	}
}

// Show is the entry as the file and administrators see it; "null" for nil.
func (e *Entry) Show() (string, error) {
	if e == nil {
		return "null", nil
	}
	b, err := compat.AppendFastjson(nil, e.text(), compat.Pretty)
	return string(b), err
}

// decode reads the file. Like upstream it takes nothing of it when the bit maps
// are of another size now: what was noted in them has lost its meaning.
func (r *Registry) decode(b []byte) error {
	var text fileText
	if err := compat.UnmarshalFastjson(b, &text); err != nil {
		return err
	}
	topics := map[string]map[string]*Entry{}
	for topic, t := range text.FilterDataByTopic {
		if t == nil {
			continue
		}
		groups := map[string]*Entry{}
		for group, e := range t.GroupFilterData {
			if e == nil {
				continue
			}
			if e.BloomFilterData == nil || !r.bloom.fits(e.BloomFilterData.BitNum, e.BloomFilterData.BitPos) {
				return nil
			}
			entry := &Entry{
				Group: group, Topic: topic, Expression: e.Expression, ExpressionType: e.ExpressionType, ClientVersion: e.ClientVersion,
				Born: e.BornTime, Dead: e.DeadTime, bitMapBits: e.BloomFilterData.BitNum, positions: e.BloomFilterData.BitPos,
			}
			entry.compiled, _ = Compile(e.ExpressionType, e.Expression) // what does not compile lets everything pass
			if entry.Dead == 0 {
				entry.Dead = max(r.opts.Now()-restTime, entry.Born)
			}
			groups[group] = entry
		}
		topics[topic] = groups
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topics = topics
	return nil
}
