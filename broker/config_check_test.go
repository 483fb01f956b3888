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
