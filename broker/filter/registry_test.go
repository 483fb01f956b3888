package filter

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

var anyHost = netip.MustParseAddrPort("127.0.0.1:1000")

type clock struct{ ms int64 }

func openRegistry(t *testing.T, path string, c *clock) *Registry {
	t.Helper()
	r, _, err := OpenRegistry(Options{Path: path, Now: func() int64 { return c.ms }, ErrorRate: 20, Groups: 32, CleanAfter: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sql(topic, expression string, version int64) protocol.SubscriptionData {
	return protocol.SubscriptionData{Topic: topic, SubString: expression, ExpressionType: protocol.ExpressionSQL92, SubVersion: version}
}

func TestRegister(t *testing.T) {
	c := &clock{100}
	r := openRegistry(t, filepath.Join(t.TempDir(), "consumerFilter.json"), c)
	state := func() string {
		e := r.Find("T", "G")
		switch {
		case e == nil:
			return "none"
		case e.dead():
			return "dead " + e.Expression
		}
		return e.Expression
	}
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"tags are not kept", func() { r.Register("G", []protocol.SubscriptionData{{Topic: "T", SubString: "A", SubVersion: 9}}) }, "none"},
		{"what does not compile", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a >", 1)}) }, "none"},
		{"another language", func() {
			r.Register("G", []protocol.SubscriptionData{{Topic: "T", SubString: "x", ExpressionType: "PERL", SubVersion: 1}})
		}, "none"},
		{"new", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a > 1", 2)}) }, "a > 1"},
		{"older version", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a > 2", 2)}) }, "a > 1"},
		{"newer version", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a > 3", 3)}) }, "a > 3"},
		{"no longer named", func() { r.Register("G", nil) }, "dead a > 3"},
		{"back with the same version", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a > 3", 3)}) }, "a > 3"},
		{"gone", func() { r.Unregister("G") }, "dead a > 3"},
		{"back with a newer version", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a > 3", 4)}) }, "a > 3"},
		{"changed to what does not compile", func() { r.Register("G", []protocol.SubscriptionData{sql("T", "a >", 5)}) }, "none"},
	}
	for _, s := range steps {
		c.ms++
		s.do()
		if got := state(); got != s.want {
			t.Fatalf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

func TestRegistryFile(t *testing.T) {
	c := &clock{100_000}
	path := filepath.Join(t.TempDir(), "consumerFilter.json")
	r := openRegistry(t, path, c)
	r.Register("GID_abc", []protocol.SubscriptionData{sql("TopicTest", "a > 1", 7)})
	if err := r.Persist(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"filterDataByTopic":{"TopicTest":{"groupFilterData":{"GID_abc":{"bloomFilterData":{"bitNum":112,"bitPos":[12,26,40]},` +
		`"bornTime":100000,"clientVersion":7,"consumerGroup":"GID_abc","dead":false,"deadTime":0,"expression":"a > 1",` +
		`"expressionType":"SQL92","topic":"TopicTest"}},"topic":"TopicTest"}}}`
	if got := strings.NewReplacer("\n", "", "\t", "").Replace(string(text)); got != want {
		t.Errorf("file:\n%s\nwant\n%s", got, want)
	}
	shown, err := r.Find("TopicTest", "GID_abc").Show()
	if want := "{\n\t\"bloomFilterData\":{\n\t\t\"bitNum\":112,\n\t\t\"bitPos\":[12,26,40]\n\t},\n\t\"bornTime\":100000,\n\t\"clientVersion\":7,\n" +
		"\t\"consumerGroup\":\"GID_abc\",\n\t\"dead\":false,\n\t\"deadTime\":0,\n\t\"expression\":\"a > 1\",\n\t\"expressionType\":\"SQL92\",\n" +
		"\t\"topic\":\"TopicTest\"\n}"; err != nil || shown != want {
		t.Errorf("shown as %q, %v, want %q", shown, err, want)
	}
	if shown, err = r.Find("TopicTest", "nobody").Show(); err != nil || shown != "null" {
		t.Errorf("nothing is shown as %q, %v", shown, err)
	}
	c.ms += 5
	again := openRegistry(t, path, c)
	if e := again.Find("TopicTest", "GID_abc"); e == nil || !e.dead() || e.Dead != 100_000 || e.compiled == nil {
		t.Errorf("loaded: %+v", e)
	}
	c.ms += 1000
	if err := again.Persist(); err != nil || again.Find("TopicTest", "GID_abc") != nil {
		t.Errorf("an entry is kept longer than it should be (%v)", err)
	}
	if empty := openRegistry(t, path, c); empty.Find("TopicTest", "GID_abc") != nil {
		t.Error("the file still has it")
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	resized, _, err := OpenRegistry(Options{Path: path, Now: func() int64 { return c.ms }, ErrorRate: 10, Groups: 32, CleanAfter: 1000})
	if err != nil || resized.Find("TopicTest", "GID_abc") != nil {
		t.Errorf("entries of bit maps of another size are kept (%v)", err)
	}
}

func record(t *testing.T, properties ...string) []byte {
	t.Helper()
	var raw []byte
	for i := 0; i < len(properties); i += 2 {
		raw = codec.AppendProperty(raw, properties[i], properties[i+1])
	}
	m := codec.Message{Topic: "%RETRY%G", Body: []byte("x"), Properties: string(raw), BornHost: anyHost, StoreHost: anyHost}
	b, err := codec.AppendRecord(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRetryFilter(t *testing.T) {
	r := openRegistry(t, filepath.Join(t.TempDir(), "f.json"), &clock{100})
	r.Register("G", []protocol.SubscriptionData{sql("T", "a = 1", 1)})
	f := r.ForRetry("G")
	for _, c := range []struct {
		record []byte
		want   bool
	}{
		{record(t, "RETRY_TOPIC", "T", "a", "1"), true},
		{record(t, "RETRY_TOPIC", "T", "a", "2"), false},
		{record(t, "RETRY_TOPIC", "Other", "a", "2"), true},
		{record(t, "a", "2"), true},
		{[]byte("no record"), false},
	} {
		if got := f.MatchRecord(c.record); got != c.want || f.All() || !f.MatchUnit(7) {
			t.Errorf("%q: %v, want %v", c.record, got, c.want)
		}
	}
}

func TestExpressionFilter(t *testing.T) {
	var cache Cache
	f := ForExpression(cache.Compile(protocol.ExpressionSQL92, "a = 1"))
	yes, no := record(t, "a", "1"), record(t, "a", "2")
	if !f.MatchRecord(yes) || f.MatchRecord(no) || f.All() {
		t.Error("the expression does not decide")
	}
	if n := testing.AllocsPerRun(100, func() { f.MatchRecord(yes) }); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
	if bad := ForExpression(cache.Compile(protocol.ExpressionSQL92, "a =")); !bad.All() {
		t.Error("an expression that does not compile holds messages back")
	}
	if cache.Compile(protocol.ExpressionSQL92, "a = 1") != f.sql {
		t.Error("the cache does not remember")
	}
	for i := range 3 * cacheSize {
		cache.Compile(protocol.ExpressionSQL92, "a = "+string(rune('0'+i%10))+strings.Repeat(" ", i))
	}
	if len(cache.compiled) > cacheSize {
		t.Errorf("the cache holds %d expressions", len(cache.compiled))
	}
}

// TestBitMaps: a message has the bits of the groups that want it, and they count for groups that had registered before it.
func TestBitMaps(t *testing.T) {
	c := &clock{100}
	r := openRegistry(t, filepath.Join(t.TempDir(), "consumerFilter.json"), c)
	if got := r.AppendBitMap(nil, "T", ""); got != nil {
		t.Errorf("%v is noted for nobody", got)
	}
	r.Register("small", []protocol.SubscriptionData{sql("T", "a < 5", 1)})
	r.Register("great", []protocol.SubscriptionData{sql("T", "a > 3", 1)})
	r.Unregister("great") // which may come back for its messages
	properties := func(a string) string { return "a" + "\x01" + a + "\x02" }
	tests := []struct {
		a            string
		small, great bool
	}{{"1", true, false}, {"4", true, true}, {"9", false, true}, {"none", false, false}}
	for _, test := range tests {
		bits := r.AppendBitMap([]byte{7}, "T", properties(test.a))
		if len(bits) != 1+int(r.bloom.Bits()/8) || bits[0] != 7 {
			t.Fatalf("a = %s: %v", test.a, bits)
		}
		for group, want := range map[string]bool{"small": test.small, "great": test.great} {
			f := ForEntry(r.Find("T", group))
			if got := f.MatchBitMap(101, bits[1:]); got != want {
				t.Errorf("a = %s: group %s takes it: %v", test.a, group, got)
			}
			if !f.MatchBitMap(100, bits[1:]) || !f.MatchBitMap(101, nil) || !f.MatchBitMap(101, bits[2:]) {
				t.Errorf("a = %s: what was stored before group %s, without a bit map, or with one of another length is not taken", test.a, group)
			}
		}
	}
	if all := (Filter{}); !all.MatchBitMap(101, make([]byte, r.bloom.Bits()/8)) {
		t.Error("who has registered nothing is kept from a message")
	}
}
