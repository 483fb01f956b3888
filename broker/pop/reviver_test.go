package pop

import (
	"errors"
	"strings"
	"testing"
)

// stuck revives nothing, and gives up where it is to.
type stuck struct {
	*world
	givesUp  bool
	appended []Record
}

func (*stuck) Revive(*CheckPoint, int64, bool) error { return errors.New("there is no such broker") }

func (s *stuck) GivesUp(*CheckPoint, int64) bool { return s.givesUp }

func (s *stuck) Append(r Record) error {
	s.appended = append(s.appended, r)
	return nil
}

// TestGivesUp: a message that cannot be revived is tried again, for ever or until all times
// of waiting have been used once.
func TestGivesUp(t *testing.T) {
	for givesUp, want := range map[bool][]string{false: {`"rp":"17"`, `"rp":"18"`}, true: {`"rp":"17"`}} {
		s := &stuck{world: newWorld(t, 1), givesUp: givesUp}
		body := func(start, reputs string) []byte {
			return []byte(`{"t":"T","c":"G","n":1,"d":[0],"so":` + start + `,"rp":"` + reputs + `"}`)
		}
		s.world.revive[0] = []Arrived{
			{Offset: 0, Tag: "ck", Due: 1, Body: body("1", "16")}, {Offset: 1, Tag: "ck", Due: 1, Body: body("2", "17")},
			{Offset: 2, Tag: "ack", Due: s.world.now},
		}
		if _, err := NewReviver(0, testBroker, s, func() int64 { return s.world.now }).Round(); err != nil {
			t.Fatal(err)
		}
		if len(s.appended) != len(want) {
			t.Fatalf("given up %v: %d check points, want %d", givesUp, len(s.appended), len(want))
		}
		for i, part := range want {
			if !strings.Contains(string(s.appended[i].Body), part) {
				t.Errorf("given up %v: check point %d is %s, without %s", givesUp, i, s.appended[i].Body, part)
			}
		}
	}
}
