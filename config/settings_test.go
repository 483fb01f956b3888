package config

import (
	"bufio"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// testMachine is the machine that the golden files were written on.
func testMachine() Machine {
	return Machine{
		CPUs: 2, UserHome: "/UHOME", Hostname: "vm", IP: netip.MustParseAddr("192.0.2.2"),
		Env: map[string]string{"ROCKETMQ_HOME": "/HOME"},
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every member of the official configuration classes is a key with the same
// type, default and marks, in the same order.
func TestOfficialKeys(t *testing.T) {
	// Members whose default is written differently, is known only at run time, or
	// which no text can set.
	skip := map[string]bool{"controller jraftConfig": true, "proxy delayLevelTable": true, "proxy tlsKeyPath": true, "proxy tlsCertPath": true, "proxy brokerConfigPath": true}
	byName := map[string]int{}
	for i := range keys {
		byName[keys[i].Family+" "+keys[i].Name] = i
	}
	m := testMachine()
	last := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(string(readFile(t, "official-keys.txt"))))
	n := 0
	for ; lines.Scan(); n++ {
		f := strings.SplitN(lines.Text(), "\t", 5)
		name := f[0] + " " + f[1]
		if skip[name] {
			continue
		}
		at, ok := byName[name]
		if !ok {
			t.Errorf("%s is no key", name)
			continue
		}
		k := &keys[at]
		if f[3] != "F" && at < last[f[0]] {
			t.Errorf("%s stands before its predecessor", name)
		}
		last[f[0]] = at
		if typ := typeNames[k.Type]; typ != f[2] && k.enum != f[2] && !(typ == "int" && f[2] == "Integer") {
			t.Errorf("%s has the type %s %s, officially %s", name, typ, k.enum, f[2])
		}
		marks := strings.ReplaceAll(f[3], "F", "")
		if k.has(important) != strings.Contains(marks, "I") || k.has(inherited) != strings.Contains(marks, "H") ||
			k.has(noSetter) != strings.Contains(marks, "S") || k.has(noField) != strings.Contains(f[3], "F") {
			t.Errorf("%s is marked %b, officially %q", name, k.flags, f[3])
		}
		text, ok := m.standardOf(k)
		if !ok {
			text = "null"
		}
		if text != f[4] {
			t.Errorf("%s has the default %q, officially %q", name, text, f[4])
		}
	}
	if n < 750 {
		t.Errorf("testdata/official-keys.txt has %d lines only", n)
	}
}

var typeNames = map[Type]string{Int: "int", Long: "long", Double: "double", Bool: "boolean", String: "String"}

// Every default can be computed, and is in the form in which its type is shown.
func TestDefaultsAreCanonical(t *testing.T) {
	m := testMachine()
	for i := range keys {
		k := &keys[i]
		if k.Type == Other || k.Family == "sysprop" {
			continue
		}
		text, ok := m.standardOf(k)
		if !ok {
			continue
		}
		if canonical, ok, fault := k.read(text); !ok || fault != nil || canonical != text {
			t.Errorf("%s %s: the default %q reads as %q, %v", k.Family, k.Name, text, canonical, fault)
		}
		if k.Meaning == "" || k.inert == "" {
			t.Errorf("%s %s has no meaning, or no reason to be without effect", k.Family, k.Name)
		}
	}
}

// What is answered to configuration requests is what the official processes
// answer with the same files.
func TestGoldenAnswers(t *testing.T) {
	for _, p := range []*Process{Broker, Namesrv} {
		for _, name := range []string{"empty", "sample"} {
			src, err := FileSource(name, readFile(t, name+".conf"))
			if err != nil {
				t.Fatal(err)
			}
			sources := []Source{src}
			if p == Namesrv { // which takes the file's name for where it writes
				sources = append(sources, Source{Values: []Value{{Key: "configStorePath", Text: "../" + name + ".conf"}}})
			}
			s, _ := Load(p, testMachine(), sources...)
			want := string(readFile(t, p.Name+"-"+name+".txt"))
			if got := string(s.Answer()); got != want {
				t.Errorf("%s with %s.conf: %s", p.Name, name, firstDifference(got, want))
			}
			again, err := FileSource(name, s.File())
			if err != nil {
				t.Fatal(err)
			}
			if s2, _ := Load(p, testMachine(), again); string(s2.Answer()) != want {
				t.Errorf("%s with %s.conf, written and read: %s", p.Name, name, firstDifference(string(s2.Answer()), want))
			}
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got " + g[i] + ", want " + w[i]
		}
	}
	return "the lengths differ"
}

func TestWarnings(t *testing.T) {
	src, err := FileSource("broker.conf", readFile(t, "sample.conf"))
	if err != nil {
		t.Fatal(err)
	}
	src.Values = append(src.Values, Value{"listenPort", "23912", 99}, Value{"isBrokerContainer", "true", 100})
	s, warnings := Load(Broker, testMachine(), src, Source{Name: "flags", Values: []Value{{Key: "fileReservedTime", Text: "24"}}})
	var got []string
	for _, w := range warnings {
		got = append(got, w.String())
	}
	for _, want := range []string{
		`broker.conf, line 6: flushDiskType=SYNC: the value is not one of ASYNC_FLUSH, SYNC_FLUSH; the one from before stays`,
		`broker.conf, line 8: autoCreateTopicEnable=false : the value is not true or false and counts as false`,
		`broker.conf, line 7: fileReservedTime=12 : the value is not a whole number of 32 bits; the one from before stays`,
		`broker.conf, line 21: there is no key brokerPermision; is brokerPermission meant?`,
		`broker.conf, line 22: there is no key unknownKey`,
		`broker.conf, line 23: scanNotActiveBrokerInterval has no effect: it is not a key of a broker`,
		`broker.conf, line 99: listenPort is set for the second time; the last value counts`,
		`broker.conf, line 100: isBrokerContainer cannot be set; it is only shown`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no warning %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	for key, want := range map[string]string{"listenPort": "23912", "fileReservedTime": "24", "haListenPort": "23913", "unknownKey": " zz"} {
		if got, ok := s.Get(key); !ok || strings.TrimRight(got, " ") != strings.TrimLeft(want, " ") {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if _, ok := s.Get("haMasterAddress"); ok {
		t.Error("a key whose default is null has a value")
	}
	if _, ok := s.Get("nonsense"); ok {
		t.Error("a key that does not exist has a value")
	}
}

// What a file says of TLS stays in it, and is nobody's business.
func TestTLSIsNotShown(t *testing.T) {
	s, _ := Load(Broker, testMachine(), Source{Shown: true, Values: []Value{{Key: "tls.server.keyPassword", Text: "secret"}, {Key: "tls.server.mode", Text: "enforcing"}}})
	if strings.Contains(string(s.Answer()), "tls.") {
		t.Error("settings of TLS are answered")
	}
	if !strings.Contains(string(s.File()), "tls.server.keyPassword=secret\n") {
		t.Error("settings of TLS are lost when the file is written")
	}
	if mode, _ := s.Get("tls.server.mode"); mode != "enforcing" {
		t.Errorf("the mode is %s", mode)
	}
}

// The file that an update writes names every key; a start on it has nothing to
// tell but what somebody chose.
func TestWrittenFileIsQuiet(t *testing.T) {
	for _, p := range []*Process{Broker, Namesrv} {
		src, err := FileSource("f", Standard(p, testMachine()).File())
		if err != nil {
			t.Fatal(err)
		}
		if _, warnings := Load(p, testMachine(), src); len(warnings) > 0 {
			t.Errorf("%s: %d warnings, the first: %s", p.Name, len(warnings), warnings[0])
		}
		src.Values = append(src.Values, Value{Key: "useEpollNativeSelector", Text: "true"})
		if _, warnings := Load(p, testMachine(), src); len(warnings) != 2 || !strings.Contains(warnings[1].Text, "has no effect") {
			t.Errorf("%s: %v", p.Name, warnings)
		}
	}
}

func TestBrokerID(t *testing.T) {
	for _, tt := range []struct {
		values []Value
		want   string
	}{
		{nil, "0"},
		{[]Value{{Key: "brokerId", Text: "5"}}, "0"},
		{[]Value{{Key: "brokerId", Text: "5"}, {Key: "brokerRole", Text: "SLAVE"}}, "5"},
		{[]Value{{Key: "brokerId", Text: "5"}, {Key: "enableControllerMode", Text: "true"}}, "5"},
		{[]Value{{Key: "brokerId", Text: "5"}, {Key: "enableDLegerCommitLog", Text: "true"}}, "-1"},
	} {
		s, _ := Load(Broker, testMachine(), Source{Values: tt.values})
		if got, _ := s.Get("brokerId"); got != tt.want {
			t.Errorf("%v: brokerId is %s, want %s", tt.values, got, tt.want)
		}
	}
}

func TestSources(t *testing.T) {
	env := EnvironmentSource(Broker, []string{"GANTRY_BROKER_NAME=e", "GANTRY_BROKER_IP1=10.0.0.1", "GANTRY_NONSENSE=1", "PATH=/bin"})
	flags := FlagSource(map[string]string{"brokerName": "f"})
	s, warnings := Load(Broker, testMachine(), env, flags)
	if len(warnings) > 0 && !strings.Contains(warnings[0].Text, "no effect") {
		t.Errorf("warnings %v", warnings)
	}
	for key, want := range map[string]string{"brokerName": "f", "brokerIP1": "10.0.0.1", "brokerIP2": "192.0.2.2", "listenPort": "10911"} {
		if got, _ := s.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	got := EnvironmentWarnings(Broker, []string{"GANTRY_BROKR_NAME=e", "GANTRY_BROKER_NAME=e", "GANTRY_KV_CONFIG_PATH=x", "GANTRY_LOG_LEVEL=debug", "GANTRY_DATA=d", "BROKR_NAME=e"})
	if len(got) != 1 || got[0].String() != "the environment: there is no setting GANTRY_BROKR_NAME; is GANTRY_BROKER_NAME meant?" {
		t.Errorf("warnings of the environment: %v", got)
	}
	names := map[string]string{}
	for _, p := range []*Process{Broker, Namesrv, Controller, Proxy} {
		for _, k := range p.Keys() {
			name := EnvironmentName(k.Name)
			if k.Name == "tlsTestModeEnable" {
				continue // the proxy's name for tls.test.mode.enable
			}
			if other, ok := names[name]; ok && other != k.Name {
				t.Errorf("%s and %s share the variable %s", other, k.Name, name)
			}
			names[name] = k.Name
		}
	}
	proxy, err := JSONSource("rmq-proxy.json", []byte(`{"proxyName":"p","grpcServerPort":9081,enableACL:true,"rocketMQClusterName":'c'}`))
	if err != nil {
		t.Fatal(err)
	}
	s, _ = Load(Proxy, testMachine(), proxy)
	for key, want := range map[string]string{"proxyName": "p", "grpcServerPort": "9081", "rocketMQClusterName": "c"} {
		if got, _ := s.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if _, err := JSONSource("x", []byte(`[1`)); err == nil {
		t.Error("text that is no object was accepted")
	}
	if _, err := FileSource("x", []byte(`a=\u12`)); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a broken escape: %v", err)
	}
}

func TestPrint(t *testing.T) {
	s, _ := Load(Broker, testMachine(), Source{Values: []Value{{Key: "brokerIP1", Text: "10.0.0.9"}}})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const head = "2026-01-02 03:04:05 INFO main - "
	// As the official -m prints it.
	want := ""
	for _, line := range []string{
		"namesrvAddr=", "listenPort=6888", "brokerIP1=10.0.0.9", "recoverConcurrently=false", "autoCreateTopicEnable=true",
		"autoCreateSubscriptionGroup=true", "msgTraceTopicName=RMQ_SYS_TRACE_TOPIC", "traceTopicEnable=false", "rejectTransactionMessage=false",
		"fetchNameSrvAddrByDnsLookup=false", "fetchNamesrvAddrByAddressServer=false", "transactionTimeOut=6000", "transactionCheckMax=15",
		"transactionCheckInterval=30000", "aclEnable=false",
	} {
		want += head + line + "\n"
	}
	if got := string(s.AppendPrint(nil, now, true)); got != want {
		t.Errorf("important keys: %s", firstDifference(got, want))
	}
	all := strings.Split(strings.TrimSpace(string(s.AppendPrint(nil, now, false))), "\n")
	if len(all) != 302 {
		t.Errorf("%d keys are printed, officially 302", len(all))
	}
	if all[0] != head+"brokerConfigPath=" || all[len(all)-1] != head+"statefulAuthorizationCacheExpiredSecond=60" {
		t.Errorf("printed from %q to %q", all[0], all[len(all)-1])
	}
	if !slices.Contains(all, head+"listenPort=10911") || slices.Contains(all, head+"brokerName=vm") {
		t.Error("the port of the network server is missing, or the name, which -p leaves out, is there")
	}
}

func TestNear(t *testing.T) {
	for name, want := range map[string]string{
		"brokername": "brokerName", "brokerClustrName": "brokerClusterName", "flushDiskTyp": "flushDiskType",
		"storepathrootdir": "storePathRootDir", "x": "", "completelyDifferent": "", "": "",
	} {
		if got := Broker.Near(name); got != want {
			t.Errorf("Near(%q) = %q, want %q", name, got, want)
		}
	}
}
