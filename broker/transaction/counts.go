package transaction

import (
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// counters count the half messages of each topic whose transactions are open
// (upstream's TransactionMetrics). They are for people: after a crash they are
// off by what happened since they were last written.
type counters struct {
	now  func() int64
	file *configfile.File

	mu      sync.Mutex // guards the fields below
	topics  map[string]*count
	version protocol.DataVersion
	changed bool // the file does not show the present counts
	exists  bool // there is a file
}

// count is what the file says of one topic.
type count struct {
	Count     int64 `json:"count"`
	TimeStamp int64 `json:"timeStamp"` // ms since 1970, of the last change
}

type countsFile struct {
	DataVersion      protocol.DataVersion `json:"dataVersion"`
	TransactionCount map[string]*count    `json:"transactionCount"`
}

func (c *counters) open(o *Options) (configfile.Loaded, error) {
	c.now, c.topics, c.version = o.Now, map[string]*count{}, protocol.DataVersion{Timestamp: o.Now()}
	c.file = configfile.New(o.FS, o.Path, c.encode)
	loaded, err := c.file.Load(c.decode)
	if err != nil {
		err = fmt.Errorf("load the counts of half messages: %w", err)
	}
	return loaded, err
}

func (c *counters) add(topic string, n int64) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[topic]
	if t == nil {
		t = &count{}
		c.topics[strings.Clone(topic)] = t
	}
	t.Count += n
	t.TimeStamp = now
	c.version = c.version.Next(now)
	c.changed = true
}

func (c *counters) snapshot() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]int64, len(c.topics))
	for topic, t := range c.topics {
		all[topic] = t.Count
	}
	return all
}

// persist writes the file when it does not show the present counts; with always,
// also when there is none, as an official broker leaves one behind.
func (c *counters) persist(always bool) error {
	c.mu.Lock()
	needed := c.changed || always && !c.exists
	c.changed = false
	c.mu.Unlock()
	if !needed {
		return nil
	}
	err := c.file.Persist()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = c.changed || err != nil
	c.exists = c.exists || err == nil
	return err
}

func (c *counters) encode() ([]byte, error) {
	c.mu.Lock()
	text := countsFile{DataVersion: c.version, TransactionCount: make(map[string]*count, len(c.topics))}
	for topic, t := range c.topics {
		text.TransactionCount[topic] = &count{Count: t.Count, TimeStamp: t.TimeStamp}
	}
	c.mu.Unlock()
	return compat.AppendFastjson(nil, &text, compat.Compact)
}

func (c *counters) decode(b []byte) error {
	text := countsFile{DataVersion: c.version}
	if err := compat.UnmarshalFastjson(b, &text); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(text.TransactionCount, func(_ string, t *count) bool { return t == nil })
	maps.Copy(c.topics, text.TransactionCount)
	c.version, c.exists = text.DataVersion, true
	return nil
}
