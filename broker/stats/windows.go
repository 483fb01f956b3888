package stats

import (
	"sync"

	"github.com/gantrymq/gantry/protocol"
)

// totals are what was counted since the start.
type totals struct{ nums, bytes, calls int64 }

// snapshot is the totals at one time, in ms since 1970.
type snapshot struct {
	at int64
	totals
}

// Windows: how far apart (ms) their snapshots are, and how many are kept. The
// first is the beginning of the window, the last its end.
const (
	minutePeriod, minuteKeep = 10_000, 7
	hourPeriod, hourKeep     = 600_000, 7
	dayPeriod, dayKeep       = 3_600_000, 25
)

// windows are the snapshots of one count.
type windows struct {
	mu                sync.Mutex // guards the fields below
	minute, hour, day []snapshot
}

// sample takes a snapshot for the last minute, and for the others as asked. A
// count that is sampled for the first time also gets a beginning, one period
// ago, when it was 0.
func (w *windows) sample(now int64, t totals, hour, day bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.minute = push(w.minute, snapshot{now, t}, minutePeriod, minuteKeep)
	if hour {
		w.hour = push(w.hour, snapshot{now, t}, hourPeriod, hourKeep)
	}
	if day {
		w.day = push(w.day, snapshot{now, t}, dayPeriod, dayKeep)
	}
}

func push(list []snapshot, s snapshot, period int64, keep int) []snapshot {
	if len(list) == 0 {
		list = append(list, snapshot{at: s.at - period})
	}
	if len(list) == keep {
		copy(list, list[1:])
		list = list[:keep-1]
	}
	return append(list, s)
}

// view computes what upstream shows of the three windows, for one of the counts.
func (w *windows) view(count func(totals) int64) protocol.BrokerStatsData {
	w.mu.Lock()
	defer w.mu.Unlock()
	return protocol.BrokerStatsData{
		StatsMinute: span(w.minute, count),
		StatsHour:   span(w.hour, count),
		StatsDay:    span(w.day, count),
	}
}

func span(list []snapshot, count func(totals) int64) protocol.BrokerStatsItem {
	var item protocol.BrokerStatsItem
	if len(list) == 0 {
		return item
	}
	first, last := list[0], list[len(list)-1]
	item.Sum = count(last.totals) - count(first.totals)
	if elapsed := last.at - first.at; elapsed > 0 {
		item.TPS = float64(item.Sum) * 1000 / float64(elapsed)
	}
	if calls := last.calls - first.calls; calls > 0 {
		item.AvgPT = float64(item.Sum) / float64(calls)
	}
	return item
}
