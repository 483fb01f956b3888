package compat

import (
	"strings"
	"testing"
)

func TestCheckNames(t *testing.T) {
	a127 := strings.Repeat("a", 127)
	long := strings.Repeat("a", 255)
	illegal := func(kind, name string) string {
		return "The specified " + kind + ": " + name + ", contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
	}
	for _, tt := range []struct{ name, topic, group string }{
		{"", "The specified topic is blank.", "The specified group is blank."},
		{" ", "The specified topic is blank.", "The specified group is blank."},
		{"\t\n", "The specified topic is blank.", "The specified group is blank."},
		{"\u3000", "The specified topic is blank.", "The specified group is blank."},
		{"\x1c", "The specified topic is blank.", "The specified group is blank."},
		{"\u00a0", illegal("topic", "\u00a0"), illegal("group", "\u00a0")},
		{"a b", illegal("topic", "a b"), illegal("group", "a b")},
		{"a.b", illegal("topic", "a.b"), illegal("group", "a.b")},
		{"中", illegal("topic", "中"), illegal("group", "中")},
		{"%|a-Z_9", "", ""},
		{a127[:120], "", ""},
		{a127, "", "The specified group: " + a127 + ", is longer than group max length: 120"},
		{a127 + "a", "The specified topic: " + a127 + "a, is longer than topic max length: 127",
			"The specified group: " + a127 + "a, is longer than group max length: 120"},
		{"%RETRY%" + long[:248], "", "The specified group: %RETRY%" + long[:248] + ", is longer than group max length: 120"},
		{"%RETRY%" + long[:249], "The specified topic is DLQ or Retry topic: %RETRY%" + long[:249] + ", and it's longer than topic max length: 255",
			"The specified group: %RETRY%" + long[:249] + ", is longer than group max length: 120"},
		{"%DLQ%" + long[:251], "The specified topic is DLQ or Retry topic: %DLQ%" + long[:251] + ", and it's longer than topic max length: 255",
			"The specified group: %DLQ%" + long[:251] + ", is longer than group max length: 120"},
	} {
		if got, ok := CheckTopic(tt.name); got != tt.topic || ok != (tt.topic == "") {
			t.Errorf("CheckTopic(%q) = %q, %v; want %q", tt.name, got, ok, tt.topic)
		}
		if got, ok := CheckGroup(tt.name); got != tt.group || ok != (tt.group == "") {
			t.Errorf("CheckGroup(%q) = %q, %v; want %q", tt.name, got, ok, tt.group)
		}
	}
}

func TestSystemNames(t *testing.T) {
	for _, tt := range []struct {
		topic             string
		system, forbidden bool
	}{
		{"TBW102", true, false},
		{"BenchmarkTest", true, false},
		{"SCHEDULE_TOPIC_XXXX", true, true},
		{"RMQ_SYS_TRACE_TOPIC", true, false},
		{"RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC", true, true},
		{"rmq_sys_anything", true, false},
		{"CHECKPOINT_TOPIC", true, false},
		{"orders", false, false},
		{"%RETRY%g", false, false},
	} {
		if got := IsSystemTopic(tt.topic); got != tt.system {
			t.Errorf("IsSystemTopic(%q) = %v", tt.topic, got)
		}
		if got := IsSendForbidden(tt.topic); got != tt.forbidden {
			t.Errorf("IsSendForbidden(%q) = %v", tt.topic, got)
		}
	}
}

func TestDerivedNames(t *testing.T) {
	v1, v2 := PopRetryTopic("t_1", "g", false), PopRetryTopic("t_1", "g", true)
	if v1 != "%RETRY%g_t_1" || v2 != "%RETRY%g+t_1" {
		t.Fatalf("retry topics %q, %q", v1, v2)
	}
	for _, tt := range []struct{ got, want string }{
		{RetryGroup(v1), "g_t_1"},
		{RetryGroup(v2), "g"},
		{RetryGroup("%RETRY%g"), "g"},
		{RetryGroup("%RETRY%g+"), "g+"},
		{LiteTopicName("p", "l"), "%LMQ%$p$l"},
		{LiteTopicName("p", ""), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if p, l, ok := SplitLiteTopicName("%LMQ%$p$l"); !ok || p != "p" || l != "l" {
		t.Errorf("SplitLiteTopicName: %q %q %v", p, l, ok)
	}
	for _, bad := range []string{"%LMQ%p$l", "%LMQ%$p", "%LMQ%$$l", "%LMQ%$p$", "%LMQ%$p$l$x"} {
		if _, _, ok := SplitLiteTopicName(bad); ok {
			t.Errorf("SplitLiteTopicName(%q) accepted", bad)
		}
	}
	for topic, want := range map[string]bool{
		"t": true, "%RETRY%g": false, "%DLQ%g": false, "rmq_sys_x": false, "SCHEDULE_TOPIC_XXXX": false,
	} {
		if AllowsLMQ(topic) != want {
			t.Errorf("AllowsLMQ(%q) = %v", topic, !want)
		}
	}
}
