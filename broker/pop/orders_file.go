package pop

import (
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// The file is upstream's: by topic@group and queue, with the first offset as it
// is and the others as distances from it.

type ordersText struct {
	Table map[string]map[int32]*batchText `json:"table"`
}

type batchText struct {
	Attempt   string          `json:"a,omitempty"`
	Acked     int64           `json:"cm"`
	Invisible int64           `json:"i"`
	Consumed  int64           `json:"l"`
	Offsets   []int64         `json:"o"`
	Times     map[int64]int32 `json:"oc,omitempty"`
	VisibleAt map[int64]int64 `json:"ot,omitempty"`
	PopTime   int64           `json:"popTime"`
}

func (s *Orders) encode() ([]byte, error) {
	text := ordersText{Table: map[string]map[int32]*batchText{}}
	s.mu.Lock()
	for k, b := range s.table {
		t := &batchText{
			Attempt: b.attempt, Acked: int64(b.acked), Invisible: b.invisible, Consumed: b.consumed, PopTime: b.popTime,
			Offsets: make([]int64, len(b.offsets)), Times: map[int64]int32{}, VisibleAt: map[int64]int64{},
		}
		for i, off := range b.offsets {
			if t.Offsets[i] = off; i > 0 {
				t.Offsets[i] -= b.offsets[0]
			}
		}
		for off, n := range b.times {
			t.Times[off] = n
		}
		for off, at := range b.visibleAt {
			t.VisibleAt[off] = at
		}
		at := k.topic + "@" + k.group
		if text.Table[at] == nil {
			text.Table[at] = map[int32]*batchText{}
		}
		text.Table[at][k.queue] = t
	}
	s.mu.Unlock()
	return compat.AppendFastjson(nil, text, compat.Pretty)
}

func (s *Orders) decode(raw []byte) error {
	var text ordersText
	if err := compat.UnmarshalFastjson(raw, &text); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, queues := range text.Table {
		topic, group, ok := strings.Cut(at, "@")
		if !ok {
			continue
		}
		for queue, t := range queues {
			if t == nil || len(t.Offsets) > firstBitmap {
				continue
			}
			b := &batch{
				attempt: t.Attempt, acked: uint64(t.Acked), invisible: t.Invisible, consumed: t.Consumed, popTime: t.PopTime,
				offsets: t.Offsets, times: t.Times, visibleAt: t.VisibleAt,
			}
			for i := 1; i < len(b.offsets); i++ {
				b.offsets[i] += b.offsets[0]
			}
			k := queueKey{topic, group, queue}
			s.table[k] = b
			s.note(k, b)
		}
	}
	s.changed = false
	return nil
}
