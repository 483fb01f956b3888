// Package coldread bounds how much groups read of what is no longer in memory
// (upstream's ColdDataCgCtrService): it counts what each group has read of it since the
// last turn, and says who has read enough. It knows neither messages nor requests.
package coldread

import (
	"maps"
	"strings"
	"sync"
)

// Settings may change at any time. The names in brackets are the official keys.
type Settings struct {
	Group    int64 // bytes that a group may read between two turns [cgColdReadThreshold]
	Total    int64 // bytes that all may [globalColdReadThreshold]
	Adaptive bool  // limits follow what is read [coldCtrStrategyEnable]
}

// residence is how long (ms) a group that reads nothing cold stays known.
const residence = 60_000

// Bounds of the tables, which clients fill.
const (
	maxLimits = 100_000
	maxGroups = 100_000
)

// adaptive ends the name under which the limit of a group is kept that nobody has set.
const adaptive = "||adaptive"

// Reading is what a group reads. The fields are named as upstream prints them.
type Reading struct {
	Bytes    int64 `json:"coldAcc"` // since the last turn
	Created  int64 `json:"createTimeMills"`
	LastRead int64 `json:"lastColdReadTimeMills"`
}

// Control counts and judges. Its methods may be called from any goroutine.
type Control struct {
	now      func() int64 // ms
	settings func() Settings

	mu     sync.Mutex // guards the fields below
	groups map[string]*Reading
	limits map[string]int64 // by group, or group and adaptive
	total  int64            // bytes of all since the last turn
	steer  steering
}

// New makes a Control. With pid, adaptive limits go by the whole course of what was
// read, as usePIDColdCtrStrategy says; without, by the last turn.
func New(now func() int64, settings func() Settings, pid bool) *Control {
	c := &Control{now: now, settings: settings, groups: map[string]*Reading{}, limits: map[string]int64{}}
	c.steer = steering{pid: pid, wanted: int64(float64(settings().Total) * 0.8)}
	return c
}

// Set gives a group a limit of its own.
func (c *Control) Set(group string, limit int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(group, limit)
}

func (c *Control) set(group string, limit int64) {
	if _, known := c.limits[group]; known || len(c.limits) < maxLimits {
		c.limits[group] = limit
	}
}

// Remove takes a group's own limit away.
func (c *Control) Remove(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.limits, group)
}

// Count notes that a group has read some bytes from the disk. The name is copied.
func (c *Control) Count(group string, bytes int64) {
	if bytes <= 0 {
		return
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += bytes
	r := c.groups[group]
	if r == nil {
		if len(c.groups) >= maxGroups {
			return
		}
		r = &Reading{Created: now}
		c.groups[strings.Clone(group)] = r
	}
	r.Bytes += bytes
	r.LastRead = now
}

// Exceeded reports whether a group has read enough until the next turn.
func (c *Control) Exceeded(group string) bool {
	s := c.settings()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.groups[group]
	return r != nil && (r.Bytes >= c.limit(group, s) || c.total >= s.Total)
}

// limit is what counts for a group.
func (c *Control) limit(group string, s Settings) int64 {
	if limit, ok := c.limits[group]; ok {
		return limit
	}
	if s.Adaptive {
		if limit, ok := c.limits[group+adaptive]; ok {
			return limit
		}
	}
	return s.Group
}

// Turn begins a new count, and forgets who has not read for a minute.
func (c *Control) Turn() {
	s, now := c.settings(), c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.Adaptive {
		c.steer.collect(c.total)
	}
	tooMuch := c.total > s.Total
	for group, r := range c.groups {
		_, own := c.limits[group]
		switch {
		case now >= r.LastRead+residence:
			delete(c.groups, group)
			delete(c.limits, group+adaptive)
		case s.Adaptive && !own && !tooMuch && r.Bytes >= c.limit(group, s) && c.steer.raises():
			c.set(group+adaptive, c.limit(group, s)*3/2)
		}
		r.Bytes = 0
	}
	if s.Adaptive {
		c.lower(s, tooMuch)
	} else {
		maps.DeleteFunc(c.limits, func(name string, _ int64) bool { return strings.HasSuffix(name, adaptive) })
	}
	c.total = 0
}

// Snapshot is what GET_COLD_DATA_FLOW_CTR_INFO tells.
func (c *Control) Snapshot() (groups map[string]Reading, limits map[string]int64, total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	groups = make(map[string]Reading, len(c.groups))
	for group, r := range c.groups {
		groups[group] = *r
	}
	return groups, maps.Clone(c.limits), c.total
}
