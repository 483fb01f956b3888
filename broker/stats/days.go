package stats

import (
	"sync"
	"time"
)

// DayTotals are what the run-time information shows of put and got messages:
// the totals at the last two local midnights since the start, 0 before.
type DayTotals struct {
	PutYesterdayMorning, PutTodayMorning int64
	GetYesterdayMorning, GetTodayMorning int64
}

// days notes the totals at midnight (upstream's BrokerStats).
type days struct {
	mu     sync.Mutex // guards the fields below
	today  int        // day of the year, local time
	totals DayTotals
}

// DayTotals returns the totals at the last midnights.
func (m *Manager) DayTotals() DayTotals {
	m.days.mu.Lock()
	defer m.days.mu.Unlock()
	return m.days.totals
}

func (d *days) start(m *Manager) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.today = dayOf(m.now())
}

// check notes the totals when a day has begun since the last call.
func (d *days) check(m *Manager) {
	d.mu.Lock()
	defer d.mu.Unlock()
	today := dayOf(m.now())
	if today == d.today {
		return
	}
	d.today = today
	t := &d.totals
	t.PutYesterdayMorning, t.PutTodayMorning = t.PutTodayMorning, m.PutTotal()
	t.GetYesterdayMorning, t.GetTodayMorning = t.GetTodayMorning, m.GetTotal()
}

func dayOf(ms int64) int { return time.UnixMilli(ms).YearDay() }
