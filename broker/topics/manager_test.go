package topics

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

const now = 1_750_000_000_000

func options(path string) Options {
	return Options{
		Path: path, Now: func() int64 { return now },
		ClusterName: "RoomsCluster", BrokerName: "rooms-a", AutoCreate: true, DefaultQueues: 8,
		ClusterTopic: true, BrokerTopic: true, ReviveQueues: 8, TimerWheelTopic: true,
	}
}

func open(t *testing.T, change func(*Options)) *Manager {
	t.Helper()
	o := options(filepath.Join(t.TempDir(), "config", "topics.json"))
	if change != nil {
		change(&o)
	}
	m, _, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reopen loads what m has written.
func reopen(t *testing.T, m *Manager) *Manager {
	t.Helper()
	again, loaded, err := Open(m.opts)
	if err != nil || loaded.Origin != configfile.FromFile {
		t.Fatalf("reopen: origin %d, %v", loaded.Origin, err)
	}
	return again
}

// The official broker of the same name, freshly started, has these topics: the
// file in testdata was written by it.
func TestSystemTopicsAreTheOfficial(t *testing.T) {
	official := readTable(t, "testdata/topics.json")
	for _, made := range []string{"Orders", "ReadOnly", "Compact", "%RETRY%BenchG_55"} {
		delete(official.TopicConfigTable, made)
	}
	ours, version := open(t, nil).Snapshot()
	if version.Counter != 0 {
		t.Errorf("a first start counts as %d changes", version.Counter)
	}
	for name, c := range official.TopicConfigTable {
		if !reflect.DeepEqual(ours[name], c) {
			t.Errorf("%s\n ours     %+v\n official %+v", name, ours[name], c)
		}
	}
	for name := range ours {
		if official.TopicConfigTable[name] == nil {
			t.Errorf("the official broker does not have %s", name)
		}
	}
}

func readTable(t *testing.T, path string) protocol.TopicConfigSerializeWrapper {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var w protocol.TopicConfigSerializeWrapper
	if err := json.Unmarshal(data, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSystemTopicOptions(t *testing.T) {
	m := open(t, func(o *Options) {
		o.AutoCreate, o.ClusterTopic, o.BrokerTopic, o.TimerWheelTopic = false, false, false, false
		o.TraceTopic = protocol.TopicTrace
	})
	if m.Contains(protocol.TopicAutoCreate) || m.Contains(protocol.TopicWheelTimer) || !m.Contains(protocol.TopicTrace) {
		t.Error("switches of optional system topics are not followed")
	}
	for _, name := range []string{"RoomsCluster", "rooms-a"} {
		if c := m.Get(name); c.Perm != protocol.PermInherit {
			t.Errorf("%s: perm %d", name, c.Perm)
		}
		if !m.IsSystem(name) {
			t.Errorf("%s is no system topic", name)
		}
	}
	if m.IsSystem("Orders") || !m.IsSystem("rmq_sys_anything") {
		t.Error("IsSystem is wrong about plain names")
	}
}

// Loading what the official broker wrote and writing it again loses nothing and
// is the same text, but for the order of the topics, which is a hash table's.
func TestOfficialFileRoundTrip(t *testing.T) {
	data, err := os.ReadFile("testdata/topics.json")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, func(o *Options) {
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(o.Path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	if c := m.Get("Compact"); !maps.Equal(c.Attributes, map[string]string{"cleanup.policy": "COMPACTION", "message.type": "NORMAL"}) {
		t.Errorf("Compact has attributes %v", c.Attributes)
	}
	if c := m.Get("ReadOnly"); c.ReadQueueNums != 8 || c.WriteQueueNums != 2 || c.Perm != protocol.PermRead || !c.Order {
		t.Errorf("ReadOnly = %+v", c)
	}
	if err := m.Persist(); err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(m.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	sortedLines := func(b []byte) []string {
		lines := strings.Split(strings.ReplaceAll(string(b), ",\n", "\n"), "\n")
		slices.Sort(lines)
		return lines
	}
	if !slices.Equal(sortedLines(ours), sortedLines(data)) {
		t.Errorf("the file changed:\n%s", ours)
	}
	if !reflect.DeepEqual(readTable(t, m.opts.Path), readTable(t, "testdata/topics.json")) {
		t.Error("the table changed")
	}
}

func TestCreateOnSend(t *testing.T) {
	tests := []struct {
		name           string
		options        func(*Options)
		template       *protocol.TopicConfig
		defaultTopic   string
		want           int32
		queues, perm   int32
		refused        bool
		templateAbsent bool
	}{
		{name: "client asks for less", defaultTopic: "TBW102", want: 4, queues: 4, perm: 6},
		{name: "client asks for more", defaultTopic: "TBW102", want: 400, queues: 8, perm: 6},
		{name: "client asks for negative", defaultTopic: "TBW102", want: -1, queues: 0, perm: 6},
		{name: "template absent", defaultTopic: "nope", want: 4, refused: true},
		{name: "template not to inherit", defaultTopic: "BenchmarkTest", want: 4, refused: true},
		{name: "own template", template: &protocol.TopicConfig{TopicName: "mine", Perm: 5, WriteQueueNums: 3, ReadQueueNums: 9,
			TopicFilterType: protocol.FilterMultiTag}, defaultTopic: "mine", want: 4, queues: 3, perm: 4},
		{name: "switched off", options: func(o *Options) { o.AutoCreate = false }, defaultTopic: "TBW102", want: 4, refused: true},
		{name: "switched off, in the file", options: func(o *Options) { o.AutoCreate = false },
			template:     &protocol.TopicConfig{TopicName: "TBW102", Perm: 7, WriteQueueNums: 8, ReadQueueNums: 8},
			defaultTopic: "TBW102", want: 4, refused: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var created []*protocol.TopicConfig
			m := open(t, func(o *Options) {
				o.OnCreate = func(c *protocol.TopicConfig) { created = append(created, c) }
				if tt.options != nil {
					tt.options(o)
				}
			})
			if tt.template != nil {
				if err := m.Update(tt.template); err != nil {
					t.Fatal(err)
				}
			}
			before := m.DataVersion()
			c, err := m.CreateOnSend("Fresh", tt.defaultTopic, tt.want, protocol.TopicFlagUnit)
			if tt.refused {
				if err == nil || c != nil || m.Contains("Fresh") || len(created) != 0 || m.DataVersion() != before {
					t.Fatalf("CreateOnSend = %+v, %v; told of %d", c, err, len(created))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.ReadQueueNums != tt.queues || c.WriteQueueNums != tt.queues || c.Perm != tt.perm || c.TopicSysFlag != protocol.TopicFlagUnit {
				t.Errorf("created %+v", c)
			}
			if tt.template != nil && c.TopicFilterType != tt.template.TopicFilterType {
				t.Errorf("filter type %s", c.TopicFilterType)
			}
			if len(created) != 1 || created[0] != c || m.DataVersion().Counter != before.Counter+1 {
				t.Errorf("told of %v, version %v", created, m.DataVersion())
			}
			if got := reopen(t, m).Get("Fresh"); !reflect.DeepEqual(got, c) {
				t.Errorf("written as %+v", got)
			}
			again, err := m.CreateOnSend("Fresh", "nope", 1, 0)
			if err != nil || again != c || len(created) != 1 {
				t.Errorf("an existing topic gave %+v, %v", again, err)
			}
		})
	}
}

// Names are views into a request's memory, which is used for the next request.
func TestCreateCopiesNames(t *testing.T) {
	m := open(t, nil)
	lent := []byte("Fresh%RETRY%G")
	name, retry := asView(lent[:5]), asView(lent[5:])
	if _, err := m.CreateOnSend(name, protocol.TopicAutoCreate, 4, 0); err != nil {
		t.Fatal(err)
	}
	m.CreateOnSendBack(retry, 1, 6, false, 0)
	for i := range lent {
		lent[i] = '#'
	}
	for _, name := range []string{"Fresh", "%RETRY%G"} {
		if c := m.Get(name); c == nil || c.TopicName != name {
			t.Errorf("%s became %+v", name, c)
		}
	}
}

func TestCreateOnSendBack(t *testing.T) {
	created := 0
	m := open(t, func(o *Options) { o.OnCreate = func(*protocol.TopicConfig) { created++ } })
	c := m.CreateOnSendBack("%RETRY%G", 2, 6, false, protocol.TopicFlagUnitSub)
	if c.ReadQueueNums != 2 || c.WriteQueueNums != 2 || c.Perm != 6 || c.Order || c.TopicSysFlag != protocol.TopicFlagUnitSub || created != 1 {
		t.Errorf("created %+v, told %d times", c, created)
	}
	if again := m.CreateOnSendBack("%RETRY%G", 9, 4, false, 0); again != c {
		t.Errorf("an existing topic became %+v", again)
	}
	version := m.DataVersion()
	ordered := m.CreateOnSendBack("%RETRY%G", 9, 4, true, 0)
	if !ordered.Order || ordered.ReadQueueNums != 2 || c.Order || m.DataVersion() == version || created != 1 {
		t.Errorf("ordered: %+v, before %+v, told %d times", ordered, c, created)
	}
	if got := reopen(t, m).Get("%RETRY%G"); !got.Order {
		t.Error("the order mark was not written")
	}
}

// Of many first messages at once one creates the topic.
func TestCreateConcurrently(t *testing.T) {
	var mu sync.Mutex
	created := 0
	m := open(t, func(o *Options) {
		o.OnCreate = func(*protocol.TopicConfig) { mu.Lock(); created++; mu.Unlock() }
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := m.CreateOnSend("Fresh", protocol.TopicAutoCreate, 4, 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if created != 1 || m.DataVersion().Counter != 1 {
		t.Errorf("created %d times, version %+v", created, m.DataVersion())
	}
}

func TestUpdateAlters(t *testing.T) {
	m := open(t, nil)
	update := func(attributes map[string]string, queues int32) error {
		c := protocol.DefaultTopicConfig("Orders")
		c.ReadQueueNums, c.WriteQueueNums, c.Attributes = queues, queues, attributes
		return m.Update(&c)
	}
	if err := update(map[string]string{"+message.type": "FIFO", "+queue.type": "SimpleCQ"}, 4); err != nil {
		t.Fatal(err)
	}
	if err := update(nil, 6); err != nil {
		t.Fatal(err)
	}
	version := m.DataVersion()
	if err := update(map[string]string{"+queue.type": "BatchCQ"}, 8); err == nil || m.DataVersion() != version || m.Get("Orders").ReadQueueNums != 6 {
		t.Errorf("a refused update changed the topic: %v, %+v", err, m.Get("Orders"))
	}
	if err := update(map[string]string{"-message.type": ""}, 8); err != nil {
		t.Fatal(err)
	}
	got := reopen(t, m).Get("Orders")
	if got.ReadQueueNums != 8 || !maps.Equal(got.Attributes, map[string]string{"queue.type": "SimpleCQ"}) {
		t.Errorf("Orders = %+v", got)
	}
}

// A list stops at the first topic that is refused; what came before it stays.
func TestUpdateAll(t *testing.T) {
	m := open(t, nil)
	one, bad, two := protocol.DefaultTopicConfig("one"), protocol.DefaultTopicConfig("bad"), protocol.DefaultTopicConfig("two")
	bad.Attributes["+nope"] = "x"
	if err := m.UpdateAll([]*protocol.TopicConfig{&one, &bad, &two}); err == nil {
		t.Error("a refused topic was not reported")
	}
	again := reopen(t, m)
	if !again.Contains("one") || again.Contains("bad") || again.Contains("two") {
		t.Error("the wrong topics were written")
	}
}

func TestDelete(t *testing.T) {
	m := open(t, nil)
	m.CreateOnSendBack("gone", 1, 6, false, 0)
	if existed, err := m.Delete("gone"); !existed || err != nil {
		t.Errorf("Delete = %t, %v", existed, err)
	}
	version := m.DataVersion()
	if existed, err := m.Delete("gone"); existed || err != nil || m.DataVersion() != version {
		t.Errorf("second Delete = %t, %v", existed, err)
	}
	if reopen(t, m).Contains("gone") {
		t.Error("the deleted topic was written")
	}
}

func TestMarkOrdered(t *testing.T) {
	m := open(t, nil)
	first := m.CreateOnSendBack("T", 1, 6, false, 0)
	if !m.MarkOrdered([]string{"T", "absent"}) || !m.IsOrder("T") || m.IsOrder("absent") || first.Order {
		t.Error("MarkOrdered did not mark T alone, or changed a configuration that was given out")
	}
	if m.MarkOrdered([]string{"T"}) {
		t.Error("MarkOrdered reported a change that was none")
	}
	if got := reopen(t, m).Get("T"); !got.Order {
		t.Errorf("T = %+v", got)
	}
}

func TestPage(t *testing.T) {
	m := open(t, nil)
	all, version := m.Snapshot()
	names := slices.Sorted(maps.Keys(all))
	tests := []struct {
		known       *protocol.DataVersion
		from, limit int
		want        []string
	}{
		{nil, 0, 3, names[:3]},
		{nil, 5, 3, names[:3]},
		{&version, 5, 3, names[5:8]},
		{&protocol.DataVersion{Counter: 99}, 5, 3, names[:3]},
		{&version, len(names) - 1, 3, names[len(names)-1:]},
		{&version, len(names), 3, nil},
		{&version, -1, 3, nil},
		{&version, 0, 0, nil},
	}
	for _, tt := range tests {
		page, v, total := m.Page(tt.known, tt.from, tt.limit)
		if got := slices.Sorted(maps.Keys(page)); !slices.Equal(got, tt.want) || v != version || total != len(names) {
			t.Errorf("Page(%v, %d, %d) = %v of %d, want %v", tt.known, tt.from, tt.limit, got, total, tt.want)
		}
	}
}

// A disk that does not take the file is reported, and the topic works.
func TestPersistFailure(t *testing.T) {
	var reported []error
	m := open(t, func(o *Options) {
		o.FS = brokenFS{configfile.OS}
		o.OnError = func(err error) { reported = append(reported, err) }
	})
	if _, err := m.CreateOnSend("Fresh", protocol.TopicAutoCreate, 4, 0); err != nil || !m.Contains("Fresh") {
		t.Errorf("CreateOnSend = %v", err)
	}
	if len(reported) != 1 || !errors.Is(reported[0], errBroken) {
		t.Errorf("reported %v", reported)
	}
	c := protocol.DefaultTopicConfig("Orders")
	if err := m.Update(&c); !errors.Is(err, errBroken) {
		t.Errorf("Update = %v", err)
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	m := open(t, nil)
	m.CreateOnSendBack("Orders", 4, 6, false, 0)
	name := strings.Clone("Orders")
	if n := testing.AllocsPerRun(100, func() { m.Get(name) }); n != 0 {
		t.Errorf("Get allocates %v times", n)
	}
}

var errBroken = errors.New("no space left")

type brokenFS struct{ configfile.FS }

func (brokenFS) WriteFile(string, []byte) error { return errBroken }
