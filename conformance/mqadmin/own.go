package mqadmin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// Tool is our own tool, the binary that has "gantry admin". Close it.
type Tool struct {
	// Make gives the binary, and what takes it away again.
	Make func(ctx context.Context) (path string, remove func(), err error)

	mu     sync.Mutex // guards what follows
	path   string
	remove func()
}

// binary makes the binary when it is first asked for.
func (o *Tool) binary(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.path != "" {
		return o.path, nil
	}
	path, remove, err := o.Make(ctx)
	if err != nil {
		return "", err
	}
	o.path, o.remove = path, remove
	return path, nil
}

// Close takes the binary away.
func (o *Tool) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.remove != nil {
		o.remove()
	}
	o.path, o.remove = "", nil
}

// officialFault finds what the official tool prints where it fails. It ends with exit code
// 0 all the same; ours must not.
var officialFault = regexp.MustCompile(`(?m)^[\w.]+(Exception|Error): |^\[error\] `)

// runOwn runs our tool once and says what is wrong with the result; "" when it is as it
// must be: the output of the official tool, or where that fails a sentence on the error
// output and an exit code other than 0.
func (p *player) runOwn(st *step, args []string, pipe string) string {
	path, err := p.own.binary(p.t.Context())
	p.t.Check(err, "make our tool")
	var out, errText bytes.Buffer
	cmd := exec.CommandContext(p.t.Context(), path, append([]string{"admin"}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errText, p.vars["dir"]
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Check(err, "run our tool")
	}
	p.last = out.String()
	got, said := p.shown(out.String(), pipe), strings.TrimSpace(p.hide(errText.String()))
	if expr, fails := mustFail(st); fails {
		switch {
		case err == nil:
			return "ended with exit code 0 and printed\n" + got
		case said == "" || strings.Contains(said, "\n"):
			return fmt.Sprintf("said %q, which is not one line", said)
		case !regexp.MustCompile(expr).MatchString(said):
			return fmt.Sprintf("said %q, which does not match %q", said, expr)
		}
		return ""
	}
	if err != nil || said != "" {
		return fmt.Sprintf("ended with %v and said %q", err, said)
	}
	return differs(got, wantOwn(st))
}

// mustFail is whether our tool has to fail, and what its sentence matches then.
func mustFail(st *step) (expr string, fails bool) {
	if expr, ok := strings.CutPrefix(st.ours, "fails "); ok {
		return expr, true
	}
	return ".", st.ours == "" && officialFault.MatchString(st.want)
}

// wantOwn is what our tool prints: what the official one does, but for the lines that the
// script says it omits.
func wantOwn(st *step) string {
	expr, ok := strings.CutPrefix(st.ours, "omits ")
	if !ok {
		return st.want
	}
	omitted := regexp.MustCompile(expr)
	var kept []string
	for line := range strings.Lines(st.want) {
		if !omitted.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return strings.Trim(strings.Join(kept, ""), "\n")
}
