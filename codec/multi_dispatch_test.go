package codec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func dispatched(topic, names, offsets string) (got []string) {
	var raw []byte
	if names != "" {
		raw = AppendProperty(raw, protocol.PropertyInnerMultiDispatch, names)
	}
	raw = AppendProperty(raw, "KEYS", "k")
	if offsets != "" {
		raw = AppendProperty(raw, protocol.PropertyInnerMultiQueueOffset, offsets)
	}
	for name, at := range MultiDispatch(topic, string(raw)) {
		got = append(got, fmt.Sprintf("%s=%d", name, at))
	}
	return got
}

func TestMultiDispatch(t *testing.T) {
	long := protocol.PrefixLMQ + strings.Repeat("n", 255-len(protocol.PrefixLMQ))
	for _, tt := range []struct {
		topic, names, offsets string
		want                  []string
	}{
		{"t", "%LMQ%a", "0", []string{"%LMQ%a=0"}},
		{"t", "%LMQ%a,%LMQ%b", "3,14", []string{"%LMQ%a=3", "%LMQ%b=14"}},
		{"t", "%LMQ%a,,", "3", []string{"%LMQ%a=3"}}, // Java's split drops what is empty at the end
		{"t", "%LMQ%a,%LMQ%b", "3", nil},             // the lists do not fit
		{"t", "%LMQ%a", "3,4", nil},
		{"t", "%LMQ%a", "", nil}, // sent while light queues were off
		{"t", "", "3", nil},
		{"t", "other,%LMQ%b", ",4", []string{"%LMQ%b=4"}},
		{"t", "other", "4", nil}, // a client may not write into any queue it likes
		{"t", "%LMQ%a,%LMQ%b", "-1,x", nil},
		{"t", "%LMQ%a/b,%LMQ%b", "7,8", []string{"%LMQ%b=8"}},
		{"t", long + "," + long + "n", "7,8", []string{long + "=7"}},
		{"%RETRY%g", "%LMQ%a", "3", nil},
		{"%DLQ%g", "%LMQ%a", "3", nil},
		{protocol.TopicSchedule, "%LMQ%a", "3", nil},
		{"rmq_sys_wheel_timer", "%LMQ%a", "3", nil},
	} {
		if got := dispatched(tt.topic, tt.names, tt.offsets); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q at %q is dispatched to %q, want %q", tt.topic, tt.names, tt.offsets, got, tt.want)
		}
	}
}

func FuzzMultiDispatch(f *testing.F) {
	f.Add("%LMQ%a,%LMQ%b", "3,4")
	f.Add(",%LMQ%a", ",9223372036854775807")
	f.Fuzz(func(t *testing.T, names, offsets string) {
		raw := protocol.PropertyInnerMultiDispatch + "\x01" + names + "\x02" + protocol.PropertyInnerMultiQueueOffset + "\x01" + offsets + "\x02"
		n := 0
		for name, at := range MultiDispatch("t", raw) {
			n++
			if !LightQueueName(name) || at < 0 {
				t.Fatalf("%q at %d", name, at)
			}
		}
		if most := 1 + strings.Count(names, ","); n > most {
			t.Fatalf("%d places in a list of at most %d", n, most)
		}
	})
}
