package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/config"
)

// otherValue is a value that a key takes and that is not its default.
func otherValue(t *testing.T, s *config.Settings, key *config.Key) string {
	t.Helper()
	standard, _ := s.Get(key.Name)
	for _, text := range []string{"41", "true", "false", "SYNC_FLUSH", "SLAVE", "POP", "PROM", "FORCE"} {
		other, warnings := config.Load(s.Process(), config.Machine{}, config.Source{Values: []config.Value{{Key: key.Name, Text: text}}})
		got, _ := other.Get(key.Name)
		refused := slices.ContainsFunc(warnings, func(w config.Warning) bool { return !strings.Contains(w.Text, "has no effect") })
		if !refused && got == text && text != standard {
			return text
		}
	}
	return ""
}

// Every key of a process can be set by a flag of its command and by a variable
// of the environment, and a flag wins.
func TestEveryKeyIsAFlagAndAVariable(t *testing.T) {
	t.Setenv("NAMESRV_ADDR", "")
	for _, p := range configProcesses {
		standard := config.Standard(p, config.Machine{})
		tried := 0
		for _, key := range p.Keys() {
			value := otherValue(t, standard, key)
			if value == "" {
				continue // no setter, or computed from other keys
			}
			tried++
			s := settingsOf(p)
			cmd := &cobra.Command{}
			s.bind(cmd.Flags())
			if err := cmd.ParseFlags([]string{"--" + key.Name, value}); err != nil {
				t.Errorf("%s: %v", key.Name, err)
				continue
			}
			byFlag, _, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := byFlag.Get(key.Name); got != value || byFlag.Origin(key.Name) != "the command line" {
				t.Errorf("%s --%s=%s: %q from %s", p.Name, key.Name, value, got, byFlag.Origin(key.Name))
			}

			name := config.EnvironmentName(key.Name)
			t.Setenv(name, value)
			byVariable, _, err := settingsOf(p).load()
			os.Unsetenv(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := byVariable.Get(key.Name); got != value || byVariable.Origin(key.Name) != "the environment" {
				t.Errorf("%s %s=%s: %q from %s", p.Name, name, value, got, byVariable.Origin(key.Name))
			}
		}
		if all := len(p.Keys()); tried < all*9/10 {
			t.Errorf("%s: only %d of %d keys were tried", p.Name, tried, all)
		}
	}
}

func TestSourcesInOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.conf")
	if err := os.WriteFile(file, []byte("brokerName=f\nregionId=f\nfileReservedTime=5\ntraceOnn=true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GANTRY_REGION_ID", "e")
	t.Setenv("GANTRY_FILE_RESERVED_TIME", "6")
	s := settingsOf(config.Broker)
	s.file, s.flags["fileReservedTime"] = file, "7"
	s.program = []config.Value{{Key: "brokerName", Text: "p"}, {Key: "brokerClusterName", Text: "p"}}
	s.over = []config.Value{{Key: "listenPort", Text: "8"}}
	all, warnings, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"brokerClusterName": "p", "brokerName": "f", "regionId": "e", "fileReservedTime": "7", "listenPort": "8"} {
		if got, _ := all.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(warnings) != 1 || warnings[0].String() != file+", line 4: there is no key traceOnn; is traceOn meant?" {
		t.Errorf("warnings %v", warnings)
	}
}

// In one process a key of both parts is for both, but each has its own port.
func TestServerSettings(t *testing.T) {
	t.Setenv("GANTRY_LISTEN_PORT", "23911")
	t.Setenv("GANTRY_NAMESRV_PORT", "23876")
	t.Setenv("NAMESRV_ADDR", "elsewhere:9876")
	s := &serverSettings{data: "d", broker: settingsOf(config.Broker), namesrv: settingsOf(config.Namesrv)}
	s.namesrvPort = keyFlag{key: "listenPort", to: map[string]string{}}
	cmd := &cobra.Command{}
	s.broker.bind(cmd.Flags())
	s.namesrv.bind(cmd.Flags())
	if err := cmd.ParseFlags([]string{"--bindAddress", "127.0.0.1", "--clusterTest", "true"}); err != nil {
		t.Fatal(err)
	}
	n, _, err := s.loadNamesrv()
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := s.loadBroker("127.0.0.1:23876")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s         *config.Settings
		key, want string
	}{
		{n, "listenPort", "23876"}, {b, "listenPort", "23911"},
		{n, "bindAddress", "127.0.0.1"}, {b, "bindAddress", "127.0.0.1"},
		{n, "clusterTest", "true"},
		{n, "kvConfigPath", "d/namesrv/kvConfig.json"}, {b, "storePathRootDir", "d/store"},
		{b, "namesrvAddr", "127.0.0.1:23876"},
	} {
		if got, _ := tt.s.Get(tt.key); got != tt.want {
			t.Errorf("%s of the %s is %q, want %q", tt.key, tt.s.Process().Name, got, tt.want)
		}
	}
	s.namesrvPort.Set("0")
	if n, _, err = s.loadNamesrv(); err != nil {
		t.Fatal(err)
	}
	if got, _ := n.Get("listenPort"); got != "0" {
		t.Errorf("--namesrvPort 0 makes %s", got)
	}
}

// Settings of TLS come from tls.properties too, below everything else, and one
// that cannot be taken keeps the server from starting.
func TestTLSSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tls.properties")
	if err := os.WriteFile(file, []byte("tls.test.mode.enable=false\ntls.server.certPath=/f\ntls.server.keyPath=/f\nbrokerName=x\ntls.enable=true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GANTRY_TLS_CONFIG_FILE", file)
	t.Setenv("GANTRY_TLS_SERVER_CERT_PATH", "/e")
	t.Setenv("GANTRY_TLS_SERVER_NEED_CLIENT_AUTH", "require")
	for _, p := range []*config.Process{config.Broker, config.Namesrv} {
		s := settingsOf(p)
		s.flags["tls.server.mode"] = "enforcing"
		all, _, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{
			"tls.test.mode.enable": "false", "tls.server.keyPath": "/f", "tls.server.certPath": "/e",
			"tls.server.need.client.auth": "require", "tls.server.mode": "enforcing", "tls.enable": "false",
		} {
			if got, _ := all.Get(key); got != want {
				t.Errorf("%s of the %s is %q, want %q", key, p.Name, got, want)
			}
		}
		if name, _ := all.Get("brokerName"); name == "x" {
			t.Error("tls.properties sets the broker's name")
		}
		if strings.Contains(string(all.Answer()), "tls.") {
			t.Error("settings of TLS are answered to whoever asks")
		}
		s.flags["tls.server.mode"] = "enforced"
		if _, _, err := s.load(); err == nil || !strings.Contains(err.Error(), "tls.server.mode=enforced") {
			t.Errorf("a mode that does not exist: %v", err)
		}
	}
}

func TestUpdatesFile(t *testing.T) {
	if got := updatesOf("b.conf", "/home/x"); got != "b.conf" {
		t.Errorf("with a file: %s", got)
	}
	if got := updatesOf("", "/home/x"); got != "/home/x/store/config/broker.properties" {
		t.Errorf("without one: %s", got)
	}
}
