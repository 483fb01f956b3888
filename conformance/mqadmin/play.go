package mqadmin

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

// Times of a step that waits for something.
const (
	settleTime = 30 * time.Second
	retryPause = 300 * time.Millisecond
	// recordPause is long enough for every effect that a retried step waits for, where a
	// recording has nothing to compare with.
	recordPause = 5 * time.Second
	closeTime   = 20 * time.Second
)

// player performs one script.
type player struct {
	t      *conformance.T
	s      *script
	pool   *javadriver.Pool
	own    *Tool // our tool plays; nil: the official one
	record bool
	vars   map[string]string
	last   string // raw output of the last command
	calls  *javadriver.Calls
	// consumers of the script. By themselves they store offsets for the first time ten seconds after their start.
	consumers []*javadriver.PushConsumer
}

// play performs a script and compares, or notes, when record is set, what it sees.
func play(t *conformance.T, s *script, pool *javadriver.Pool, own *Tool, record bool) {
	servers := t.Servers()
	p := &player{t: t, s: s, pool: pool, own: own, record: record, vars: map[string]string{
		"ns": servers.NameServerList(), "broker": servers.Broker().Address(), "brokerName": servers.Broker().Name(),
		"topic": short("T", t.Topic()), "topic2": short("T", t.Topic()),
		"group": short("G", t.Group()), "group2": short("G", t.Group()),
		"dir": t.TempDir(),
	}}
	for i, b := range servers.Brokers[1:] {
		p.vars[fmt.Sprintf("broker%d", i+2)], p.vars[fmt.Sprintf("brokerName%d", i+2)] = b.Address(), b.Name()
	}
	for _, st := range s.steps {
		p.step(st)
	}
}

// driver is the process that runs the official tool and the Java clients.
func (p *player) driver() *javadriver.Driver {
	d, err := p.pool.Get(p.t.Context(), javadriver.Options{Release: javadriver.V550})
	if errors.Is(err, javadriver.ErrLacking) {
		p.t.Skipf("%v", err)
	}
	p.t.Check(err, "start the Java driver")
	return d
}

// short makes a name of constant length out of a unique one.
func short(prefix, name string) string {
	h := fnv.New64a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s%016x", prefix, h.Sum64())
}

func (p *player) step(st *step) {
	word, rest, _ := strings.Cut(st.text, " ")
	rest = p.fill(rest)
	switch word {
	case "$", "!":
		p.command(st, rest, false)
	case "$~", "!~":
		p.command(st, rest, true)
	case "@ours": // read with the command before it
	case "=":
		name, expr, _ := strings.Cut(rest, " ")
		m := regexp.MustCompile(expr).FindStringSubmatch(p.last)
		if m == nil {
			p.t.Fatalf("%s: not found in\n%s", st.text, p.last)
		}
		p.vars[name] = m[1]
	case "@produce":
		p.produce(strings.Fields(rest))
	case "@push":
		p.push(strings.Fields(rest))
	case "@write":
		name, text, _ := strings.Cut(rest, " ")
		p.t.Check(os.WriteFile(name, []byte(text), 0o644), "write %s", name)
	case "@close":
		last := len(p.consumers) - 1
		p.t.Check(p.consumers[last].Close(p.t.Context()), "close a consumer")
		p.consumers = p.consumers[:last]
	case "@pause":
		d, err := time.ParseDuration(rest)
		p.t.Check(err, "%s", st.text)
		p.t.Pause(d)
	default:
		p.t.Fatalf("unknown step %q", st.text)
	}
}

func (p *player) fill(text string) string {
	for name, value := range p.vars {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// command runs the tool and compares.
func (p *player) command(st *step, line string, retry bool) {
	line, pipe, _ := strings.Cut(line, " | ")
	if p.record && retry {
		p.t.Pause(recordPause)
	}
	deadline := time.Now().Add(p.t.Stretch(settleTime))
	for {
		var fault string
		if retry {
			p.persist()
		}
		if name, isFile := strings.CutPrefix(line, "cat "); isFile {
			text, err := os.ReadFile(name)
			p.t.Check(err, "%s", st.text)
			if st.want, fault = p.compare(st.want, p.shown(string(text), pipe)); p.record {
				return
			}
		} else if st.text[0] == '!' {
			if st.want, fault = p.compare(st.want, p.call(strings.Fields(line), pipe)); p.record {
				return
			}
		} else if p.own != nil {
			fault = p.runOwn(st, strings.Fields(line), pipe)
		} else {
			if st.want, fault = p.compare(st.want, p.run(strings.Fields(line), pipe)); p.record {
				return
			}
		}
		if fault == "" {
			return
		}
		if !retry || time.Now().After(deadline) || p.t.Context().Err() != nil {
			p.t.Errorf("%s\n%s", st.text, fault)
			return
		}
		p.t.Pause(retryPause)
	}
}

// compare says how an output differs from the one that is wanted. When recording, it is
// wanted from then on.
func (p *player) compare(want, got string) (wanted, fault string) {
	if p.record {
		return got, ""
	}
	return want, differs(got, want)
}

// differs says how two outputs differ; "" when they do not.
func differs(got, want string) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("printed\n%s\nwant\n%s", got, want)
}

// run runs the official tool once and returns what it printed, filtered and masked.
func (p *player) run(args []string, pipe string) string {
	output, exits, err := p.driver().Admin(p.t.Context(), args...)
	p.t.Check(err, "run mqadmin %q", args)
	if exits {
		p.t.Fatalf("mqadmin %q would print its usage and exit", args)
	}
	p.last = output
	return p.shown(output, pipe)
}

// call calls the library that the official tool is built on, as other tools do.
func (p *player) call(words []string, pipe string) string {
	if p.calls == nil {
		c, err := p.driver().Calls(p.t.Context(), p.vars["ns"])
		p.t.Check(err, "start the admin library")
		p.closeLater(c)
		p.calls = c
	}
	var err error
	p.last, err = p.calls.Call(p.t.Context(), words[0], words[1:]...)
	p.t.Check(err, "call %s", words[0])
	return p.shown(p.last, pipe)
}

// shown makes of an output what scripts hold: filtered, masked, and without what tells of
// the tool and of the machine only.
func (p *player) shown(output, pipe string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "SLF4J: ") { // the JVM's first clients may meet while it sets up its log
			continue
		}
		line = strings.TrimRight(line, " \n\r")
		if !stackLine.MatchString(line) && !strings.HasPrefix(line, "SLF4J: ") {
			lines = append(lines, padding.ReplaceAllString(line, "  "))
		}
	}
	return strings.Trim(p.hide(strings.Join(p.filter(lines, pipe), "\n")), "\n")
}

// filter applies "grep EXPRESSION", with -v or -o as everywhere, "sort" and "members",
// separated by " | ".
func (p *player) filter(lines []string, pipe string) []string {
	for pipe != "" {
		var stage string
		stage, pipe, _ = strings.Cut(pipe, " | ")
		word, expr, _ := strings.Cut(stage, " ")
		switch word {
		case "sort":
			slices.Sort(lines)
		case "members": // of JSON objects that Java writes in the order of its hash tables
			for i := range lines {
				lines[i] = strings.TrimSuffix(lines[i], ",")
			}
			slices.Sort(lines)
		case "grep":
			lines = grep(lines, expr)
		default:
			p.t.Fatalf("unknown filter %q", stage)
		}
	}
	return lines
}

// grep keeps the lines that match, with "-v " before the expression the others, with "-o "
// of each line only what matches.
func grep(lines []string, expr string) []string {
	expr, without := strings.CutPrefix(expr, "-v ")
	expr, only := strings.CutPrefix(expr, "-o ")
	re := regexp.MustCompile(expr)
	lines = slices.DeleteFunc(lines, func(line string) bool { return re.MatchString(line) == without })
	if only {
		for i, line := range lines {
			lines[i] = re.FindString(line)
		}
	}
	return lines
}

var (
	// stackLine is what a Java stack trace consists of after its first line.
	stackLine = regexp.MustCompile(`^\s+(at [\w.$/<>]+\(.*\)|\.\.\. \d+ (more|common frames omitted))$`)
	// padding aligns columns; how wide depends on names and addresses.
	padding = regexp.MustCompile(` {2,}`)
)

// hide replaces what the case's variables hold by their names, the longest values first,
// and what the masks match by theirs.
func (p *player) hide(text string) string {
	var names []string
	for name := range p.vars {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := len(p.vars[b]) - len(p.vars[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		text = strings.ReplaceAll(text, p.vars[name], "{"+name+"}")
	}
	for _, m := range p.s.masks {
		text = m.expr.ReplaceAllString(text, m.show)
	}
	return text
}

// produce sends numbered messages: topic, how many.
func (p *player) produce(args []string) {
	prod, err := p.driver().Producer(p.t.Context(), p.vars["ns"], p.vars["group"]+"_producer", javadriver.Args{"heartbeatMs": 1000})
	p.t.Check(err, "start a producer")
	p.closeLater(prod)
	n, err := strconv.Atoi(args[1])
	p.t.Check(err, "@produce")
	for i := range n {
		m := javadriver.Message{Topic: args[0], Body: fmt.Appendf(nil, "message %d", i), Tags: "TagA", Keys: fmt.Sprintf("key%d", i)}
		r, err := prod.Send(p.t.Context(), m, javadriver.Args{"selectQueue": 0})
		p.t.Check(err, "send to %s", args[0])
		p.vars["uniq"], p.vars["offsetId"] = r.MsgID, r.OffsetMsgID
	}
}

// push starts a consumer that lives as long as the case, unless it is closed: group, topic, how many messages
// it must be given before the script goes on, and what else the consumer is told.
func (p *player) push(args []string) {
	all := javadriver.Args{"heartbeatMs": 1000, "persistMs": 1000, "instance": "case" + args[0]}
	for _, more := range args[3:] {
		name, value, _ := strings.Cut(more, "=")
		all[name] = value
	}
	c, err := p.driver().Push(p.t.Context(), p.vars["ns"], args[0], args[1], all)
	p.t.Check(err, "start a push consumer")
	p.closeLater(c)
	n, err := strconv.Atoi(args[2])
	p.t.Check(err, "@push")
	_, err = c.WaitCount(p.t.Context(), n)
	p.t.Check(err, "consume from %s", args[1])
	p.consumers = append(p.consumers, c)
}

// persist has the script's consumers store their offsets.
func (p *player) persist() {
	for _, c := range p.consumers {
		p.t.Check(c.Persist(p.t.Context()), "store a consumer's offsets")
	}
}

func (p *player) closeLater(c interface{ Close(context.Context) error }) {
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), closeTime)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			p.t.Logf("close a client: %v", err)
		}
	})
}
