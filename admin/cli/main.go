package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
)

// Exit codes of Main.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Env is the surroundings of a run.
type Env struct {
	Program  string // how the program is called, for the texts
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
	Terminal bool // Err is a terminal
}

// Main runs one command line and returns the exit code: 0 only if all of the work was
// done.
func Main(ctx context.Context, set Set, env Env, args []string) int {
	err := run(ctx, set, env, args)
	if err == nil {
		return ExitOK
	}
	if errors.Is(err, errPartly) {
		return ExitFailed
	}
	if usage, ok := errors.AsType[*UsageError](err); ok {
		fmt.Fprintf(env.Err, "%s: %s\n", env.Program, usage.Reason)
		return ExitUsage
	}
	name := env.Program
	if failed, ok := errors.AsType[*commandError](err); ok {
		name, err = failed.command, failed.err
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ExitFailed // the person who ended it knows
	}
	fmt.Fprintf(env.Err, "%s: %s\n", name, Sentence(err))
	return ExitFailed
}

// errPartly says that a command has reported its failures itself.
var errPartly = errors.New("a part of the work failed")

// commandError names the command that failed.
type commandError struct {
	command string
	err     error
}

func (e *commandError) Error() string { return e.command + ": " + e.err.Error() }
func (e *commandError) Unwrap() error { return e.err }

// global are the options of every command. -o is one only where the command has none
// of its own.
func (c *Command) global() []Option {
	all := []Option{
		Flag("h", "help", "show this text"),
		Value("n", "namesrvAddr", "name servers, host:port, with semicolons between; otherwise NAMESRV_ADDR"),
		Value("", "output", "show results as table, json or yaml"),
		Value("", "timeout", "how long to wait for an answer, such as 30s; otherwise 5s"),
		Value("", "accessKey", "user's name, where brokers have ACLs; otherwise conf/tools.yml below ROCKETMQ_HOME"),
		Value("", "secretKey", "its password"),
	}
	if _, own := c.find("o"); !own {
		all[2].Short = "o"
	}
	// What a command itself calls -n or -h stays its own.
	kept := all[:0]
	for _, o := range all {
		if _, own := c.find(o.key()); !own {
			kept = append(kept, o)
		}
	}
	return kept
}

func run(ctx context.Context, set Set, env Env, args []string) error {
	form, args, err := leadingOutput(args)
	if err != nil {
		return err
	}
	if len(args) == 0 || len(args) == 1 && isHelp(args[0]) {
		fmt.Fprint(env.Out, set.help(env.Program))
		return nil
	}
	if isHelp(args[0]) {
		args = []string{args[1], "--help"}
	}
	command := set.Find(args[0])
	if command == nil {
		text := fmt.Sprintf("there is no command %q", args[0])
		if near := set.Nearest(args[0]); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		return Usagef("%s %s help lists all", text, env.Program)
	}
	p, err := parse(append(command.global(), command.Options...), args[1:])
	if err == nil && p.given["h"] {
		fmt.Fprint(env.Out, command.help(env.Program))
		return nil
	}
	if err == nil {
		err = command.check(p)
	}
	if err != nil {
		return Usagef("%s: %v; %s help %s shows its options", command.Name, err, env.Program, command.Name)
	}
	return command.run(ctx, env, p, form)
}

func isHelp(word string) bool { return word == "help" || word == "-h" || word == "--help" }

// leadingOutput takes "-o form" off the front, the one place where it means the form of
// the output for every command.
func leadingOutput(args []string) (Form, []string, error) {
	if len(args) == 0 {
		return Text, args, nil
	}
	name, value, joined := strings.Cut(args[0], "=")
	if name != "-o" && name != "--output" {
		return Text, args, nil
	}
	args = args[1:]
	if !joined {
		if len(args) == 0 {
			return "", nil, Usagef("option -o needs a value: table, json or yaml")
		}
		value, args = args[0], args[1:]
	}
	form, err := parseForm(value)
	return form, args, err
}

func parseForm(text string) (Form, error) {
	switch f := Form(strings.ToLower(strings.TrimSpace(text))); f {
	case Text, JSON, YAML:
		return f, nil
	}
	return "", Usagef("%q is no form of output; there are table, json and yaml", text)
}

func (c *Command) run(ctx context.Context, env Env, p *parser, form Form) error {
	call := &Call{In: env.In, Err: env.Err, log: env.Terminal, command: c, args: p}
	for _, key := range []string{"o", "output"} {
		if _, own := c.find(key); own || !p.given[key] {
			continue
		}
		var err error
		if form, err = parseForm(p.values[key]); err != nil {
			return err
		}
	}
	options, err := clientOptions(env, call)
	if err != nil {
		return err
	}
	if len(options.NameServers) == 0 && !c.Local {
		return Usagef("%s: no name server is known; give -n host:port or set NAMESRV_ADDR", c.Name)
	}
	call.Client = admin.New(options)
	defer call.Client.Close()
	call.Out = NewOutput(env.Out, form)
	err = c.Run(ctx, call)
	call.Done()
	if flushErr := call.Out.Flush(); err == nil {
		err = flushErr
	}
	switch _, usage := errors.AsType[*UsageError](err); {
	case usage:
		return Usagef("%s: %v", c.Name, err)
	case err != nil:
		return &commandError{c.Name, err}
	case call.failed:
		return errPartly
	}
	return nil
}

// clientOptions reads what all commands know of servers.
func clientOptions(env Env, call *Call) (admin.Options, error) {
	servers := call.Value("n")
	if servers == "" {
		servers = env.Getenv("NAMESRV_ADDR")
	}
	o := admin.Options{NameServers: admin.ParseNameServers(servers)}
	if call.Has("timeout") {
		d, err := time.ParseDuration(call.Value("timeout"))
		if err != nil || d <= 0 {
			return o, Usagef("%q is no time to wait; write 5s or 500ms", call.Value("timeout"))
		}
		o.Timeout = d
	}
	var err error
	o.Credentials, err = credentials(env, call)
	return o, err
}
