package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// live is the line that a terminal shows while a run goes on. It is written by one
// goroutine.
type live struct {
	out  io.Writer // nil when there is nobody to look
	text string
}

func newLive(out io.Writer, quiet bool) *live {
	f, ok := out.(*os.File)
	if quiet || !ok {
		return &live{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &live{}
	}
	return &live{out: f}
}

// show adds a load's sample to the line; the first load starts it anew.
func (v *live) show(first bool, l *load, s Second) {
	if v.out == nil {
		return
	}
	if first {
		v.text = fmt.Sprintf("%4.0f s", s.At)
	}
	v.text += fmt.Sprintf("  %s %s/s p50 %s p99 %s max %s", l.name, thousands(int64(s.Rate)), span(s.P50), span(s.P99), span(s.Max))
	line := v.text
	if s.Anonymous > 0 {
		line += fmt.Sprintf("  target %.0f %% CPU, %s", 100*s.TargetCPU, size(float64(s.Anonymous)))
	}
	fmt.Fprintf(v.out, "\r%s\x1b[K", strings.TrimSpace(line))
}

// done ends the line.
func (v *live) done() {
	if v.out != nil && v.text != "" {
		fmt.Fprintln(v.out)
	}
}
