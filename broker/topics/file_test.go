package topics

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func addTopic(t *testing.T, m *Manager, name string, queues int32) {
	t.Helper()
	c := protocol.DefaultTopicConfig(name)
	c.ReadQueueNums, c.WriteQueueNums = queues, queues
	if err := m.Update(&c); err != nil {
		t.Fatal(err)
	}
}

// TestChangesAreInTheFile: a topic that was created or changed is there after the
// process has died, and the file is in the official form once it has settled.
func TestChangesAreInTheFile(t *testing.T) {
	m := open(t, nil)
	for i := range 50 {
		addTopic(t, m, fmt.Sprintf("grown\"%d\u00e9", i), 4)
		addTopic(t, m, "changing", int32(i))
		if i == 25 {
			if _, err := m.Delete("grown\"7\u00e9"); err != nil {
				t.Fatal(err)
			}
		}
		same(t, reopen(t, m), m)
	}
	grown, err := os.ReadFile(m.opts.Path)
	if err != nil || !bytes.Contains(grown, []byte(entryStart)) {
		t.Fatalf("the file was not appended to: %v", err)
	}
	if err := m.Settle(); err != nil {
		t.Fatal(err)
	}
	settled, err := os.ReadFile(m.opts.Path)
	if err != nil || bytes.Contains(settled, []byte(entryStart)) || !bytes.HasSuffix(settled, []byte(closing)) {
		t.Errorf("settled, the file ends in %q: %v", settled[max(0, len(settled)-200):], err)
	}
	same(t, reopen(t, m), m)
}

func same(t *testing.T, got, want *Manager) {
	t.Helper()
	gotTable, gotVersion := got.Snapshot()
	wantTable, wantVersion := want.Snapshot()
	if gotVersion != wantVersion || !reflect.DeepEqual(gotTable, wantTable) {
		t.Fatalf("reopened: version %+v with %d topics, want %+v with %d", gotVersion, len(gotTable), wantVersion, len(wantTable))
	}
}

// TestTornFile: wherever the last changes are cut, every topic that was in the
// file before is still there.
func TestTornFile(t *testing.T) {
	m := open(t, nil)
	addTopic(t, m, "base", 4)
	whole, err := os.ReadFile(m.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		addTopic(t, m, fmt.Sprintf("grown%d", i), 4)
	}
	grown, err := os.ReadFile(m.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(whole) - len(closing)
	for cut := at; cut <= len(grown); cut++ {
		torn := append(grown[:cut:cut], whole[min(cut, len(whole)):]...) // a write that was cut leaves the rest as it was
		if err := os.WriteFile(m.opts.Path, torn, 0o644); err != nil {
			t.Fatal(err)
		}
		again, loaded, err := Open(m.opts)
		if err != nil || loaded.SetAside != "" || again.Get("base") == nil {
			t.Fatalf("cut at %d, ending in %q: %v, %v", cut, torn[max(0, len(torn)-20):], err, loaded.Reason)
		}
	}
}

// TestUnregistered: what is given out together with its version is complete.
func TestUnregistered(t *testing.T) {
	m := open(t, nil)
	addTopic(t, m, "one", 4)
	addTopic(t, m, "two", 4)
	if _, err := m.Delete("two"); err != nil {
		t.Fatal(err)
	}
	m.MarkOrdered([]string{"one"})
	table, version := m.Unregistered()
	if len(table) != 1 || table["one"] == nil || !table["one"].Order || version != m.DataVersion() {
		t.Errorf("%v at %+v", table, version)
	}
	if table, again := m.Unregistered(); len(table) != 0 || again != version {
		t.Errorf("given out twice: %v at %+v", table, again)
	}
}
