package stats

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"
)

// latencySteps are the upper bounds of the classes that calls are counted in, in
// ms, each exclusive, and how upstream names the classes. The last class has no
// bound.
var latencySteps = [...]struct {
	below int64
	name  string
}{
	{1, "[<=0ms]"}, {10, "[0~10ms]"}, {50, "[10~50ms]"}, {100, "[50~100ms]"}, {200, "[100~200ms]"}, {500, "[200~500ms]"},
	{1000, "[500ms~1s]"}, {2000, "[1~2s]"}, {3000, "[2~3s]"}, {4000, "[3~4s]"}, {5000, "[4~5s]"}, {10000, "[5~10s]"}, {math.MaxInt64, "[10s~]"},
}

// spread is a number of calls by class.
type spread [len(latencySteps)]int64

// Latency counts how long calls take, in ms. Add takes no lock.
type Latency struct {
	max   atomic.Int64
	calls [len(latencySteps)]Item // since the start; striped, since every message comes by

	mu     sync.Mutex // guards the fields below
	before spread     // calls at the last look
	minute *spread    // calls of the minute before that look; nil before the first
}

// Add counts a call. A negative time, which a clock that was set back makes,
// counts as 0.
func (l *Latency) Add(ms int64) {
	for i := range latencySteps {
		if ms < latencySteps[i].below {
			l.calls[i].Add(1, 0)
			break
		}
	}
	for {
		longest := l.max.Load()
		if ms <= longest || l.max.CompareAndSwap(longest, ms) {
			return
		}
	}
}

// Max is the longest call since the start, in ms.
func (l *Latency) Max() int64 { return l.max.Load() }

// roll ends a minute.
func (l *Latency) roll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	minute := new(spread)
	for i := range l.calls {
		n := l.calls[i].Sum()
		minute[i], l.before[i] = n-l.before[i], n
	}
	l.minute = minute
}

func (l *Latency) last() *spread {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.minute
}

// String is the calls of the last full minute by class, as upstream writes them;
// "null" in the first minute.
func (l *Latency) String() string {
	minute := l.last()
	if minute == nil {
		return "null"
	}
	var b []byte
	for i, n := range minute {
		b = append(append(b, latencySteps[i].name...), ':')
		b = append(strconv.AppendInt(b, n, 10), ' ')
	}
	return string(b)
}

// Quantile is the time in ms that a share q of the last full minute's calls did
// not exceed, taken as spread evenly within their class; 0 without calls.
func (l *Latency) Quantile(q float64) float64 {
	minute := l.last()
	if minute == nil {
		return 0
	}
	var total int64
	for _, n := range minute {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank, passed, low := q*float64(total), 0.0, 0.0
	for i, n := range minute {
		high := classEnd(i)
		if n > 0 && rank <= passed+float64(n) {
			return low + (high-low)*(rank-passed)/float64(n)
		}
		passed, low = passed+float64(n), high
	}
	return low
}

// classEnd is the longest time, in ms, that Quantile sees in a class: none in the
// first, and in the last no more than that it was reached.
func classEnd(i int) float64 {
	switch i {
	case 0:
		return 0
	case len(latencySteps) - 1:
		return float64(latencySteps[i-1].below)
	}
	return float64(latencySteps[i].below)
}
