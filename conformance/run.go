package conformance

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Status is how a case ended on a target.
type Status string

// The ways a case ends.
const (
	Passed        Status = "passed"
	Failed        Status = "failed"
	Skipped       Status = "skipped"        // something is missing on this machine
	NotApplicable Status = "not applicable" // the target cannot be asked this
	KnownGap      Status = "known gap"      // failed, as the case's mark says it does
)

// Result is the outcome of one case on one target.
type Result struct {
	Case   *Case
	Target string
	// Implementation of the target.
	Implementation string
	Status         Status
	Reason         string // why skipped or not applicable, or which gap
	Duration       time.Duration
	Lines          []string // what the case said, when it failed
	Logs           []string // server logs kept for a failed case
}

// Runner runs cases on a target.
type Runner struct {
	// Parallel bounds the cases that run at once, Clusters the sets of servers.
	Parallel, Clusters int
	// Keep is a directory for the logs of servers behind failing cases.
	Keep string
	// TimeFactor stretches the time limit of every case and of what it waits for, for slow
	// machines. Zero is one.
	TimeFactor float64
	// Linger is waited before every command of a conversation. It makes a slow machine of any:
	// what fails with it depends on how soon a command follows another.
	Linger time.Duration
	// Progress is called with each result, from several goroutines but one at a time.
	Progress func(Result)

	mu sync.Mutex // serialises Progress and guards results
	// results of the run so far.
	results []Result
	id      string // of the run, see newRunID
	slots   chan struct{}
	tools   chan struct{} // taken before a slot by cases of mqadmin
}

// toolsAtOnce bounds the cases of mqadmin: their commands run one at a time, in one process, and
// more cases would only keep others waiting.
const toolsAtOnce = 2

// Run runs the cases on one target and returns a result for each, in the order of the cases.
func (r *Runner) Run(ctx context.Context, target *Target, cases []Case) []Result {
	r.results, r.id = nil, newRunID()
	r.slots = make(chan struct{}, max(1, r.Parallel))
	r.tools = make(chan struct{}, toolsAtOnce)
	quiet, groups := r.group(target, cases)
	for _, g := range quiet {
		r.runGroup(ctx, target, g)
	}
	atOnce := max(1, r.Clusters)
	if target.Kind == KindExternal {
		// All groups meet the same servers. Cases about the name server alone register brokers of
		// their invention, which tools would ask too, so they come first; and they leave nothing
		// behind, while tools leave the configuration of ordered topics.
		atOnce = 1
		slices.SortStableFunc(groups, func(a, b []*Case) int { return a[0].Topology.Brokers - b[0].Topology.Brokers })
	}
	clusters := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, g := range groups {
		clusters <- struct{}{}
		wg.Go(func() {
			defer func() { <-clusters }()
			r.runGroup(ctx, target, g)
		})
	}
	wg.Wait()
	order := map[string]int{}
	for i := range cases {
		order[cases[i].Name] = i
	}
	slices.SortFunc(r.results, func(a, b Result) int { return order[a.Case.Name] - order[b.Case.Name] })
	return r.results
}

// group splits the cases into those that share servers, apart from those that want quiet.
// Cases that cannot run on the target are reported at once. Of the others those come first that
// say how long they last, then control cases: they take the longest.
func (r *Runner) group(target *Target, cases []Case) (quiet, groups [][]*Case) {
	var alone, shared [][]*Case
	byKey := map[string]int{}
	for i := range cases {
		c := &cases[i]
		switch {
		case target.Lacking != "":
			r.report(target, Result{Case: c, Status: Skipped, Reason: target.Lacking})
		case target.unfit(c) != "":
			r.report(target, Result{Case: c, Status: NotApplicable, Reason: target.unfit(c)})
		case c.Measures:
			quiet = append(quiet, []*Case{c})
		case c.Needs == Control:
			alone = append(alone, []*Case{c})
		default:
			key := c.Topology.key(c.Settings)
			if c.InTurn {
				key += " in turn"
			}
			if at, ok := byKey[key]; ok {
				shared[at] = append(shared[at], c)
				continue
			}
			byKey[key] = len(shared)
			shared = append(shared, []*Case{c})
		}
	}
	groups = append(alone, shared...)
	slices.SortStableFunc(groups, func(a, b []*Case) int { return cmp.Compare(lasts(b), lasts(a)) })
	return quiet, groups
}

// lasts is how long a group of cases takes at least. Those that do not run side by side are told
// apart by the longest all the same.
func lasts(cases []*Case) (longest time.Duration) {
	for _, c := range cases {
		longest = max(longest, c.Lasts)
	}
	return longest
}

// runGroup starts the servers of a group, runs its cases side by side, or in turn, and kills the
// servers.
func (r *Runner) runGroup(ctx context.Context, target *Target, cases []*Case) {
	dir, err := os.MkdirTemp("", "gantry-conformance-")
	if err != nil {
		r.failAll(target, cases, err)
		return
	}
	defer os.RemoveAll(dir)
	cluster, err := newCluster(target, cases[0].Topology, cases[0].Settings, dir)
	if err != nil {
		for _, c := range cases {
			r.report(target, Result{Case: c, Status: Skipped, Reason: err.Error()})
		}
		return
	}
	defer func() {
		if err := cluster.kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if cases[0].Needs == Addresses {
		if err := cluster.start(ctx); err != nil {
			logs := r.keepLogs(target, cases[0], cluster)
			r.failAll(target, cases, fmt.Errorf("%w (logs: %s)", err, strings.Join(logs, " ")))
			return
		}
	}
	var wg sync.WaitGroup
	for _, c := range cases {
		wg.Go(func() {
			if c.Client == MQAdmin {
				r.tools <- struct{}{}
				defer func() { <-r.tools }()
			}
			r.slots <- struct{}{}
			defer func() { <-r.slots }()
			r.report(target, r.runCase(ctx, target, cluster, c))
		})
		if c.InTurn {
			wg.Wait()
		}
	}
	wg.Wait()
}

// runCase runs one case within its time.
func (r *Runner) runCase(ctx context.Context, target *Target, cluster *Cluster, c *Case) Result {
	limit := stretch(c.timeout(), r.TimeFactor)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t := &T{ctx: ctx, c: c, target: target, cluster: cluster, run: r.id, factor: r.TimeFactor, linger: r.Linger}
	start := time.Now()
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		defer close(done)
		defer t.finish()
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		c.Run(t)
	})
	select {
	case <-done:
		running.Wait()
	case <-time.After(limit + graceTime):
		t.Errorf("did not end within %v and was left behind", limit)
	}
	result := Result{Case: c, Duration: time.Since(start), Status: Passed}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.skipped != "":
		result.Status, result.Reason = Skipped, t.skipped
	case t.failed:
		result.Status, result.Lines = Failed, slices.Clone(t.lines)
	}
	result = applyGap(target, result)
	if result.Status == Failed {
		result.Logs = r.keepLogs(target, c, cluster)
	}
	return result
}

// stretch makes a limit longer by a factor; none is one.
func stretch(limit time.Duration, factor float64) time.Duration {
	if factor > 0 {
		return time.Duration(float64(limit) * factor)
	}
	return limit
}

// graceTime is what a case gets to clean up after its time is over.
const graceTime = 15 * time.Second

// newRunID makes what sets the names of one run on one target apart from those of others: on the
// same servers, and in the files where clients keep the offsets of broadcasting groups by name.
// Its width is fixed, because names are part of the size of messages.
func newRunID() string {
	return fmt.Sprintf("%07x", (firstRun+runs.Add(1))%0x10000000)
}

var (
	firstRun = time.Now().UnixMilli()
	runs     atomic.Int64
)

// applyGap turns the failure of a case that is known to fail into a known gap, and its
// success into a failure: the mark must go.
func applyGap(target *Target, result Result) Result {
	gap := result.Case.Gap
	if gap == nil || target.Implementation != Gantry {
		return result
	}
	switch result.Status {
	case Failed:
		result.Status = KnownGap
		result.Reason = fmt.Sprintf("%s (issue %d)", gap.Reason, gap.Issue)
	case Passed:
		result.Status = Failed
		result.Lines = []string{fmt.Sprintf("passes although it is marked as a gap (issue %d: %s): remove the mark", gap.Issue, gap.Reason)}
	}
	return result
}

func (r *Runner) failAll(target *Target, cases []*Case, err error) {
	for _, c := range cases {
		r.report(target, applyGap(target, Result{Case: c, Status: Failed, Lines: []string{"the servers did not start: " + err.Error()}}))
	}
}

func (r *Runner) report(target *Target, result Result) {
	result.Target, result.Implementation = target.Name(), target.Implementation
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, result)
	if r.Progress != nil {
		r.Progress(result)
	}
}

// keepLogs copies what the servers printed and logged to where it survives the run.
func (r *Runner) keepLogs(target *Target, c *Case, cluster *Cluster) []string {
	if r.Keep == "" {
		return nil
	}
	dir := filepath.Join(r.Keep, string(target.Kind), strings.ReplaceAll(c.Name, "/", "_"))
	var kept []string
	for _, s := range cluster.servers() {
		if s.dir == "" {
			continue
		}
		logs, _ := filepath.Glob(filepath.Join(s.dir, "*.log"))
		more, _ := filepath.Glob(filepath.Join(s.dir, "logs", "rocketmqlogs", "*.log"))
		for _, from := range append(logs, more...) {
			to := filepath.Join(dir, s.name, filepath.Base(from))
			if copyFile(from, to) == nil {
				kept = append(kept, to)
			}
		}
	}
	return kept
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil || len(b) == 0 {
		return fmt.Errorf("conformance: nothing to copy from %s: %w", from, err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
