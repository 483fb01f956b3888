package stats

import (
	"sync"

	"github.com/gantrymq/gantry/compat"
)

// Rates are the calls a second that the run-time information shows (putTps,
// getFoundTps and so on): over the last 10, 60 and 600 seconds. Upstream's
// StoreStatsService looks every second; here a look every ten serves.
type Rates struct {
	Put         Rate // messages stored
	Found       Rate // reads that found messages
	Miss        Rate // reads that found none
	Transferred Rate // messages read

	PutBytes  Item    // of records stored
	PutFailed Item    // messages and batches that could not be stored
	PutTime   Latency // from the arrival of a message until the store has taken it
	GetTime   Latency // of reads
}

// Rate counts one kind of call.
type Rate struct {
	Item
	mu   sync.Mutex // guards past
	past []snapshot // one each 10 s, of the last 600 s
}

// rateSteps are the windows in steps of 10 s.
var rateSteps = [3]int{1, 6, 60}

func (r *Rate) sample(now int64) {
	t := r.totals()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.past) == rateSteps[2]+1 {
		copy(r.past, r.past[1:])
		r.past = r.past[:rateSteps[2]]
	}
	r.past = append(r.past, snapshot{now, t})
}

// perSecond returns the rate over a window, and false while the broker has not
// run for that long.
func (r *Rate) perSecond(steps int) (float64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.past)
	if n <= steps {
		return 0, false
	}
	first, last := r.past[n-1-steps], r.past[n-1]
	if last.at <= first.at {
		return 0, true
	}
	return float64(last.nums-first.nums) * 1000 / float64(last.at-first.at), true
}

// String is the three rates as upstream writes them, one space between. A window
// that is not full yet is left out.
func (r *Rate) String() string { return windowsText(r.perSecond) }

// Total is, as String has it, the rate of reads that found something and of
// those that did not. Here a window that is not full yet counts as 0.
func (r *Rates) Total() string {
	return windowsText(func(steps int) (float64, bool) {
		found, _ := r.Found.perSecond(steps)
		miss, _ := r.Miss.perSecond(steps)
		return found + miss, true
	})
}

func windowsText(perSecond func(steps int) (float64, bool)) string {
	var b []byte
	for i, steps := range rateSteps {
		if i > 0 {
			b = append(b, ' ')
		}
		if rate, ok := perSecond(steps); ok {
			b = compat.AppendFloat(b, rate, 64)
		}
	}
	return string(b)
}

func (r *Rates) sample(now int64, minute bool) {
	if minute {
		r.PutTime.roll()
		r.GetTime.roll()
	}
	r.Put.sample(now)
	r.Found.sample(now)
	r.Miss.sample(now)
	r.Transferred.sample(now)
}
