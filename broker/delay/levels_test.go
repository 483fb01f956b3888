package delay

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func TestParseLevels(t *testing.T) {
	tests := []struct {
		setting string
		want    Levels // nil: refused
	}{
		{"1s 5m 2h 1d", Levels{1000, 300_000, 7_200_000, 86_400_000}},
		{"0s", Levels{0}},
		{"", nil},
		{"1s  5s", nil},
		{"1s ", nil},
		{"1x", nil},
		{"s", nil},
		{"-1s", nil},
		{"1.5s", nil},
		{"99999999999999999999s", nil},
		{"9223372036854775807d", nil},
	}
	for _, tt := range tests {
		got, err := ParseLevels(tt.setting)
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("ParseLevels(%q) = %v, %v", tt.setting, got, err)
		}
	}
	levels, err := ParseLevels(DefaultLevels)
	if err != nil || levels.Max() != 18 {
		t.Fatalf("the default has %d levels, %v", levels.Max(), err)
	}
	for level, want := range map[int]int64{1: 1000, 3: 10_000, 18: 7_200_000, 0: 1000, 19: 1000} {
		if got := levels.DeliverAt(level, 5) - 5; got != want {
			t.Errorf("level %d is delayed by %d, want %d", level, got, want)
		}
	}
}

func TestLevelOf(t *testing.T) {
	tests := []struct {
		properties string
		want       int
		wantErr    bool
	}{
		{"", 0, false},
		{"DELAY\x013\x02", 3, false},
		{"A\x01b\x02DELAY\x01-1\x02", -1, false},
		{"DELAY\x01x\x02", 0, true},
		{"DELAY\x0199999999999\x02", 0, true},
	}
	for _, tt := range tests {
		if got, err := LevelOf(tt.properties); got != tt.want || (err != nil) != tt.wantErr {
			t.Errorf("LevelOf(%q) = %d, %v", tt.properties, got, err)
		}
	}
}

func TestDeferAndRestore(t *testing.T) {
	levels := Levels{1000, 5000}
	m := codec.Message{Topic: "Orders", QueueID: 3, Properties: "DELAY\x015\x02KEYS\x01k\x02REAL_TOPIC\x01old\x02", PreparedTransactionOffset: 9}
	levels.Defer(&m, 5)
	if level, _ := LevelOf(m.Properties); m.Topic != protocol.TopicSchedule || m.QueueID != 1 || level != 2 {
		t.Errorf("waits in %s %d, with level %d", m.Topic, m.QueueID, level)
	}
	m.QueueOffset, m.PhysicalOffset = 4, 5
	waiting := m.Properties
	if err := Restore(&m); err != nil {
		t.Fatal(err)
	}
	if m.Topic != "Orders" || m.QueueID != 3 || m.QueueOffset != 0 || m.PhysicalOffset != 0 || m.PreparedTransactionOffset != 0 {
		t.Errorf("restored %+v", m)
	}
	if m.Properties != waiting || strings.Count(waiting, "REAL_TOPIC") != 1 || strings.Count(waiting, "DELAY") != 1 || !strings.Contains(waiting, "KEYS\x01k\x02") {
		t.Errorf("properties %q", m.Properties)
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, properties := range []string{
		"", "REAL_TOPIC\x01T\x02", "REAL_TOPIC\x01T\x02REAL_QID\x01x\x02", "REAL_QID\x011\x02",
		"REAL_TOPIC\x01" + protocol.TopicTransHalf + "\x02REAL_QID\x010\x02",
	} {
		m := codec.Message{Topic: protocol.TopicSchedule, Properties: properties}
		if err := Restore(&m); !errors.Is(err, ErrSkip) || m.Topic != protocol.TopicSchedule {
			t.Errorf("Restore with %q = %v, topic %s", properties, err, m.Topic)
		}
	}
}
