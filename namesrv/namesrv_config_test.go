package namesrv

import (
	"os"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
)

// officialConfig is what 5.5.0 answers to GET_NAMESRV_CONFIG with
// -Drocketmq.home.dir=/opt/rocketmq -Duser.home=/home/rmq and the file
// "listenPort=27876", whose name it is given as namesrv.conf.
const officialConfig = "testdata/official-config-5.5.0.txt"

// TestDefaultConfig compares every key and default.
func TestDefaultConfig(t *testing.T) {
	s, _ := config.Load(config.Namesrv, testMachine("/home/rmq"), config.FlagSource(map[string]string{"configStorePath": "namesrv.conf", "listenPort": "27876"}))
	if got, want := string(s.Answer()), readFile(t, officialConfig); got != want {
		t.Errorf("ours:\n%s\nofficial:\n%s", got, want)
	}
}

func TestUpdateConfig(t *testing.T) {
	c := testConfig(t)
	const before = "# by hand\nlistenPort=1\nsomebody=else\n"
	writeFile(t, c.ConfigStorePath, before)
	s, err := New(settingsOf(c, config.Value{Key: "listenPort", Text: "1"}, config.Value{Key: "somebody", Text: "else"}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	conn := dial(t, s.Addr().String())

	conn.ok(configure("orderMessageEnable=true\nsomebody=new\nnobody=x\nscanNotActiveBrokerInterval=250\nwaitSecondsForService=1x\n"))
	shown := string(conn.ok(simple(protocol.GetNamesrvConfig)).Body)
	if stored := readFile(t, c.ConfigStorePath); stored != shown {
		t.Errorf("stored:\n%s\nshown:\n%s", stored, shown)
	}
	if backup := readFile(t, c.ConfigStorePath+".bak"); backup != before {
		t.Errorf("the backup holds %s", backup)
	}
	lines, err := compat.ParseProperties([]byte(shown))
	if err != nil {
		t.Fatal(err)
	}
	props := compat.PropertyMap(lines)
	want := map[string]string{
		"orderMessageEnable": "true", "somebody": "new", "scanNotActiveBrokerInterval": "250",
		"waitSecondsForService": "45", "listenPort": "0",
	}
	for key, value := range want {
		if props[key] != value {
			t.Errorf("%s is %q, want %q", key, props[key], value)
		}
	}
	if v, ok := props["nobody"]; ok {
		t.Errorf("nobody=%s is shown", v)
	}
}

// TestBlackList: what the configuration adds is refused too, and what is always
// refused cannot be allowed by it.
func TestBlackList(t *testing.T) {
	c := testConfig(t)
	s, err := New(settingsOf(c, config.Value{Key: "configBlackList", Text: "orderMessageEnable;listenPort"}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	conn := dial(t, s.Addr().String())
	for _, key := range []string{"orderMessageEnable", "listenPort", "kvConfigPath", "configStorePath", "configBlackList", "rocketmqHome"} {
		f := conn.call(configure("enableTopicList=false\n" + key + "=true"))
		if protocol.ResponseCode(f.Code) != protocol.ResponseNoPermission || f.Remark != "Can not update config in black list." {
			t.Errorf("%s: %d %s", key, f.Code, f.Remark)
		}
	}
	if !s.settings.Load().EnableTopicList {
		t.Error("a refused update changed another key")
	}
	if _, err := os.Stat(c.ConfigStorePath); !os.IsNotExist(err) {
		t.Errorf("a refused update was stored: %v", err)
	}
}

// TestStoreFails: the answer says so, where upstream's would not.
func TestStoreFails(t *testing.T) {
	c := testConfig(t)
	c.ConfigStorePath = c.KVConfigPath + "/no/directory"
	writeFile(t, c.KVConfigPath, `{"configTable":{}}`)
	conn := dial(t, start(t, c, Options{}).Addr().String())
	f := conn.call(configure("orderMessageEnable=true"))
	if protocol.ResponseCode(f.Code) != protocol.ResponseSystemError || !strings.Contains(f.Remark, "could not be stored") {
		t.Errorf("answered %d %s", f.Code, f.Remark)
	}
}
