package topics

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/gantrymq/gantry/broker/table"
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
	if err != nil || !bytes.Contains(grown, []byte(table.EntryStart)) {
		t.Fatalf("the file was not appended to: %v", err)
	}
	if err := m.Settle(); err != nil {
		t.Fatal(err)
	}
	settled, err := os.ReadFile(m.opts.Path)
	if err != nil || bytes.Contains(settled, []byte(table.EntryStart)) || !bytes.HasSuffix(settled, []byte(table.Closing)) {
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
