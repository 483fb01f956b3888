package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/config"
)

func TestConfigurationInRocksDBIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := refuseRocksConfig(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "topics"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "topics", "CURRENT"), []byte("MANIFEST-000004\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := refuseRocksConfig(dir); err == nil || !strings.Contains(err.Error(), "RocksDB") {
		t.Errorf("error %v", err)
	}
}

func TestNameServerLists(t *testing.T) {
	for list, good := range map[string]bool{
		"": true, "ns:9876": true, "10.0.0.1:9876; ns2:9876;": true, "[::1]:9876": true,
		"zz": false, "ns:": false, "ns:9876,ns2:9876": false, "ns:70000": false, "ns:9876;zz": false,
	} {
		if err := checkNameServers(list); (err == nil) != good {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// TestRefusedSettings: what would leave data half understood is refused.
func TestRefusedSettings(t *testing.T) {
	for _, tt := range []struct {
		set  map[string]string
		word string // of the refusal; empty is none
	}{
		{nil, ""},
		{map[string]string{"transRocksDBEnable": "true"}, ""},
		{map[string]string{"transRocksDBEnable": "true", "transWriteOriginTransHalfEnable": "false"}, "half messages"},
		{map[string]string{"timerRocksDBEnable": "true"}, "RocksDB"},
		{map[string]string{"enableDLegerCommitLog": "true"}, "DLedger"},
		{map[string]string{"storeType": "defaultRocksDB"}, "storeType"},
	} {
		dir := t.TempDir()
		settings, _ := config.Load(config.Broker, testMachine(dir), config.FlagSource(tt.set))
		err := check(settings, testConfig(dir))
		if tt.word == "" && err != nil || tt.word != "" && (err == nil || !strings.Contains(err.Error(), tt.word)) {
			t.Errorf("%v: %v", tt.set, err)
		}
	}
}
