package staticqueue

import (
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is files in memory.
type disk struct {
	mu    sync.Mutex
	files map[string][]byte
}

func newDisk() *disk { return &disk{files: map[string][]byte{}} }

func (d *disk) ReadFile(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return b, nil
}

func (d *disk) WriteFile(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = append([]byte(nil), data...)
	return nil
}

func (d *disk) WriteAt(string, []byte, int64) error {
	panic("the file of mappings is replaced as a whole")
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.files[from]
	if !ok {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.files[to] = b
	delete(d.files, from)
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
	return nil
}

func (d *disk) MkdirAll(string) error { return nil }
func (d *disk) SyncDir(string) error  { return nil }

var _ configfile.FS = (*disk)(nil)

const path = "config/topicQueueMapping.json"

func open(t *testing.T, d *disk) (*Manager, configfile.Loaded) {
	t.Helper()
	m, loaded, err := Open(Options{FS: d, Path: filepath.FromSlash(path), Now: func() int64 { return 1750000000000 }})
	if err != nil {
		t.Fatal(err)
	}
	return m, loaded
}

func stretch(gen, queue int32, broker string, logic int64) *logicqueue.Item {
	return &logicqueue.Item{Gen: gen, QueueID: queue, BrokerName: broker, LogicOffset: logic, EndOffset: -1, TimeOfStart: -1, TimeOfEnd: -1}
}

func mappingOf(broker string, epoch int64, queues map[int32][]*logicqueue.Item) *Mapping {
	return &Mapping{
		BrokerName: broker, CurrIDMap: map[int32]int32{}, Epoch: epoch, HostedQueues: queues,
		Scope: protocol.MappingScopeGlobal, Topic: "T", TotalQueues: int32(len(queues)),
	}
}

// The file is the official one: keys of maps are numbers, a line for each element.
func TestFile(t *testing.T) {
	t.Parallel()
	d := newDisk()
	m, _ := open(t, d)
	if err := m.Update(mappingOf("broker-a", 7, map[int32][]*logicqueue.Item{3: {stretch(0, 1, "broker-a", 0), nil}}), false); err != nil {
		t.Fatal(err)
	}
	const want = `{
	"dataVersion":{
		"counter":1,
		"stateVersion":0,
		"timestamp":1750000000000
	},
	"topicQueueMappingInfoMap":{
		"T":{
			"bname":"broker-a",
			"currIdMap":{},
			"dirty":false,
			"epoch":7,
			"hostedQueues":{
				3:[
					{
						"bname":"broker-a",
						"endOffset":-1,
						"gen":0,
						"logicOffset":0,
						"queueId":1,
						"startOffset":0,
						"timeOfEnd":-1,
						"timeOfStart":-1
					}
				]
			},
			"scope":"__global__",
			"topic":"T",
			"totalQueues":1
		}
	}
}`
	if got := string(d.files[filepath.FromSlash(path)]); got != want {
		t.Errorf("the file is\n%s", got)
	}
	again, _ := open(t, d)
	table, version := again.Snapshot()
	if version.Counter != 1 || len(table) != 1 || table["T"].HostedQueues[3][0].QueueID != 1 || table["T"].Epoch != 7 {
		t.Errorf("loaded %+v, version %+v", table["T"], version)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	first := func() map[int32][]*logicqueue.Item {
		return map[int32][]*logicqueue.Item{0: {stretch(0, 0, "a", 0)}, 1: {stretch(0, 1, "a", 0)}}
	}
	other := mappingOf("a", 10, first())
	other.Scope = "other"
	for _, c := range []struct {
		name    string
		next    *Mapping
		force   bool
		refused string
	}{
		{"the same again", mappingOf("a", 10, first()), false, ""},
		{"a lower epoch", mappingOf("a", 9, first()), false, "small epoch 9 < 10"},
		{"a lower epoch by force", mappingOf("a", 9, first()), true, ""},
		{"another scope", other, false, "unmatched scope other"},
		{"a queue left out", mappingOf("a", 10, map[int32][]*logicqueue.Item{0: {stretch(0, 0, "a", 0)}}), false, "equal epoch with null data"},
		{"a queue left out later", mappingOf("a", 11, map[int32][]*logicqueue.Item{0: {stretch(0, 0, "a", 0)}}), false, ""},
		{"a queue that contradicts itself", mappingOf("a", 11, map[int32][]*logicqueue.Item{0: {stretch(-1, 0, "a", 0)}}), true, "should not be negative"},
	} {
		m, _ := open(t, newDisk())
		if err := m.Update(mappingOf("a", 10, first()), false); err != nil {
			t.Fatal(err)
		}
		_, before := m.Snapshot()
		err := m.Update(c.next, c.force)
		_, after := m.Snapshot()
		switch {
		case c.refused == "" && (err != nil || after == before || len(m.Get("T").HostedQueues) != 2):
			t.Errorf("%s: %v, queues %v", c.name, err, m.Get("T").HostedQueues)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused) || after != before):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	d := newDisk()
	m, _ := open(t, d)
	if err := m.Update(mappingOf("a", 1, map[int32][]*logicqueue.Item{0: {stretch(0, 0, "a", 0)}}), false); err != nil {
		t.Fatal(err)
	}
	if existed, err := m.Delete("U"); existed || err != nil {
		t.Errorf("a topic that is not static: %t, %v", existed, err)
	}
	if existed, err := m.Delete("T"); !existed || err != nil || m.Get("T") != nil {
		t.Errorf("deleted: %t, %v", existed, err)
	}
	again, _ := open(t, d)
	if table, _ := again.Snapshot(); len(table) != 0 {
		t.Errorf("table %v", table)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	m, _ := open(t, newDisk())
	if err := m.Update(mappingOf("a", 1, map[int32][]*logicqueue.Item{
		4: {stretch(0, 0, "a", 0)}, 2: {stretch(0, 1, "a", 0), stretch(1, 0, "b", 10000)},
	}), false); err != nil {
		t.Fatal(err)
	}
	if p := m.Find("U", 0, protocol.Opt[bool]{}); p.Static() {
		t.Error("a topic that is not static has a place")
	}
	if p := m.Find("T", 4, protocol.Some(false)); p.Static() {
		t.Error("a queue of the broker has a place")
	}
	if p := m.Find("T", 4, protocol.Some(true)); !p.Static() || !p.Led() || !p.AsBrokersOwn() {
		t.Errorf("queue 4: %+v", p)
	}
	if p := m.Find("T", 2, protocol.Opt[bool]{}); p.Led() || p.AsBrokersOwn() || !p.Here(p.At(9999)) || p.Here(p.At(10000)) {
		t.Errorf("queue 2: %+v", p)
	}
	if p := m.Find("T", 7, protocol.Opt[bool]{}); !p.Static() || p.Led() {
		t.Errorf("queue 7: %+v", p)
	}
	if p := m.FindToSend("T", -1, protocol.Opt[bool]{}); p.ID != 2 {
		t.Errorf("without a choice the queue is %d", p.ID)
	}
	if p := m.FindToSend("T", 4, protocol.Opt[bool]{}); p.ID != 4 {
		t.Errorf("the chosen queue is %d", p.ID)
	}
}

// Get is on the way of every send and pull.
func TestLookUpAllocatesNothing(t *testing.T) {
	m, _ := open(t, newDisk())
	topic := "T"
	if n := testing.AllocsPerRun(100, func() {
		if m.Get(topic) != nil {
			t.Error("a topic without a mapping has one")
		}
		if p := m.Find(topic, 0, protocol.Opt[bool]{}); p.Static() {
			t.Error("a topic without a mapping is static")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
