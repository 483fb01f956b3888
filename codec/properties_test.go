package codec

import (
	"maps"
	"strings"
	"testing"
)

func TestProperties(t *testing.T) {
	tests := []struct {
		raw  string
		want map[string]string
	}{
		{"", nil},
		{"TAGS\x01a\x02", map[string]string{"TAGS": "a"}},
		{"TAGS\x01a\x02KEYS\x01k\x02", map[string]string{"TAGS": "a", "KEYS": "k"}},
		{"TAGS\x01a\x02KEYS\x01k", map[string]string{"TAGS": "a", "KEYS": "k"}}, // last separator missing
		{"K\x01one\x02K\x01two\x02", map[string]string{"K": "two"}},
		{"K\x01\x02L\x01l\x02", map[string]string{"L": "l"}},    // no value
		{"\x01v\x02L\x01l\x02", map[string]string{"L": "l"}},    // no name
		{"K\x02L\x01l\x02", map[string]string{"L": "l"}},        // no separator in its own segment
		{"\x02\x02\x02L\x01l\x02", map[string]string{"L": "l"}}, // empty segments
		{"K\x01a\x01b\x02", map[string]string{"K": "a\x01b"}},   // the first separator counts
		{"Ключ\x01знач\x02", map[string]string{"Ключ": "знач"}},
	}
	for _, tt := range tests {
		got := maps.Collect(Properties(tt.raw))
		if !maps.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.raw, got, tt.want)
		}
		for k, v := range tt.want {
			if g, ok := Property(tt.raw, k); !ok || g != v {
				t.Errorf("%q: property %q is %q, %v", tt.raw, k, g, ok)
			}
		}
		if v, ok := Property(tt.raw, "absent"); ok {
			t.Errorf("%q: a property that is not there is %q", tt.raw, v)
		}
		if v, ok := Property(tt.raw, ""); ok {
			t.Errorf("%q: the empty name has the value %q", tt.raw, v)
		}
	}
}

func TestSetAndDeleteProperty(t *testing.T) {
	const raw = "A\x011\x02B\x012\x02A\x013\x02junk"
	if got, want := SetProperty(raw, "A", "9"), "B\x012\x02A\x019\x02"; got != want {
		t.Errorf("set: %q, want %q", got, want)
	}
	if got, want := SetProperty("B\x012", "A", "9"), "B\x012\x02A\x019\x02"; got != want {
		t.Errorf("set on a string without its last separator: %q, want %q", got, want)
	}
	if got, want := DeleteProperty(raw, "A"), "B\x012\x02"; got != want {
		t.Errorf("delete: %q, want %q", got, want)
	}
	if got := DeleteProperty(raw, "C"); got != raw {
		t.Errorf("delete of what is not there: %q", got)
	}
}

func TestPropertyAllocations(t *testing.T) {
	const raw = "MIN_OFFSET\x010\x02UNIQ_KEY\x017F00000100002A9F2C2C0B1E8A1D0000\x02WAIT\x01true\x02TAGS\x01TagA\x02"
	if n := testing.AllocsPerRun(100, func() { Property(raw, "TAGS") }); n != 0 {
		t.Errorf("%v allocations for a look-up", n)
	}
}

func FuzzProperties(f *testing.F) {
	f.Add("TAGS\x01a\x02KEYS\x01k\x02", "TAGS", "b")
	f.Add("\x01\x02\x02\x01", "a", "b")
	f.Fuzz(func(t *testing.T, raw, name, value string) {
		before := maps.Collect(Properties(raw))
		for k, v := range before {
			if got, ok := Property(raw, k); !ok || got != v {
				t.Fatalf("property %q is %q, %v where the walk saw %q", k, got, ok, v)
			}
		}
		if name == "" || value == "" || strings.ContainsAny(name, "\x01\x02") || strings.Contains(value, "\x02") {
			return
		}
		before[name] = value
		set := SetProperty(raw, name, value)
		if got := maps.Collect(Properties(set)); !maps.Equal(got, before) {
			t.Fatalf("after set: %q, want %q", got, before)
		}
		delete(before, name)
		if got := maps.Collect(Properties(DeleteProperty(set, name))); !maps.Equal(got, before) {
			t.Fatalf("after delete: %q, want %q", got, before)
		}
	})
}

func BenchmarkProperty(b *testing.B) {
	const raw = "MIN_OFFSET\x010\x02UNIQ_KEY\x017F00000100002A9F2C2C0B1E8A1D0000\x02WAIT\x01true\x02TAGS\x01TagA\x02"
	for b.Loop() {
		Property(raw, "TAGS")
	}
}

func TestTakeRealQueue(t *testing.T) {
	for _, c := range []struct{ properties, fault string }{
		{"REAL_TOPIC\x01orders\x02REAL_QID\x013\x02", ""},
		{"REAL_QID\x013\x02", "it has no property REAL_TOPIC"},
		{"REAL_TOPIC\x01\x02REAL_QID\x013\x02", "it has no property REAL_TOPIC"},
		{"REAL_TOPIC\x01orders\x02", `its property REAL_QID is "", not a number`},
		{"REAL_TOPIC\x01orders\x02REAL_QID\x01x\x02", `its property REAL_QID is "x", not a number`},
	} {
		m := Message{Topic: "waiting", QueueID: 7, Properties: c.properties}
		err := TakeRealQueue(&m)
		if c.fault == "" && (err != nil || m.Topic != "orders" || m.QueueID != 3) {
			t.Errorf("%q: %s:%d, %v", c.properties, m.Topic, m.QueueID, err)
		}
		if c.fault != "" && (err == nil || err.Error() != c.fault || m.Topic != "waiting" || m.QueueID != 7) {
			t.Errorf("%q: %s:%d, %v, want %s", c.properties, m.Topic, m.QueueID, err, c.fault)
		}
	}
}
