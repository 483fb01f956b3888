package topics

import (
	"testing"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

func TestLightQueues(t *testing.T) {
	registered := 0
	m, _, err := Open(Options{
		FS: configfile.OS, Path: t.TempDir() + "/topics.json", Now: func() int64 { return 1 },
		AutoCreate: true, DefaultQueues: 8, LightQueues: true, OnCreate: func(*protocol.TopicConfig) { registered++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	const name = "%LMQ%a"
	before, version := m.Snapshot()
	check := func(after string) {
		t.Helper()
		c := m.Get(name)
		if c == nil || c.TopicName != name || c.ReadQueueNums != 1 || c.WriteQueueNums != 1 || c.Perm != protocol.PermRead|protocol.PermWrite || c.Order || c.TopicSysFlag != 0 {
			t.Errorf("after %s the light queue is %+v", after, c)
		}
		if table, v := m.Snapshot(); len(table) != len(before) || v != version || registered != 0 {
			t.Errorf("%s changed the table: %d topics, version %v, %d registrations", after, len(table), v, registered)
		}
	}
	check("the start")
	if err := m.Update(&protocol.TopicConfig{TopicName: name, ReadQueueNums: 8, WriteQueueNums: 8, Perm: protocol.PermRead}); err != nil {
		t.Error(err)
	}
	check("an update")
	if c, err := m.CreateOnSend(name, protocol.TopicAutoCreate, 4, 0); err != nil || c.WriteQueueNums != 1 {
		t.Errorf("a send finds %+v, %v", c, err)
	}
	check("a send")
	m.CreateOnSendBack(name, 4, protocol.PermRead, true, 0)
	check("a retry")
	m.MarkOrdered([]string{name})
	check("a mark")
	if existed, err := m.Delete(name); existed || err != nil {
		t.Errorf("deleted: %v, %v", existed, err)
	}
	check("a deletion")
	if m, _, err = Open(Options{FS: configfile.OS, Path: t.TempDir() + "/topics.json", Now: func() int64 { return 1 }}); err != nil || m.Contains(name) {
		t.Errorf("a broker without light queues has one (%v)", err)
	}
}
