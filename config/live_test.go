package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

type liveSample struct {
	Name     string        `conf:"brokerName"`
	Reserved int32         `conf:"fileReservedTime"`
	Timeout  time.Duration `conf:"syncFlushTimeout" unit:"ms"`
	HA       int32         `conf:"haListenPort"`
	Absent   string        `conf:"haMasterAddress"`
	Twice    int32
}

func newLive(t *testing.T, values ...Value) *Live[liveSample] {
	t.Helper()
	s, _ := Load(Broker, testMachine(), Source{Name: "file", Shown: true, Values: values})
	l, err := NewLive(s, func(_ *Settings, c *liveSample) error {
		if c.Reserved < 0 {
			return errors.New("negative")
		}
		c.Twice = 2 * c.Reserved
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestUpdate(t *testing.T) {
	l := newLive(t, Value{Key: "unknownKey", Text: "a"}, Value{Key: "listenPort", Text: "23911"})
	before := l.Load()
	if before.Name != "vm" || before.Reserved != 72 || before.Timeout != 5*time.Second || before.HA != 23912 || before.Twice != 144 {
		t.Fatalf("at first %+v", before)
	}
	change, err := l.Update(map[string]string{
		"fileReservedTime": "24", "syncFlushTimeout": "x", "unknownKey": "b", "otherKey": "c", "deleteWhen": "04", "authenticationEnabled": "true", "haMasterAddress": "10.0.0.1:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"fileReservedTime", "haMasterAddress", "unknownKey"}; !slices.Equal(change.Changed, want) {
		t.Errorf("changed %v, want %v", change.Changed, want)
	}
	var ignored []string
	for _, w := range change.Remarks {
		if !strings.Contains(w.Text, "no effect") {
			ignored = append(ignored, w.Key)
		}
	}
	if want := []string{"authenticationEnabled", "otherKey", "syncFlushTimeout"}; !slices.Equal(ignored, want) {
		t.Errorf("ignored %v, want %v", change.Remarks, want)
	}
	if before.Reserved != 72 {
		t.Error("the configuration that somebody holds was changed")
	}
	if c := l.Load(); c.Reserved != 24 || c.Twice != 48 || c.Timeout != 5*time.Second || c.Absent != "10.0.0.1:1" {
		t.Errorf("afterwards %+v", c)
	}
	answer := string(l.Settings().Answer())
	for _, line := range []string{"fileReservedTime=24\n", "unknownKey=b\n", "syncFlushTimeout=5000\n"} {
		if !strings.Contains(answer, line) {
			t.Errorf("%q is not answered", line)
		}
	}
	if strings.Contains(answer, "otherKey") || strings.Contains(answer, "authenticationEnabled") {
		t.Error("a key that was ignored is answered")
	}
}

// What is computed at the start from other settings stays when those change, as
// on a running official server, and can be set.
func TestUpdateOfComputed(t *testing.T) {
	l := newLive(t, Value{Key: "listenPort", Text: "23911"})
	for _, step := range []struct{ key, value, want string }{
		{"listenPort", "5", "23912"},
		{"brokerId", "7", "23912"},
		{"haListenPort", "9", "9"},
	} {
		if _, err := l.Update(map[string]string{step.key: step.value}); err != nil {
			t.Fatal(err)
		}
		if got, _ := l.Settings().Get(step.key); got != step.value {
			t.Errorf("%s is %s after an update to %s", step.key, got, step.value)
		}
		if got := strconv.Itoa(int(l.Load().HA)); got != step.want {
			t.Errorf("haListenPort is %s after %s=%s, want %s", got, step.key, step.value, step.want)
		}
	}
}

// No request changes what names files, classes or trust, nor anything together
// with such a key.
func TestUpdateDenied(t *testing.T) {
	l := newLive(t, Value{Key: "configBlackList", Text: "configBlackList;deleteWhen"})
	for _, key := range []string{
		"rocketmqHome", "brokerConfigPath", "configBlackList", "deleteWhen", "storePathRootDir", "storePathCommitLog", "messageStorePlugIn",
		"authConfigPath", "authenticationProvider", "initAuthenticationUser", "readOnlyCommitLogStorePaths", "storePathEpochFile",
	} {
		_, err := l.Update(map[string]string{key: "x", "fileReservedTime": "1"})
		if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := l.Update(map[string]string{"fileReservedTime": "-1"}); err == nil {
		t.Error("a configuration that finish refuses was taken")
	}
	if c := l.Load(); c.Reserved != 72 {
		t.Errorf("a refused update changed %+v", c)
	}
	s := Standard(Namesrv, testMachine())
	n, err := NewLive[struct{}](s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"kvConfigPath", "configStorePath", "rocketmqHome", "configBlackList"} {
		if _, err := n.Update(map[string]string{key: "/etc/x"}); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestUpdatesTogether(t *testing.T) {
	l := newLive(t)
	var wg sync.WaitGroup
	for _, kv := range []map[string]string{{"fileReservedTime": "1"}, {"syncFlushTimeout": "2"}, {"brokerName": "n"}} {
		wg.Go(func() {
			if _, err := l.Update(kv); err != nil {
				t.Error(err)
			}
			_ = l.Load().Name
		})
	}
	wg.Wait()
	if c := l.Load(); c.Reserved != 1 || c.Timeout != 2*time.Millisecond || c.Name != "n" {
		t.Errorf("an update was lost: %+v", c)
	}
}
