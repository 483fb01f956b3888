package admin

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

func TestAttributes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":             {},
		"+a=1,-b":      {"+a": "1", "-b": ""},
		"+a=1, +c=x=y": {"+a": "1", "+c": "x=y"},
		"a=1":          nil, "+a": nil, "-a=1": nil, "+a=1,+a=2": nil, "+=1": nil, ",": nil,
	} {
		got, err := ParseAttributes(text)
		if (err == nil) != (want != nil) || err == nil && !maps.Equal(got, want) {
			t.Errorf("%q was read as %v, %v", text, got, err)
		}
		if err != nil {
			continue
		}
		if again, err := ParseAttributes(FormatAttributes(got)); err != nil || !maps.Equal(again, got) {
			t.Errorf("%q does not survive being written: %v, %v", text, again, err)
		}
	}
}

func consumer(now time.Time, subscription string, age, idle time.Duration) *RunningInfo {
	return &RunningInfo{
		Properties: map[string]string{
			"PROP_CONSUME_TYPE": "CONSUME_PASSIVELY", "PROP_CONSUMEORDERLY": "false",
			"PROP_CONSUMER_START_TIMESTAMP": fmt.Sprint(now.Add(-age).UnixMilli()),
		},
		SubscriptionSet: []protocol.SubscriptionData{{Topic: "T", SubString: subscription}},
		MQTable:         map[protocol.MessageQueue]QueueState{{Topic: "T"}: {CachedMsgCount: 1, LastConsumeTimestamp: now.Add(-idle).UnixMilli()}},
	}
}

func TestSameSubscriptions(t *testing.T) {
	t.Parallel()
	now := time.Now()
	old, young := 5*time.Minute, time.Minute
	for name, c := range map[string]struct {
		a, b *RunningInfo
		want bool
	}{
		"same":              {consumer(now, "x", old, 0), consumer(now, "x", old, 0), true},
		"different":         {consumer(now, "x", old, 0), consumer(now, "y", old, 0), false},
		"just started":      {consumer(now, "x", young, 0), consumer(now, "y", young, 0), true},
		"second is younger": {consumer(now, "x", old, 0), consumer(now, "y", young, 0), false},
	} {
		if got := SameSubscriptions(map[string]*RunningInfo{"a": c.a, "b": c.b}, now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !SameSubscriptions(nil, now) {
		t.Error("no consumers differ")
	}
}

func TestStalls(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if got := consumer(now, "x", 0, 30*time.Second).Stalls(now); got != nil {
		t.Errorf("half a minute is a stall: %v", got)
	}
	if got := consumer(now, "x", 0, 2*time.Minute).Stalls(now); len(got) != 1 || !strings.Contains(got[0], "120000ms") {
		t.Errorf("two minutes gave %v", got)
	}
	orderly := consumer(now, "x", 0, 0)
	orderly.Properties["PROP_CONSUMEORDERLY"] = "true"
	if got := orderly.Stalls(now); len(got) != 1 || !strings.Contains(got[0], "can't lock") {
		t.Errorf("a queue that is not locked gave %v", got)
	}
	pulling := consumer(now, "x", 0, time.Hour)
	pulling.Properties["PROP_CONSUME_TYPE"] = "CONSUME_ACTIVELY"
	if got := pulling.Stalls(now); got != nil {
		t.Errorf("who pulls by himself stalls: %v", got)
	}
}

func TestUniqueID(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 1, 0, time.Local)
	a, b := uniqueID(now), uniqueID(now)
	if len(a) != 32 || a == b || strings.ToUpper(a) != a {
		t.Errorf("ids are %s and %s", a, b)
	}
	if ms := a[20:28]; ms != "000003E8" {
		t.Errorf("a second after the month began is %s in %s", ms, a)
	}
}

func TestParseNameServers(t *testing.T) {
	t.Parallel()
	if got := ParseNameServers(" a:1; b:2,c:3 "); fmt.Sprint(got) != "[a:1 b:2 c:3]" {
		t.Errorf("the list is %v", got)
	}
}
