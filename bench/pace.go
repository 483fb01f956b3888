package bench

import "time"

// pace is the schedule of one connection in the open loop: request number k is due
// at start + k/rate, whatever happens to those before it. Used by one goroutine.
type pace struct {
	start time.Time // before begin: the offset from it, as a time after the zero time
	every time.Duration
	count int64
	sleep func(time.Duration) // exactly, for less than fineWait
}

// newPaces divides a rate (requests per second over all connections) evenly, and
// spreads the connections over one interval so that they do not send in step.
func newPaces(connections int, rate float64) []*pace {
	every := max(time.Duration(float64(time.Second)*float64(connections)/rate), 1)
	paces := make([]*pace, connections)
	for i := range paces {
		paces[i] = &pace{every: every, sleep: sleep}
		paces[i].start = paces[i].start.Add(every / time.Duration(connections) * time.Duration(i))
	}
	return paces
}

// begin sets the time from which the schedule counts.
func (p *pace) begin(at time.Time) { p.start = at.Add(p.start.Sub(time.Time{})) }

// due is when the next request is to be sent.
func (p *pace) due() time.Time { return p.start.Add(time.Duration(p.count) * p.every) }

// fineWait is how long before a request is due the pacing goroutine sleeps exactly
// instead of by a timer, which is late by up to a millisecond. Where requests follow
// each other faster than that they go out in groups, and cost the machine less.
const fineWait = time.Millisecond

// rest is how long to wait now for the next request: for a timer, or exactly. It may
// have to be asked again afterwards.
func (p *pace) rest() (wait time.Duration, exact bool) {
	switch wait = time.Until(p.due()); {
	case p.every <= fineWait:
		return wait, false
	case wait <= fineWait:
		return wait, true
	default:
		return wait - fineWait, false
	}
}

// await returns when the next request is due, as exactly as the connections of a load
// keep to it.
func (p *pace) await() {
	for p.due().After(time.Now()) {
		if wait, exact := p.rest(); exact {
			p.sleep(wait)
		} else {
			time.Sleep(wait)
		}
	}
}

// next takes the next request from the schedule when it is due.
func (p *pace) next(now time.Time) (due time.Time, ok bool) {
	due = p.due()
	if due.After(now) {
		return due, false
	}
	p.count++
	return due, true
}
