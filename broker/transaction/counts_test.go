package transaction

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// officialCounts is the file of a broker of 5.5.0, shortened.
const officialCounts = `{"dataVersion":{"counter":9,"stateVersion":0,"timestamp":1750000000123},"transactionCount":{"Orders":{"count":3,"timeStamp":1750000000456}}}`

func TestCountsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", "transactionMetrics")
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(officialCounts), 0o644))
	b := newBench(t)
	b.open(path)
	if got := b.HalfMessages(); !maps.Equal(got, map[string]int64{"Orders": 3}) {
		t.Fatalf("loaded %v", got)
	}
	must(t, b.counts.file.Persist())
	if text, err := os.ReadFile(path); err != nil || string(text) != officialCounts {
		t.Errorf("written back as %s, %v", text, err)
	}
	b.Opened("Orders")
	b.Opened("Payments")
	must(t, b.counts.persist(false))
	b.open(path)
	if got := b.HalfMessages(); !maps.Equal(got, map[string]int64{"Orders": 4, "Payments": 1}) {
		t.Errorf("loaded %v", got)
	}
}

func TestCountsFileIsLeftBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transactionMetrics")
	b := newBench(t)
	b.open(path)
	must(t, b.counts.persist(false))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file without a reason: %v", err)
	}
	must(t, b.Close())
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestCountsFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transactionMetrics")
	must(t, os.WriteFile(path, []byte(`{"transactionCount":{"Orders":`), 0o644))
	b := newBench(t)
	o := b.opts
	o.Path = path
	_, loaded, err := Open(o)
	if err != nil || loaded.SetAside == "" {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
}
