package coldread

import (
	"cmp"
	"slices"
	"strings"
)

// lowered is how many adaptive limits, the highest, go down at a turn.
const lowered = 3

// lower brings the highest adaptive limits down, but not below what counts without.
func (c *Control) lower(s Settings, tooMuch bool) {
	if !c.steer.lowers(tooMuch) {
		return
	}
	var names []string
	for name := range c.limits {
		group, ok := strings.CutSuffix(name, adaptive)
		if _, own := c.limits[group]; ok && !own {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(c.limits[b], c.limits[a]) })
	for _, name := range names[:min(len(names), lowered)] {
		c.limits[name] = max(c.limits[name]*4/5, s.Group)
	}
}

// steering decides whether adaptive limits rise or fall (upstream's
// PIDAdaptiveColdCtrStrategy and SimpleColdCtrStrategy).
type steering struct {
	pid    bool
	wanted int64   // bytes of all in a turn
	course []int64 // how much less than wanted was read in the last turns
}

// courseLength is how many turns are looked at. Before there are as many nothing changes.
const courseLength = 10

func (s *steering) collect(total int64) {
	s.course = append(s.course, s.wanted-total)
	if n := len(s.course) - courseLength; n > 0 {
		s.course = slices.Delete(s.course, 0, n)
	}
}

// factor is above 0 where more may be read, below where less should.
func (s *steering) factor() float64 {
	n := len(s.course)
	if n < courseLength {
		return 0
	}
	var sum int64
	for _, e := range s.course {
		sum += e
	}
	return 0.5*float64(s.course[n-1]) + 0.3*float64(sum) + 0.2*float64(s.course[n-1]-s.course[n-2])
}

func (s *steering) raises() bool { return !s.pid || s.factor() > 0 }

func (s *steering) lowers(tooMuch bool) bool {
	if s.pid {
		return s.factor() < 0
	}
	return tooMuch
}
