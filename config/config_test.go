package config

import (
	"errors"
	"maps"
	"testing"
	"time"
)

type shared struct {
	Port int32 `conf:"listenPort" default:"9876"`
}

type sample struct {
	shared
	Home    string        `conf:"rocketmqHome"`
	Scan    time.Duration `conf:"scanInterval" unit:"ms" default:"5000"`
	Wait    time.Duration `conf:"waitSeconds" unit:"s" default:"45"`
	Enabled bool          `conf:"enabled" default:"true"`
	Ratio   float64       `conf:"ratio" default:"2"`
	Large   int64         `conf:"large" default:"4294967296"`
	Threads int32         `conf:"threads" default:"3" inert:"there are none"`
	private int
}

func TestSet(t *testing.T) {
	tests := []struct {
		key, value string
		known      bool
		fault      bool
		text       string // the value afterwards
	}{
		{key: "listenPort", value: "1", known: true, text: "1"},
		{key: "listenPort", value: "4294967296", known: true, fault: true, text: "9876"},
		{key: "listenPort", value: " 1", known: true, fault: true, text: "9876"},
		{key: "rocketmqHome", value: " /opt ", known: true, text: "/opt"},
		{key: "scanInterval", value: "250", known: true, text: "250"},
		{key: "scanInterval", value: "9223372036854775807", known: true, fault: true, text: "5000"},
		{key: "waitSeconds", value: "x", known: true, fault: true, text: "45"},
		{key: "enabled", value: "TRUE", known: true, text: "true"},
		{key: "enabled", value: "yes", known: true, text: "false"},
		{key: "ratio", value: "0.75", known: true, text: "0.75"},
		{key: "ratio", value: "", known: true, fault: true, text: "2.0"},
		{key: "large", value: "-1", known: true, text: "-1"},
		{key: "private", value: "1"},
		{key: "Scan", value: "1"},
	}
	for _, tt := range tests {
		s := sample{private: 7}
		SetDefaults(&s)
		known, err := Set(&s, tt.key, tt.value)
		var fault *Fault
		if known != tt.known || errors.As(err, &fault) != tt.fault {
			t.Errorf("Set(%s, %q) = %v, %v", tt.key, tt.value, known, err)
		}
		if got := maps.Collect(Values(&s))[tt.key]; got != tt.text {
			t.Errorf("Set(%s, %q) left %q, want %q", tt.key, tt.value, got, tt.text)
		}
	}
}

func TestValues(t *testing.T) {
	var s sample
	SetDefaults(&s)
	if s.Scan != 5*time.Second || s.Wait != 45*time.Second || s.Port != 9876 {
		t.Fatalf("defaults %+v", s)
	}
	want := map[string]string{
		"listenPort": "9876", "rocketmqHome": "", "scanInterval": "5000", "waitSeconds": "45",
		"enabled": "true", "ratio": "2.0", "large": "4294967296", "threads": "3",
	}
	if got := maps.Collect(Values(&s)); !maps.Equal(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
	for key, reason := range map[string]string{"threads": "there are none", "large": "", "absent": ""} {
		if got := Inert(&s, key); got != reason {
			t.Errorf("%s is inert because %q, want %q", key, got, reason)
		}
	}
}
