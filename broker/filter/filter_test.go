package filter

import (
	"slices"
	"testing"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func TestSubscribe(t *testing.T) {
	cases := []struct {
		expression string
		tags       []string
		sub        string
	}{
		{"", nil, "*"},
		{"*", nil, "*"},
		{"TagA", []string{"TagA"}, "TagA"},
		{"TagA || TagB||TagA", []string{"TagA", "TagB"}, "TagA || TagB||TagA"},
		{" || TagA || ", []string{"TagA"}, " || TagA || "},
		{"a|b", []string{"a|b"}, "a|b"},
	}
	for _, c := range cases {
		s, err := Subscribe("T", c.expression, protocol.ExpressionTag)
		if err != nil {
			t.Fatalf("%q: %v", c.expression, err)
		}
		if !slices.Equal(s.TagsSet, c.tags) || s.SubString != c.sub || len(s.CodeSet) != len(c.tags) {
			t.Errorf("%q: %+v", c.expression, s)
		}
	}
	if _, err := Subscribe("T", "||", protocol.ExpressionTag); err == nil {
		t.Error("an expression of bars alone passes")
	}
	if _, err := Subscribe("T", "", protocol.ExpressionSQL92); err == nil {
		t.Error("an empty SQL expression passes")
	}
}

// An empty type is one of tags whose expressions have none.
func TestEmptyType(t *testing.T) {
	for expression, all := range map[string]bool{"*": true, "TagA": false, "||": false} {
		s, err := Subscribe("T", expression, "")
		if err != nil || !s.IsTag() || s.TagsSet != nil {
			t.Fatalf("%q: %+v, %v", expression, s, err)
		}
		if f := ForTags(s); f.All() != all || f.MatchUnit(int64(compat.HashCode("TagA"))) != all || TakesAll(expression, "") != all {
			t.Errorf("%q takes everything: %v, want %v", expression, f.All(), all)
		}
	}
	if _, err := Subscribe("T", "", ""); err == nil || TakesAll("", "") {
		t.Error("no expression of no type passes")
	}
}

func TestTags(t *testing.T) {
	s, err := Subscribe("T", "TagA || TagB", "TAG")
	if err != nil {
		t.Fatal(err)
	}
	f := ForTags(s)
	for tag, want := range map[string]bool{"TagA": true, "TagB": true, "TagC": false} {
		if got := f.MatchUnit(int64(compat.HashCode(tag))); got != want {
			t.Errorf("%s: %v", tag, got)
		}
	}
	if f.MatchUnit(0) {
		t.Error("a message without a tag passes a tag filter")
	}
	all, _ := Subscribe("T", "*", "TAG")
	if every := ForTags(all); !every.MatchUnit(0) || !every.All() {
		t.Error("* does not let everything through")
	}
	// "Aa" and "BB" have one hash code: the client tells them apart.
	collide, _ := Subscribe("T", "Aa", "TAG")
	if f := ForTags(collide); !f.MatchUnit(int64(compat.HashCode("BB"))) {
		t.Error("tags of one hash code are told apart by the broker")
	}
}
