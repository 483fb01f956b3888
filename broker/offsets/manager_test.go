package offsets

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

const now = 1_750_000_000_000

func open(t *testing.T, change func(*Options)) *Manager {
	t.Helper()
	o := Options{
		Path: filepath.Join(t.TempDir(), "config", "consumerOffset.json"), Now: func() int64 { return now }, ServerSideReset: true,
	}
	if change != nil {
		change(&o)
	}
	m, _, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reopen writes m and loads what it has written.
func reopen(t *testing.T, m *Manager) *Manager {
	t.Helper()
	if err := m.Persist(); err != nil {
		t.Fatal(err)
	}
	again, loaded, err := Open(m.opts)
	if err != nil || loaded.Origin != configfile.FromFile {
		t.Fatalf("reopen: origin %d, %v", loaded.Origin, err)
	}
	return again
}

func writeFile(t *testing.T, o *Options, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.Path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// The official broker's file is read, and written again byte for byte.
func TestOfficialFileRoundTrip(t *testing.T) {
	data, err := os.ReadFile("testdata/consumerOffset.json")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, func(o *Options) { writeFile(t, o, data) })
	const group = "BenchG_55"
	want := map[int32]int64{0: 1, 1: 2, 2: 1, 3: 1}
	if got := m.QueryAll(group, "Orders"); !maps.Equal(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
	for queue, offset := range want {
		m.CommitPull(group, "Orders", queue, offset) // upstream writes this table, too, and does not read it
		m.Commit(group, "Orders", queue, offset)
	}
	if err := m.Persist(); err != nil {
		t.Fatal(err)
	}
	if ours, err := os.ReadFile(m.opts.Path); err != nil || string(ours) != string(data) {
		t.Errorf("the file changed: %v\n%s", err, ours)
	}
}

func TestFileRoundTrip(t *testing.T) {
	m := open(t, nil)
	for _, topic := range []string{"B", "A", "%RETRY%G1"} {
		for _, group := range []string{"G1", "G2"} {
			for _, queue := range []int32{7, 0, 3} {
				m.Commit(group, topic, queue, int64(queue)*100)
			}
		}
	}
	m.Commit("say \"hi\"\x01", "é", 0, 9)
	odd := `{"dataVersion":{"counter":3,"stateVersion":4,"timestamp":5},"offsetTable":{"without group":{0:1},"empty@G1":{}}}`
	if err := m.decode([]byte(odd)); err != nil {
		t.Fatal(err)
	}
	m.changes.Add(1)
	again := reopen(t, m)
	if got, want := again.Snapshot(), m.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %v, want %v", got, want)
	}
	text, err := os.ReadFile(m.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.file.Persist(); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(m.opts.Path); err != nil || string(second) != string(text) {
		t.Errorf("written again: %v\n%s\nfirst\n%s", err, second, text)
	}
}

func TestSnapshot(t *testing.T) {
	m := open(t, nil)
	m.Commit("G", "B", 1, 2)
	m.Commit("G", "A", 0, 3)
	m.CommitPull("H", "B", 0, 4)
	want := protocol.ConsumerOffsetSerializeWrapper{
		DataVersion: m.DataVersion(), GroupTopicMap: map[string][]string{"G": {"A", "B"}},
		OffsetTable:     map[string]map[int32]int64{"B@G": {1: 2}, "A@G": {0: 3}},
		PullOffsetTable: map[string]map[int32]int64{"B@H": {0: 4}},
	}
	if got := m.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("the table is %+v, want %+v", got, want)
	}
}

func TestEmptyFile(t *testing.T) {
	m := open(t, nil)
	m.RemoveGroup("G") // counts as a change
	if err := m.Persist(); err != nil {
		t.Fatal(err)
	}
	const want = "{\n\t\"dataVersion\":{\n\t\t\"counter\":0,\n\t\t\"stateVersion\":0,\n\t\t\"timestamp\":1750000000000\n\t},\n" +
		"\t\"groupTopicMap\":{},\n\t\"offsetTable\":{},\n\t\"pullOffsetTable\":{}\n}"
	if got, err := os.ReadFile(m.opts.Path); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestCommitAndQuery(t *testing.T) {
	m := open(t, nil)
	if _, ok := m.Query("G", "T", 0); ok {
		t.Error("there is an offset before any commit")
	}
	if prev := m.Commit("G", "T", 2, 10); prev != -1 {
		t.Errorf("first commit replaced %d", prev)
	}
	if prev := m.Commit("G", "T", 2, 7); prev != 10 {
		t.Errorf("second commit replaced %d", prev)
	}
	if offset, ok := m.Query("G", "T", 2); offset != 7 || !ok {
		t.Errorf("Query = %d, %t", offset, ok)
	}
	for _, q := range []struct {
		group, topic string
		queue        int32
	}{{"G", "T", 1}, {"G2", "T", 2}, {"G", "T2", 2}} {
		if offset, ok := m.Query(q.group, q.topic, q.queue); ok {
			t.Errorf("%v has offset %d", q, offset)
		}
	}
	if m.QueryAll("G", "none") != nil {
		t.Error("QueryAll invents a topic")
	}
}

func TestPullOffset(t *testing.T) {
	m := open(t, nil)
	m.Commit("G", "T", 0, 5)
	if offset, ok := m.QueryPull("G", "T", 0); offset != 5 || !ok {
		t.Errorf("without a pull: %d, %t", offset, ok)
	}
	m.CommitPull("G", "T", 0, 9)
	if offset, _ := m.QueryPull("G", "T", 0); offset != 9 {
		t.Errorf("after a pull: %d", offset)
	}
	if offset, _ := m.Query("G", "T", 0); offset != 5 {
		t.Errorf("the pull moved the commit to %d", offset)
	}
}

func TestReset(t *testing.T) {
	m := open(t, nil)
	m.Commit("G", "T", 0, 100)
	if err := m.AssignReset("G", "T", 0, 40); err != nil {
		t.Fatal(err)
	}
	m.Commit("G", "T", 0, 101) // the client does not know yet
	if offset, _ := m.Query("G", "T", 0); offset != 40 || !m.HasReset("G", "T", 0) {
		t.Errorf("Query = %d while a reset waits", offset)
	}
	if offset, ok := m.TakeReset("G", "T", 0); offset != 40 || !ok {
		t.Errorf("TakeReset = %d, %t", offset, ok)
	}
	if _, ok := m.TakeReset("G", "T", 0); ok || m.HasReset("G", "T", 0) {
		t.Error("the reset was not forgotten")
	}
	if offset, _ := m.Query("G", "T", 0); offset != 101 {
		t.Errorf("Query = %d after the reset", offset)
	}
	for _, bad := range []error{
		m.AssignReset("", "T", 0, 1), m.AssignReset("G", "", 0, 1), m.AssignReset("G", "T", -1, 1), m.AssignReset("G", "T", 0, -1),
	} {
		if bad == nil {
			t.Error("a bad reset was taken")
		}
	}
	client := open(t, func(o *Options) { o.ServerSideReset = false })
	if err := client.AssignReset("G", "T", 0, 40); err != nil {
		t.Fatal(err)
	}
	client.Commit("G", "T", 0, 101)
	if offset, _ := client.Query("G", "T", 0); offset != 101 {
		t.Errorf("Query = %d where resets are the client's business", offset)
	}
}

func TestClone(t *testing.T) {
	m := open(t, nil)
	m.Commit("from", "T", 0, 1)
	m.Commit("to", "T", 5, 9)
	m.Clone("from", "to", "T")
	m.Clone("nobody", "to", "T")
	m.Commit("from", "T", 0, 2)
	if got := m.QueryAll("to", "T"); !maps.Equal(got, map[int32]int64{0: 1}) {
		t.Errorf("cloned %v", got)
	}
}

func TestRemove(t *testing.T) {
	fill := func() *Manager {
		m := open(t, nil)
		for _, group := range []string{"G1", "G2"} {
			for _, topic := range []string{"T1", "T2"} {
				m.Commit(group, topic, 0, 1)
				m.CommitPull(group, topic, 0, 2)
				if err := m.AssignReset(group, topic, 1, 3); err != nil {
					t.Fatal(err)
				}
			}
		}
		return m
	}
	left := func(m *Manager) []string {
		var keys []string
		for _, tab := range []*table{&m.committed, &m.pulled, &m.resets} {
			for k := range tab.all {
				keys = append(keys, k.String())
			}
		}
		slices.Sort(keys)
		return slices.Compact(keys)
	}
	m := fill()
	m.RemoveGroup("G1")
	if got := left(m); !slices.Equal(got, []string{"T1@G2", "T2@G2"}) {
		t.Errorf("after RemoveGroup: %v", got)
	}
	m = fill()
	m.RemoveTopic("T1")
	if got := left(m); !slices.Equal(got, []string{"T1@G1", "T1@G2", "T2@G1", "T2@G2"}) {
		t.Errorf("after RemoveTopic: %v", got)
	}
	if _, ok := m.Query("G1", "T1", 0); ok {
		t.Error("an offset outlives its topic")
	}
	if at, ok := m.LastPull("G1", "T1", 0); !ok || at != 2 {
		t.Errorf("after RemoveTopic the group pulled last at %d, %t", at, ok)
	}
}

func TestLists(t *testing.T) {
	m := open(t, nil)
	if !m.Empty() {
		t.Error("not empty at first")
	}
	m.Commit("G1", "T1", 0, 1)
	if m.Empty() {
		t.Error("empty with an offset")
	}
	m.Commit("G1", "T2", 0, 1)
	m.Commit("G2", "T1", 0, 1)
	topics, groups := m.Topics("G1"), m.Groups("T1")
	slices.Sort(topics)
	slices.Sort(groups)
	if !slices.Equal(topics, []string{"T1", "T2"}) || !slices.Equal(groups, []string{"G1", "G2"}) {
		t.Errorf("topics %v, groups %v", topics, groups)
	}
}

func TestSlowestOffsets(t *testing.T) {
	m := open(t, nil)
	m.Commit("fast", "T", 0, 90)
	m.Commit("slow", "T", 0, 50)
	m.Commit("lost", "T", 0, 9) // before the oldest message
	m.Commit("except", "T", 0, 20)
	m.Commit("slow", "T", 1, 70)
	m.Commit("slow", "other", 2, 10)
	got := m.SlowestOffsets("T", []string{"except"}, func(int32) int64 { return 10 })
	if !maps.Equal(got, map[int32]int64{0: 50, 1: 70}) {
		t.Errorf("SlowestOffsets = %v", got)
	}
	if _, ok := m.Query("except", "T", 0); !ok {
		t.Error("the group left aside lost its offset")
	}
}

func TestDataVersion(t *testing.T) {
	m := open(t, func(o *Options) { o.VersionStep = 10 })
	for i := range 25 {
		m.Commit("G", "T", 0, int64(i))
	}
	if got, want := m.DataVersion(), (protocol.DataVersion{Counter: 2, Timestamp: now}); got != want {
		t.Errorf("version %+v after 25 commits, want %+v", got, want)
	}
}

// The file is written when something changed, and only then.
func TestPersistOnlyChanges(t *testing.T) {
	fs := &countingFS{FS: configfile.OS}
	m := open(t, func(o *Options) {
		o.FS = fs
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
			t.Fatal(err)
		}
	})
	persist := func(want int) {
		t.Helper()
		if err := m.Persist(); err != nil {
			t.Fatal(err)
		}
		if fs.writes != want {
			t.Errorf("%d writes, want %d", fs.writes, want)
		}
	}
	persist(0)
	m.Commit("G", "T", 0, 1)
	persist(1)
	persist(1)
	m.CommitPull("G", "T", 0, 1) // is not read back
	persist(1)
	m.Clone("G", "G2", "T")
	persist(2)
	m.Commit("G", "T", 0, 2)
	fs.err = errors.New("no space left")
	if err := m.Persist(); !errors.Is(err, fs.err) {
		t.Errorf("Persist = %v", err)
	}
	fs.err = nil
	persist(4)
}

type countingFS struct {
	configfile.FS
	writes int
	err    error
}

func (f *countingFS) WriteFile(name string, data []byte) error {
	f.writes++
	if f.err != nil {
		return f.err
	}
	return f.FS.WriteFile(name, data)
}

func TestNamesAreCopied(t *testing.T) {
	lent := []byte("GroupTopic")
	group, topic := unsafe.String(&lent[0], 5), unsafe.String(&lent[5], 5)
	m := open(t, nil)
	m.Commit(group, topic, 0, 1)
	m.CommitPull(group, topic, 0, 2)
	for i := range lent {
		lent[i] = '#'
	}
	if _, ok := m.Query("Group", "Topic", 0); !ok {
		t.Errorf("the table has %v", m.Snapshot())
	}
	if offset, _ := m.QueryPull("Group", "Topic", 0); offset != 2 {
		t.Errorf("the pull offset is %d", offset)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	m := open(t, nil)
	group, topic := strings.Clone("G"), strings.Clone("T")
	m.Commit(group, topic, 3, 0)
	m.CommitPull(group, topic, 3, 0)
	var offset int64
	if n := testing.AllocsPerRun(1000, func() {
		offset++
		m.Commit(group, topic, 3, offset)
		m.CommitPull(group, topic, 3, offset)
		m.Query(group, topic, 3)
	}); n != 0 {
		t.Errorf("commits and queries allocate %v times", n)
	}
}

// Commits, queries, removals and writes at once; the race detector looks on.
func TestConcurrentUse(t *testing.T) {
	m := open(t, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			group := fmt.Sprintf("G%d", g)
			for i := range 500 {
				m.Commit(group, "T", int32(i%8), int64(i))
				m.Query(group, "T", 0)
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if err := m.Persist(); err != nil {
				t.Error(err)
			}
			m.RemoveTopic("other")
		}
	})
	wg.Wait()
	for g := range 4 {
		for q := range int32(8) {
			// The last of 500 commits that went to queue q.
			if offset, _ := m.Query(fmt.Sprintf("G%d", g), "T", q); offset != 496+int64(q) && offset != 488+int64(q) || offset > 499 {
				t.Errorf("group %d queue %d: offset %d", g, q, offset)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := os.ReadFile("testdata/consumerOffset.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"offsetTable":{"a@b":{"0":1},"@":{},"x":null}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &Manager{}
		if !utf8.Valid(b) || m.decode(b) != nil {
			return // what is no text has no names that could come back
		}
		text, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		again := &Manager{}
		if err := again.decode(text); err != nil {
			t.Fatalf("%s\nis not read: %v", text, err)
		}
		if got, want := again.Snapshot(), m.Snapshot(); !reflect.DeepEqual(got, want) {
			t.Errorf("%v came back as %v", want, got)
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	m := &Manager{opts: Options{VersionStep: 500, Now: func() int64 { return now }}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int64(0); pb.Next(); i++ {
			m.Commit("group", "topic", int32(i&7), i)
		}
	})
}

// What the broker commits for groups that broadcast is in the tables, and in no list of groups.
func TestGroupsOfTheBroker(t *testing.T) {
	m := open(t, nil)
	m.Commit("g", "t", 0, 5)
	m.Commit("g@broadcast", "t", 0, 3)
	m.Commit("g@broadcast", "u", 0, 4)
	if got := m.Groups("t"); !slices.Equal(got, []string{"g"}) {
		t.Errorf("groups of the topic: %v", got)
	}
	if got := m.Topics("g@broadcast"); len(got) != 0 {
		t.Errorf("topics of the broker's group: %v", got)
	}
	w := m.Snapshot()
	if got := w.OffsetTable["t@g@broadcast"][0]; got != 3 || len(w.GroupTopicMap) != 1 {
		t.Errorf("the table for other brokers has offset %d, and the groups %v", got, w.GroupTopicMap)
	}
	zero := func(int32) int64 { return 0 }
	if got := m.SlowestOffsets("t", nil, zero)[0]; got != 3 {
		t.Errorf("slowest offset %d, want 3", got)
	}
	if got := m.SlowestOffsets("t", []string{"g"}, zero); len(got) != 0 {
		t.Errorf("slowest offsets without the group: %v", got)
	}
	m.RemoveTopic("t")
	m.RemoveGroup("g")
	again := reopen(t, m)
	if got, ok := again.Query("g@broadcast", "t", 0); !ok || got != 3 {
		t.Errorf("after topic and group are gone and the file is read again: %d, %v", got, ok)
	}
	if got, ok := again.Query("g", "t", 0); ok {
		t.Errorf("the group's own offset %d is left", got)
	}
}
