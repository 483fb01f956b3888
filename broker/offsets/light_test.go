package offsets

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestLightOffsets: a light group has one offset in a topic, and a table of its own in the file.
func TestLightOffsets(t *testing.T) {
	path := t.TempDir() + "/lmqConsumerOffset.json"
	open := func() *Manager {
		t.Helper()
		m, _, err := Open(Options{Path: path, Now: func() int64 { return 1 }, LightQueues: true})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open()
	m.Commit("%LMQ%g", "%LMQ%t", 3, 7)
	m.Commit("%LMQ%g", "t", 0, 1)
	m.Commit("g", "%LMQ%t", 0, 5)
	m.Commit("g", "t", 2, 6)
	for range 2 {
		for _, tt := range []struct {
			group, topic string
			queue        int32
			want         int64
		}{{"%LMQ%g", "%LMQ%t", 0, 7}, {"%LMQ%g", "%LMQ%t", 9, 7}, {"%LMQ%g", "t", 2, 1}, {"g", "%LMQ%t", 0, 5}, {"g", "t", 2, 6}} {
			if got, ok := m.Query(tt.group, tt.topic, tt.queue); got != tt.want || !ok {
				t.Errorf("%s in queue %d of %s is at %d, %v; want %d", tt.group, tt.queue, tt.topic, got, ok, tt.want)
			}
		}
		if _, ok := m.Query("g", "t", 0); ok {
			t.Error("an ordinary group has an offset in a queue that it has not committed to")
		}
		if got := m.Topics("%LMQ%g"); got != nil {
			t.Errorf("a light group is listed with %q", got)
		}
		if got := m.Groups("%LMQ%t"); !slices.Equal(got, []string{"g"}) {
			t.Errorf("the groups of the light queue are %q", got)
		}
		if err := m.Persist(); err != nil {
			t.Fatal(err)
		}
		m = open()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	squeezed := strings.NewReplacer("\n", "", "\t", "").Replace(string(text))
	for _, want := range []string{
		`"groupTopicMap":{"g":["%LMQ%t","t"]}`, `"lmqOffsetTable":{"%LMQ%t@%LMQ%g":7,"t@%LMQ%g":1}`, `"offsetTable":{"%LMQ%t@g":{0:5},"t@g":{2:6}}`,
	} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("the file lacks %s:\n%s", want, text)
		}
	}
	m.RemoveGroup("%LMQ%g")
	if _, ok := m.Query("%LMQ%g", "t", 0); ok {
		t.Error("a group that was removed has an offset")
	}
}
