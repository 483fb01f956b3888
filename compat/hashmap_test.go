package compat

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// The orders were observed on the official tool 5.5.0, which prints the properties of
// messages, maps that were made with a capacity of 128.
func TestHashMapOrder(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{ // UNIQ_KEY and CLUSTER share a bucket and stay as they came
		"KEYS UNIQ_KEY WAIT TAGS TRACE_ON MSG_REGION CLUSTER":                       "MSG_REGION UNIQ_KEY CLUSTER TAGS KEYS WAIT TRACE_ON",
		"KEYS UNIQ_KEY WAIT TAGS TRACE_ON MSG_REGION CLUSTER MIN_OFFSET MAX_OFFSET": "MSG_REGION UNIQ_KEY CLUSTER MIN_OFFSET TAGS KEYS WAIT TRACE_ON MAX_OFFSET",
	} {
		got := strings.Fields(keys)
		HashMapOrder(got, 128)
		if s := strings.Join(got, " "); s != want {
			t.Errorf("keys %s come as\n%s, want\n%s", keys, s, want)
		}
	}
}

func TestHashMapGrows(t *testing.T) {
	t.Parallel()
	// "a" … "y" have the hashes 97 … 121. In 16 buckets p (112) comes first; 25 keys
	// need 64 buckets, where 64 … 127 stay in order.
	keys := strings.Split("p a q b", " ")
	HashMapOrder(keys, 0)
	if got := strings.Join(keys, ""); got != "paqb" {
		t.Errorf("4 keys come as %s", got)
	}
	keys = strings.Split("yxwvutsrqponmlkjihgfedcba", "")
	HashMapOrder(keys, 0)
	if got := strings.Join(keys, ""); got != "abcdefghijklmnopqrstuvwxy" {
		t.Errorf("25 keys come as %s", got)
	}
}

// The numbers are positions in the list of MQVersion, release 5.5.0.
func TestVersionName(t *testing.T) {
	t.Parallel()
	for v, want := range map[protocol.Version]string{
		0: "V3_0_0_SNAPSHOT", 15: "V3_0_0_FINAL", 16: "V3_0_1_SNAPSHOT", 45: "V3_0_15", 46: "V3_1_0_SNAPSHOT", 61: "V3_1_7", 67: "V3_2_0",
		85: "V3_2_9", 86: "V3_3_1_SNAPSHOT", 103: "V3_3_9", 105: "V3_4_1", 139: "V3_5_9", 195: "V3_9_1", 213: "V4_0_0", 233: "V4_1_0",
		399: "V4_9_3", 413: "V5_0_0", 427: "V5_0_7", 475: "V5_3_1", 512: "V5_5_0_SNAPSHOT", 513: "V5_5_0", 611: "V5_9_9",
		612: "HIGHER_VERSION", 1000: "HIGHER_VERSION", -1: "HIGHER_VERSION",
	} {
		if got := VersionName(v); got != want {
			t.Errorf("version %d is %s, want %s", v, got, want)
		}
	}
}
