package bench

import (
	"os"
	"time"
)

// watch follows the processes of the target, and this one.
type watch struct {
	pids  []int
	start map[int]usage
	last  map[int]usage
	peak  map[int]int64 // of anonymous memory
}

func newWatch(pids []int) *watch { return &watch{pids: pids} }

// begin starts the accounts, at the start of the measurement.
func (w *watch) begin() {
	w.start, w.last, w.peak = map[int]usage{}, map[int]usage{}, map[int]int64{}
	for _, pid := range append([]int{os.Getpid()}, w.pids...) {
		if u, err := readUsage(pid); err == nil {
			w.start[pid], w.last[pid] = u, u
		}
	}
}

// sample reads all accounts and returns the CPU time that the target has used since
// the last call, and its anonymous memory. A process that has gone keeps its last
// account.
func (w *watch) sample() (cpu time.Duration, anonymous int64) {
	if u, err := readUsage(os.Getpid()); err == nil {
		w.last[os.Getpid()] = u
	}
	for _, pid := range w.pids {
		u, err := readUsage(pid)
		if err != nil {
			continue
		}
		cpu += u.CPU - w.last[pid].CPU
		anonymous += u.Anonymous
		w.last[pid] = u
		w.peak[pid] = max(w.peak[pid], u.Anonymous)
	}
	return cpu, anonymous
}

// ProcessReport is what a process used during the measurement.
type ProcessReport struct {
	PID           int           `json:"pid"`
	Command       string        `json:"command"`
	CPU           time.Duration `json:"cpu"`
	Anonymous     int64         `json:"anonymousBytes"`
	PeakAnonymous int64         `json:"peakAnonymousBytes"`
	Resident      int64         `json:"residentBytes"`
	ReadCalls     int64         `json:"readCalls"` // -1 where they may not be seen
	WriteCalls    int64         `json:"writeCalls"`
	ReadBytes     int64         `json:"readBytes"`
	WriteBytes    int64         `json:"writeBytes"`
}

// report closes the accounts: the target's processes, and the tool itself.
func (w *watch) report() (target []ProcessReport, self ProcessReport) {
	for _, pid := range w.pids {
		target = append(target, w.of(pid))
	}
	return target, w.of(os.Getpid())
}

func (w *watch) of(pid int) ProcessReport {
	from, to := w.start[pid], w.last[pid]
	r := ProcessReport{
		PID: pid, Command: commandOf(pid), CPU: to.CPU - from.CPU,
		Anonymous: to.Anonymous, PeakAnonymous: max(w.peak[pid], to.Anonymous), Resident: to.Resident, ReadCalls: -1, WriteCalls: -1,
	}
	if to.Reads >= 0 && from.Reads >= 0 {
		r.ReadCalls, r.WriteCalls = to.Reads-from.Reads, to.Writes-from.Writes
		r.ReadBytes, r.WriteBytes = to.ReadSize-from.ReadSize, to.WriteSize-from.WriteSize
	}
	return r
}
