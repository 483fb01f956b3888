package groups

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

const now = 1_750_000_000_000

func open(t *testing.T, change func(*Options)) *Manager {
	t.Helper()
	o := Options{
		Path: filepath.Join(t.TempDir(), "config", "subscriptionGroup.json"), Now: func() int64 { return now }, AutoCreate: true,
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

// reopen loads what m has written.
func reopen(t *testing.T, m *Manager) *Manager {
	t.Helper()
	again, loaded, err := Open(m.opts)
	if err != nil || loaded.Origin != configfile.FromFile {
		t.Fatalf("reopen: origin %d, %v", loaded.Origin, err)
	}
	return again
}

func openOfficial(t *testing.T) (*Manager, []byte) {
	t.Helper()
	data, err := os.ReadFile("testdata/subscriptionGroup.json")
	if err != nil {
		t.Fatal(err)
	}
	return open(t, func(o *Options) {
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(o.Path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}), data
}

// A broker that was never told of a group has the official's built-in ones.
func TestBuiltInGroupsAreTheOfficial(t *testing.T) {
	official, _ := openOfficial(t)
	want := official.Snapshot().SubscriptionGroupTable
	for _, made := range []string{"GroupA", "GroupB", "GroupC", "GroupD", "BenchG_55"} {
		delete(want, made)
	}
	got := open(t, nil).Snapshot()
	if !reflect.DeepEqual(got.SubscriptionGroupTable, want) {
		t.Errorf("built-in groups %v, the official has %v", slices.Sorted(maps.Keys(got.SubscriptionGroupTable)), slices.Sorted(maps.Keys(want)))
	}
	if got.DataVersion.Counter != 0 {
		t.Errorf("a first start counts as %d changes", got.DataVersion.Counter)
	}
}

// Loading what the official broker wrote and writing it again is the same text,
// but for the order of the groups, which is a hash table's.
func TestOfficialFileRoundTrip(t *testing.T) {
	m, data := openOfficial(t)
	c := m.Get("GroupC")
	if c.GroupRetryPolicy.Type != protocol.RetryExponential || *c.GroupRetryPolicy.ExponentialRetryPolicy != (protocol.ExponentialRetryPolicy{Initial: 5000, Max: 7200000, Multiplier: 2}) ||
		!maps.Equal(c.Attributes, map[string]string{"priority.factor": "50", "lite.bind.topic": "Orders"}) {
		t.Errorf("GroupC = %+v", c)
	}
	if b := m.Get("GroupB"); !b.ConsumeMessageOrderly || b.ConsumeBroadcastEnable || b.ConsumeFromMinEnable || b.BrokerID != 7 || b.WhichBrokerWhenConsumeSlowly != 5 {
		t.Errorf("GroupB = %+v", b)
	}
	if err := m.Persist(); err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(m.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sortedLines(ours), sortedLines(data); !slices.Equal(got, want) {
		t.Errorf("the file changed:\n%s", ours)
	}
	if got := reopen(t, m).Snapshot(); !reflect.DeepEqual(got, m.Snapshot()) {
		t.Errorf("the table changed: %+v", got)
	}
}

// sortedLines is a file's lines without what the order of a hash table decides,
// and with arrays of numbers on one line: fastjson2 writes Java's long[] so and
// lists otherwise.
func sortedLines(b []byte) []string {
	text := numbers.ReplaceAllStringFunc(string(b), func(s string) string { return strings.Join(strings.Fields(s), "") })
	lines := strings.Split(strings.ReplaceAll(text, ",\n", "\n"), "\n")
	slices.Sort(lines)
	return lines
}

var numbers = regexp.MustCompile(`\[[\s\d,]*\]`)

func TestFind(t *testing.T) {
	tests := []struct {
		name    string
		auto    bool
		sys     bool
		group   string
		created bool
	}{
		{"automatic", true, false, "G", true},
		{"not automatic", false, false, "G", false},
		{"system group", false, true, "CID_RMQ_SYS_X", true},
		{"system group, not allowed", false, false, "CID_RMQ_SYS_X", false},
		{"other group where system groups are allowed", false, true, "G", false},
		{"illegal name", true, false, "G G", false},
		{"empty name", true, false, "", false},
		{"name too long", true, false, strings.Repeat("g", 121), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := open(t, func(o *Options) { o.AutoCreate, o.CreateSysGroups = tt.auto, tt.sys })
			if m.Contains(tt.group) {
				t.Fatal("the group exists before it is named")
			}
			c := m.Find(tt.group)
			if !tt.created {
				if c != nil || m.DataVersion().Counter != 0 {
					t.Errorf("Find = %+v, version %+v", c, m.DataVersion())
				}
				return
			}
			want := protocol.DefaultSubscriptionGroupConfig(tt.group)
			if !reflect.DeepEqual(c, &want) || m.DataVersion().Counter != 1 {
				t.Errorf("Find = %+v, version %+v", c, m.DataVersion())
			}
			if again := m.Find(tt.group); again != c || m.DataVersion().Counter != 1 {
				t.Errorf("second Find = %+v, version %+v", again, m.DataVersion())
			}
			if got := reopen(t, m).Get(tt.group); !reflect.DeepEqual(got, c) {
				t.Errorf("written as %+v", got)
			}
		})
	}
}

func TestFindConcurrently(t *testing.T) {
	m := open(t, nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { m.Find("G") })
	}
	wg.Wait()
	if v := m.DataVersion(); v.Counter != 1 {
		t.Errorf("%d creations", v.Counter)
	}
}

// Names are views into a request's memory, which is used for the next request.
func TestNamesAreCopied(t *testing.T) {
	lent := []byte("GroupTopic")
	group, topic := unsafe.String(&lent[0], 5), unsafe.String(&lent[5], 5)
	m := open(t, nil)
	m.Find(group)
	if err := m.SetForbidden(group, topic, protocol.ForbidRead, true); err != nil {
		t.Fatal(err)
	}
	for i := range lent {
		lent[i] = '#'
	}
	if c := m.Get("Group"); c == nil || c.GroupName != "Group" || !m.Forbidden("Group", "Topic", protocol.ForbidRead) {
		t.Errorf("Group became %+v, forbidden %v", c, m.Snapshot().ForbiddenTable)
	}
}

func TestUpdate(t *testing.T) {
	m := open(t, nil)
	c := protocol.DefaultSubscriptionGroupConfig("G")
	c.RetryMaxTimes = 3
	c.Attributes["+priority.factor"] = "50"
	if err := m.Update(&c); err != nil {
		t.Fatal(err)
	}
	plain := protocol.DefaultSubscriptionGroupConfig("G")
	plain.Attributes = nil // an old client does not know of attributes
	if err := m.Update(&plain); err != nil {
		t.Fatal(err)
	}
	bad := protocol.DefaultSubscriptionGroupConfig("G")
	bad.RetryMaxTimes = 9
	bad.Attributes["+nope"] = ""
	if err := m.Update(&bad); err == nil || err.Error() != "unsupported key: nope" {
		t.Errorf("Update = %v", err)
	}
	got := reopen(t, m).Get("G")
	if got.RetryMaxTimes != 16 || !maps.Equal(got.Attributes, map[string]string{"priority.factor": "50"}) {
		t.Errorf("G = %+v", got)
	}
}

// A list stops at the first group that is refused; what came before it stays.
func TestUpdateAll(t *testing.T) {
	m := open(t, nil)
	one, bad, two := protocol.DefaultSubscriptionGroupConfig("one"), protocol.DefaultSubscriptionGroupConfig("bad"), protocol.DefaultSubscriptionGroupConfig("two")
	bad.Attributes["+nope"] = "x"
	if err := m.UpdateAll([]*protocol.SubscriptionGroupConfig{&one, &bad, &two}); err == nil {
		t.Error("a refused group was not reported")
	}
	again := reopen(t, m)
	if !again.Contains("one") || again.Contains("bad") || again.Contains("two") {
		t.Error("the wrong groups were written")
	}
	if err := m.UpdateAll(nil); err != nil {
		t.Error(err)
	}
}

func TestForbidden(t *testing.T) {
	m := open(t, nil)
	set := func(topic string, index int, on bool) {
		t.Helper()
		if err := m.SetForbidden("G", topic, index, on); err != nil {
			t.Fatal(err)
		}
	}
	set("T1", protocol.ForbidRead, true)
	set("T1", 1, true)
	set("T2", protocol.ForbidRead, true)
	version := m.DataVersion()
	set("T2", protocol.ForbidRead, true)
	if m.DataVersion() != version {
		t.Error("forbidding again is a change")
	}
	set("T2", protocol.ForbidRead, false)
	again := reopen(t, m)
	for _, m := range []*Manager{m, again} {
		want := map[string]map[string]int32{"G": {"T1": 6}}
		if got := m.Snapshot().ForbiddenTable; !reflect.DeepEqual(got, want) {
			t.Errorf("forbidden: %v, want %v", got, want)
		}
		if !m.Forbidden("G", "T1", protocol.ForbidRead) || m.Forbidden("G", "T2", protocol.ForbidRead) || m.Forbidden("H", "T1", protocol.ForbidRead) {
			t.Error("Forbidden disagrees with the table")
		}
	}
	m.Find("G")
	if existed, err := m.Delete("G"); !existed || err != nil {
		t.Fatalf("Delete = %t, %v", existed, err)
	}
	if again := reopen(t, m); again.Contains("G") || again.Forbidden("G", "T1", protocol.ForbidRead) {
		t.Error("the deleted group left something behind")
	}
	if existed, err := m.Delete("G"); existed || err != nil {
		t.Errorf("second Delete = %t, %v", existed, err)
	}
}

func TestPage(t *testing.T) {
	m := open(t, nil)
	first := protocol.GroupONSHTTPProxy // the first name of the built-in groups
	for _, group := range []string{first, protocol.GroupTools} {
		if err := m.SetForbidden(group, "T", 1, true); err != nil {
			t.Fatal(err)
		}
	}
	names := slices.Sorted(maps.Keys(m.Snapshot().SubscriptionGroupTable))
	version := m.DataVersion()
	tests := []struct {
		known       *protocol.DataVersion
		from, limit int
		want        []string
		forbidden   int
	}{
		{nil, 0, 2, names[:2], 1},
		{nil, 3, 2, names[:2], 1},
		{&version, 3, 2, names[3:5], 0},
		{&version, 0, 100, names, 2},
		{&version, len(names), 3, nil, 0},
	}
	for _, tt := range tests {
		w, total := m.Page(tt.known, tt.from, tt.limit)
		if got := slices.Sorted(maps.Keys(w.SubscriptionGroupTable)); !slices.Equal(got, tt.want) || len(w.ForbiddenTable) != tt.forbidden || total != len(names) {
			t.Errorf("Page(%v, %d, %d) = %v, %v of %d, want %v", tt.known, tt.from, tt.limit, got, w.ForbiddenTable, total, tt.want)
		}
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	m := open(t, nil)
	group, topic := strings.Clone("G"), strings.Clone("T")
	m.Find(group)
	if n := testing.AllocsPerRun(100, func() {
		m.Find(group)
		m.Forbidden(group, topic, protocol.ForbidRead)
	}); n != 0 {
		t.Errorf("Find and Forbidden allocate %v times", n)
	}
}

func TestPersistFailure(t *testing.T) {
	var reported error
	m := open(t, func(o *Options) {
		o.FS = brokenFS{configfile.OS}
		o.OnError = func(err error) { reported = err }
	})
	if c := m.Find("G"); c == nil || !errors.Is(reported, errBroken) {
		t.Errorf("Find = %v, reported %v", c, reported)
	}
}

var errBroken = errors.New("no space left")

type brokenFS struct{ configfile.FS }

func (brokenFS) WriteFile(string, []byte) error { return errBroken }

// TestGeneration: whatever may change what Find answers moves the generation on, and nothing else does.
func TestGeneration(t *testing.T) {
	m := open(t, func(o *Options) { o.AutoCreate = false })
	last := m.Generation()
	for _, step := range []struct {
		what  string
		moves bool
		do    func()
	}{
		{"a group that is not created", false, func() { m.Find("G") }},
		{"automatic creation", true, func() { m.SetAutoCreate(true) }},
		{"the same again", false, func() { m.SetAutoCreate(true) }},
		{"a group that is created", true, func() { m.Find("G") }},
		{"a group that is there", false, func() { m.Find("G") }},
		{"an update", true, func() { c := protocol.DefaultSubscriptionGroupConfig("G"); m.Update(&c) }},
		{"a group deleted", true, func() { m.Delete("G") }},
	} {
		step.do()
		if now := m.Generation(); (now != last) != step.moves {
			t.Errorf("%s: the generation went from %d to %d", step.what, last, now)
		}
		last = m.Generation()
	}
}
