package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin/cli"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Help: "check name servers, brokers, routes and groups, and say what to do",
		Options: []cli.Option{
			cli.Flag("a", "all", "show also what is in order"), cli.Flag("q", "quick", "leave groups out, which are asked one by one"),
		},
		Run: doctor,
	}
}

// level says how bad a finding is.
type level string

const (
	fine    level = "ok"
	warning level = "warning"
	fault   level = "fault"
)

// finding is what a check found.
type finding struct {
	Level   level  `json:"level"`
	Subject string `json:"subject"` // what was looked at
	Found   string `json:"found"`
	Advice  string `json:"advice,omitempty"`
}

// examination collects findings.
type examination struct {
	c        *cli.Call
	now      func() time.Time
	findings []finding
}

func (x *examination) add(l level, subject, advice, format string, args ...any) {
	x.findings = append(x.findings, finding{l, subject, fmt.Sprintf(format, args...), advice})
}

// errSick is doctor's own failure: that it found some.
var errSick = errors.New("there are faults; see above")

func doctor(ctx context.Context, c *cli.Call) error {
	x := &examination{c: c, now: time.Now}
	cluster := x.nameServers(ctx)
	if cluster != nil {
		x.brokers(ctx, cluster)
		topics := x.topics(ctx, cluster)
		if !c.Has("q") {
			x.groups(ctx, topics)
		}
	}
	c.Done()
	return x.report()
}

// report shows the worst findings first.
func (x *examination) report() error {
	order := []level{fault, warning, fine}
	slices.SortStableFunc(x.findings, func(a, b finding) int { return slices.Index(order, a.Level) - slices.Index(order, b.Level) })
	counts := map[level]int{}
	for _, f := range x.findings {
		counts[f.Level]++
		x.c.Out.Add("findings", f)
		if f.Level == fine && !x.c.Has("a") {
			continue
		}
		x.c.Out.Printf("%-8s %s: %s\n", f.Level, f.Subject, f.Found)
		if f.Advice != "" {
			x.c.Out.Printf("         %s\n", f.Advice)
		}
	}
	x.c.Out.Set("faults", counts[fault])
	x.c.Out.Set("warnings", counts[warning])
	x.c.Out.Printf("%d checks in order, %d warnings, %d faults\n", counts[fine], counts[warning], counts[fault])
	if counts[fault] > 0 {
		return errSick
	}
	return nil
}

// oneLine is an error without what a list cannot show.
func oneLine(err error) string { return strings.TrimSuffix(cli.Sentence(err), ".") }
