package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func configUpdate(lines ...string) *codec.Command {
	return &codec.Command{
		Code: int32(protocol.UpdateBrokerConfig), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1,
		Body: []byte(strings.Join(lines, "\n")),
	}
}

func (w *wire) update(lines ...string) {
	w.t.Helper()
	if f := w.call(configUpdate(lines...)); f.Code != 0 {
		w.t.Fatalf("update of %v: %d %s", lines, f.Code, f.Remark)
	}
}

func (w *wire) shownConfig() map[string]string {
	w.t.Helper()
	f := w.call(&codec.Command{Code: int32(protocol.GetBrokerConfig), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1})
	lines, err := compat.ParseProperties(f.Body)
	if err != nil || f.Code != 0 {
		w.t.Fatalf("configuration: %d %s, %v", f.Code, f.Remark, err)
	}
	return compat.PropertyMap(lines)
}

// TestUpdatesTakeEffect: each step is a request whose answer depends on a setting
// that was just updated.
func TestUpdatesTakeEffect(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	sends := func(topic string, body int) int32 { return w.call(sendCommand(topic, 0, make([]byte, body))).Code }
	if code := sends("first", 1); code != 0 {
		t.Fatalf("the first send: %d", code)
	}
	for _, step := range []struct {
		update string
		topic  string
		body   int
		want   protocol.ResponseCode
	}{
		{"maxMessageSize=100", "first", 101, protocol.ResponseMessageIllegal},
		{"maxMessageSize=200", "first", 101, protocol.ResponseSuccess},
		{"autoCreateTopicEnable=false", "second", 1, protocol.ResponseTopicNotExist},
		{"autoCreateTopicEnable=true", "second", 1, protocol.ResponseSuccess},
	} {
		w.update(step.update)
		if code := sends(step.topic, step.body); code != int32(step.want) {
			t.Errorf("%s: a send of %d bytes to %s is answered %d, want %d", step.update, step.body, step.topic, code, step.want)
		}
	}
	w.update("brokerPermission=2")
	if f := w.call(pullCommand("first", 0, 0, 0)); f.Code != int32(protocol.ResponseNoPermission) {
		t.Errorf("a pull from a broker that may not be read: %d %s", f.Code, f.Remark)
	}
	w.update("brokerPermission=6", "autoCreateSubscriptionGroup=false", "waitTimeMillsInSendQueue=50", "regionId=north")
	if f := w.call(pullCommand("first", 0, 0, 0)); f.Code != int32(protocol.ResponseSubscriptionGroupNotExist) {
		t.Errorf("a pull of an unknown group: %d %s", f.Code, f.Remark)
	}
	f := w.call(sendCommand("first", 0, []byte("x")))
	if region, _ := f.Ext.Get(protocol.PropertyMsgRegion); region != "north" {
		t.Errorf("region %q", region)
	}
}

// TestUpdateIsStored: the file holds every key that is answered, and the keys of
// one update go together.
func TestUpdateIsStored(t *testing.T) {
	dir := t.TempDir()
	b, _ := runBroker(t, testConfig(dir))
	w := dialBroker(t, b)
	before := w.shownConfig()
	w.update("fileReservedTime=7", "nobody=x", "flushDiskType=sometimes")
	shown := w.shownConfig()
	if len(shown) != len(before) || shown["fileReservedTime"] != "7" || shown["flushDiskType"] != "ASYNC_FLUSH" {
		t.Errorf("%d keys, fileReservedTime=%s, flushDiskType=%s", len(shown), shown["fileReservedTime"], shown["flushDiskType"])
	}
	path := filepath.Join(dir, "config", "broker.properties")
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := compat.ParseProperties(stored)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range shown {
		if got := compat.PropertyMap(lines)[key]; got != value {
			t.Errorf("stored %s=%s, shown %s", key, got, value)
		}
	}
	for _, key := range []string{"storePathRootDir", "brokerConfigPath", "configBlackList"} {
		f := w.call(configUpdate("fileReservedTime=8", key+"=/elsewhere"))
		if f.Code != int32(protocol.ResponseNoPermission) || string(f.Remark) != "Can not update config in black list." {
			t.Errorf("%s: %d %s", key, f.Code, f.Remark)
		}
	}
	if f := w.call(configUpdate("fileReservedTime=8", "brokerRole=SLAVE")); f.Code == 0 {
		t.Error("an update with which the broker could not start was taken")
	}
	if got := w.shownConfig()["fileReservedTime"]; got != "7" {
		t.Errorf("a refused update changed fileReservedTime to %s", got)
	}
}

// TestSystemGroupsAreMade: they come into being where others do not.
func TestSystemGroupsAreMade(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.AutoCreateSubscriptionGroup = false
	b, _ := runBroker(t, cfg)
	for group, want := range map[string]bool{"CID_RMQ_SYS_own": true, "own": false} {
		if got := b.groups.Find(group) != nil; got != want {
			t.Errorf("%s is made: %v", group, got)
		}
	}
}
