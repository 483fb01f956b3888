package groups

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func TestLightGroups(t *testing.T) {
	m, _, err := Open(Options{Path: t.TempDir() + "/subscriptionGroup.json", Now: func() int64 { return 1 }, LightQueues: true})
	if err != nil {
		t.Fatal(err)
	}
	const name = "%LMQ%a"
	version := m.DataVersion()
	check := func(after string) {
		t.Helper()
		if c := m.Find(name); c == nil || c.GroupName != name || !c.ConsumeEnable || c.RetryMaxTimes != 16 {
			t.Errorf("after %s the light group is %+v", after, c)
		}
		if _, kept := m.Snapshot().SubscriptionGroupTable[name]; kept || m.DataVersion() != version {
			t.Errorf("%s changed the table", after)
		}
	}
	check("the start")
	if err := m.Update(&protocol.SubscriptionGroupConfig{GroupName: name}); err != nil {
		t.Error(err)
	}
	check("an update")
	if existed, err := m.Delete(name); existed || err != nil {
		t.Errorf("deleted: %v, %v", existed, err)
	}
	check("a deletion")
	if m, _, err = Open(Options{Path: t.TempDir() + "/subscriptionGroup.json", Now: func() int64 { return 1 }}); err != nil || m.Contains(name) {
		t.Errorf("a broker without light queues has a light group (%v)", err)
	}
}
