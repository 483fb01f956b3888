package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
