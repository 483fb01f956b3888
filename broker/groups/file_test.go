package groups

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/gantrymq/gantry/broker/table"
	"github.com/gantrymq/gantry/protocol"
)

func addGroup(t *testing.T, m *Manager, name string, retries int32) {
	t.Helper()
	c := protocol.DefaultSubscriptionGroupConfig(name)
	c.RetryMaxTimes = retries
	if err := m.Update(&c); err != nil {
		t.Fatal(err)
	}
}

// sameAfterDeath: what a new process reads is what this one has.
func sameAfterDeath(t *testing.T, m *Manager) {
	t.Helper()
	if got, want := reopen(t, m).Snapshot(), m.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Fatalf("reopened: version %+v with %d groups, want %+v with %d", got.DataVersion, len(got.SubscriptionGroupTable), want.DataVersion, len(want.SubscriptionGroupTable))
	}
}

// TestChangesAreInTheFile: a group that was created or changed is there after the
// process has died, and so is what entries cannot say: a group that was deleted,
// what is forbidden. Settled, the file is in the official form.
func TestChangesAreInTheFile(t *testing.T) {
	m := open(t, nil)
	for i := range 50 {
		if m.Find(fmt.Sprintf("grown%d", i)) == nil {
			t.Fatal("not created")
		}
		addGroup(t, m, "changing", int32(i))
		switch i {
		case 20:
			if _, err := m.Delete("grown7"); err != nil {
				t.Fatal(err)
			}
		case 30:
			if err := m.SetForbidden("grown8", "T", 2, true); err != nil {
				t.Fatal(err)
			}
		}
		sameAfterDeath(t, m)
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
	sameAfterDeath(t, m)
}
