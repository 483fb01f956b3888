package config

import (
	"errors"
	"math"
	"testing"
	"time"
)

type network struct {
	Port int32 `conf:"listenPort"`
}

type sample struct {
	network
	Home    string        `conf:"rocketmqHome"`
	Period  time.Duration `conf:"registerNameServerPeriod" unit:"ms"`
	Delay   time.Duration `conf:"timerMaxDelaySec" unit:"s"`
	Enabled bool          `conf:"traceOn"`
	Large   int64         `conf:"consumerFallbehindThreshold"`
	Absent  string        `conf:"haMasterAddress"`
	Named   struct {
		Mode string `conf:"tls.server.mode"`
	}
	private int
}

func TestBind(t *testing.T) {
	s, _ := Load(Broker, testMachine(), Source{Values: []Value{
		{Key: "listenPort", Text: "1"}, {Key: "rocketmqHome", Text: " /opt "}, {Key: "traceOn", Text: "yes"}, {Key: "timerMaxDelaySec", Text: "9"},
	}})
	got := sample{Absent: "as before", private: 7}
	if err := s.Bind(&got); err != nil {
		t.Fatal(err)
	}
	want := sample{network{1}, "/opt", 30 * time.Second, 9 * time.Second, false, 16 << 30, "as before", struct {
		Mode string `conf:"tls.server.mode"`
	}{"permissive"}, 7}
	if got != want {
		t.Errorf("bound %+v, want %+v", got, want)
	}

	again, _ := Load(Broker, testMachine(), StructSource(&got))
	for key, want := range map[string]string{
		"listenPort": "1", "rocketmqHome": "/opt", "registerNameServerPeriod": "30000", "timerMaxDelaySec": "9", "traceOn": "false", "haMasterAddress": "as before",
	} {
		if text, _ := again.Get(key); text != want {
			t.Errorf("%s is %q after a struct, want %q", key, text, want)
		}
	}
}

// A field that is too small for what its key can hold is a fault of the program,
// which must not start on another value than it was told.
func TestBindTooSmall(t *testing.T) {
	s, _ := Load(Broker, testMachine(), Source{Values: []Value{{Key: "consumerFallbehindThreshold", Text: "4294967296"}}})
	var dst struct {
		N int32 `conf:"consumerFallbehindThreshold"`
	}
	if _, ok := errors.AsType[*Fault](s.Bind(&dst)); !ok {
		t.Errorf("bound %d", dst.N)
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		unit time.Duration
		want time.Duration
	}{
		{250, time.Millisecond, 250 * time.Millisecond},
		{-1, time.Second, -time.Second},
		{math.MaxInt64, time.Millisecond, math.MaxInt64},
		{math.MinInt64, time.Second, math.MinInt64},
		{math.MaxInt64/int64(time.Second) + 1, time.Second, math.MaxInt64},
	} {
		if got := duration(tt.n, tt.unit); got != tt.want {
			t.Errorf("%d of %s are %d, want %d", tt.n, tt.unit, got, tt.want)
		}
	}
}

func TestOrigin(t *testing.T) {
	s, _ := Load(Broker, testMachine(),
		Source{Name: "broker.conf", Values: []Value{{"brokerName", "a", 3}, {"brokerId", "7", 4}, {"deleteWhen", "05", 5}, {"fileReservedTime", "x", 6}, {"listenPort", "20911", 7}}},
		FlagSource(map[string]string{"deleteWhen": "06"}))
	for key, want := range map[string]string{
		"brokerName": "broker.conf, line 3", "deleteWhen": "the command line", "fileReservedTime": "default",
		"brokerId": "computed", "haListenPort": "computed", "defaultTopicQueueNums": "default", "nonsense": "default",
	} {
		if got := s.Origin(key); got != want {
			t.Errorf("%s comes from %q, want %q", key, got, want)
		}
	}
}
