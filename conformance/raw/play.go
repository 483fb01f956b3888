package raw

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// answerTime is how long a command waits for an answer unless it says otherwise with :within.
const answerTime = 10 * time.Second

// untilTime is how long a command with :until is repeated. What is awaited so takes a busy
// official server seconds.
const untilTime = 30 * time.Second

// player performs one script.
type player struct {
	t     *conformance.T
	s     *script
	vars  map[string]string
	conns map[string]*wire.Conn
	held  *held
	// invented are the headers of registrations of brokers, in random sequences.
	invented []map[string]string
}

// held is a request whose answer is awaited while the script goes on.
type held struct {
	command command
	done    sync.WaitGroup
	answer  *wire.Frame
	err     error
}

// runScript plays a script and compares, or records when rewrite names the source file.
func runScript(t *conformance.T, s *script, rewrite string) {
	p := &player{t: t, s: s, vars: map[string]string{}, conns: map[string]*wire.Conn{}}
	t.Cleanup(p.close)
	if s.head.Needs == conformance.Control {
		t.StartServers()
	}
	p.defineVariables()
	got := make([][]string, len(s.blocks))
	for i, b := range s.blocks {
		lines, err := p.play(b)
		if err != nil {
			t.Fatalf("%s:%d: %v", s.path, b.line, err)
		}
		got[i] = lines
		if want, seen := forgiving(b.expected(t.Official()), lines); rewrite == "" && !slices.Equal(want, seen) {
			t.Errorf("%s:%d: %s\n%s", s.path, b.line, b.commands[len(b.commands)-1].text, diff(want, seen))
		}
	}
	if rewrite != "" {
		t.Check(os.WriteFile(rewrite, []byte(s.text(got, t.Official())), 0o644), "record")
	}
}

// defineVariables gives the script its names: what differs between runs and targets.
func (p *player) defineVariables() {
	c := p.t.Servers()
	for i, s := range c.NameServers {
		p.vars[numbered("namesrv", i)] = s.Address()
	}
	for i, s := range c.Brokers {
		p.vars[numbered("broker", i)] = s.Address()
		p.vars[numbered("vip", i)] = s.VIPAddress()
		if s.Dir() != "" {
			p.vars[numbered("dir", i)] = s.Dir()
		}
	}
	for i := range 8 {
		p.vars[numbered("topic", i)] = p.t.Topic()
		p.vars[numbered("group", i)] = p.t.Group()
		p.vars[numbered("name", i)] = p.t.Group() + "_N"
	}
}

// numbered is the name of the i-th thing of a kind: topic, topic2, topic3.
func numbered(kind string, i int) string {
	if i == 0 {
		return kind
	}
	return kind + strconv.Itoa(i+1)
}

func (p *player) close() {
	for _, c := range p.conns {
		c.Close()
	}
}

// play performs the commands of a block and returns what the last ones showed.
func (p *player) play(b block) ([]string, error) {
	var out []string
	for _, c := range b.commands {
		p.t.Linger()
		lines, err := p.perform(c)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	for i := range out {
		out[i] = p.abstract(out[i])
	}
	return out, nil
}

func (p *player) perform(c command) ([]string, error) {
	switch c.verb {
	case "send":
		return p.send(c)
	case "expect":
		return p.expect(c)
	case "background":
		return nil, p.background(c)
	case "await":
		if p.held == nil {
			return nil, errors.New("nothing is awaited")
		}
		p.held.done.Wait()
		return p.show(p.held.command, p.held.answer, p.held.err)
	case "topic":
		return nil, p.createTopic(c)
	case "let":
		for k, v := range c.fields {
			p.vars[k] = p.expand(v)
		}
		return nil, nil
	case "pause":
		d, err := time.ParseDuration(c.operands[0])
		if err == nil {
			p.t.Pause(d)
		}
		return nil, err
	case "hangup":
		if conn := p.conns[c.operands[0]]; conn != nil {
			conn.Close()
			delete(p.conns, c.operands[0])
		}
		return nil, nil
	}
	return nil, fmt.Errorf("unknown command %q", c.verb)
}

// conn is the connection of a name like "broker" or "broker#2"; the part before # says where to.
func (p *player) conn(name string) (*wire.Conn, error) {
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	where, _, _ := strings.Cut(name, "#")
	address, ok := p.vars[where]
	if !ok {
		return nil, fmt.Errorf("no server is called %q", where)
	}
	c, err := wire.Dial(p.t.Context(), address)
	if err == nil {
		p.conns[name] = c
		p.vars["client."+name] = c.LocalAddr()
	}
	return c, err
}

// request builds the frame of a send command.
func (p *player) request(c command) (*wire.Frame, error) {
	code, ok := c.code()
	if !ok {
		return nil, fmt.Errorf("%q names no request code", c.text)
	}
	f := &wire.Frame{Code: int32(code), Ext: map[string]string{}, Language: c.options["language"]}
	for k, v := range c.fields {
		v = p.expand(v)
		switch k {
		case "body":
			f.Body = []byte(v)
		case "hex":
			b, err := hex.DecodeString(v)
			if err != nil {
				return nil, err
			}
			f.Body = b
		case "zeros":
			n, err := strconv.Atoi(v)
			if err != nil {
				return nil, err
			}
			f.Body = make([]byte, n)
		default:
			f.Ext[k] = v
		}
	}
	if v := c.options["version"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, err
		}
		f.Version = int32(n)
	}
	if _, ok := c.options["binary"]; ok {
		f.Serialize = wire.SerializeRocketMQ
	}
	return f, nil
}

// send makes a request and shows the answer. With :until=X it is repeated until a line of the
// answer equals X; with :oneway nothing is awaited.
func (p *player) send(c command) ([]string, error) {
	until, repeat := c.options["until"]
	limit := answerTime
	if repeat {
		limit = untilTime
	}
	limit, err := c.within(limit)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(p.t.Stretch(limit))
	for {
		if !repeat {
			return p.sendOnce(c, deadline)
		}
		lines, err := p.sendOnce(c, time.Now().Add(p.t.Stretch(answerTime)))
		if err != nil || slices.Contains(lines, p.expand(until)) {
			return lines, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s: not seen within the time, but:\n%s", until, strings.Join(lines, "\n"))
		}
		p.t.Pause(20 * time.Millisecond)
	}
}

// within is how long a command waits: what :within says, or else otherwise.
func (c *command) within(otherwise time.Duration) (time.Duration, error) {
	if v := c.options["within"]; v != "" {
		return time.ParseDuration(v)
	}
	return otherwise, nil
}

func (p *player) sendOnce(c command, deadline time.Time) ([]string, error) {
	conn, err := p.conn(c.operands[0])
	if err != nil {
		return nil, err
	}
	f, err := p.request(c)
	if err != nil {
		return nil, err
	}
	if _, oneway := c.options["oneway"]; oneway {
		return nil, conn.OneWay(f)
	}
	ctx, cancel := context.WithDeadline(p.t.Context(), deadline)
	defer cancel()
	r, err := conn.Call(ctx, f)
	if err == nil {
		if err := p.settle(conn, f, r); err != nil {
			return nil, err
		}
	}
	return p.show(c, r, err)
}

// settle waits, after a send, until the queue shows its messages: the official broker feeds its
// queues in the background, and conversations are not about how long that takes. Messages that
// go to another queue are left alone, and so are queues whose end the broker does not tell. Of
// light queues the answer says nothing: all that is stored has to be dispatched then.
func (p *player) settle(conn *wire.Conn, sent, answer *wire.Frame) error {
	topic := sent.Ext["b"] + sent.Ext["topic"]
	first, err := strconv.Atoi(answer.Ext["queueOffset"])
	if err != nil || topic == "" || setAside(sent) {
		return nil
	}
	last := first + strings.Count(answer.Ext["msgId"], ",") // a batch is answered with an id for each message
	end := &wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": topic, "queueId": answer.Ext["queueId"]}}
	limit := p.t.Stretch(untilTime)
	ctx, cancel := context.WithTimeout(p.t.Context(), limit)
	defer cancel()
	for {
		end.Opaque = 0
		r, err := conn.Call(ctx, end)
		if err != nil {
			return fmt.Errorf("waiting for the message at %s:%s:%d to be dispatched: %w", topic, answer.Ext["queueId"], last, err)
		}
		if r.Code != int32(protocol.ResponseSuccess) {
			return nil
		}
		if n, _ := strconv.Atoi(r.Ext["offset"]); n > last {
			if inLightQueues(sent) {
				p.t.AwaitDispatched()
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the message at %s:%s:%d was answered and not dispatched within %v", topic, answer.Ext["queueId"], last, limit)
		}
		p.t.Pause(5 * time.Millisecond)
	}
}

// inLightQueues reports whether a message asks for a place in light queues, as those of lite topics are.
func inLightQueues(sent *wire.Frame) bool {
	properties := sent.Ext["i"] + sent.Ext["properties"]
	return strings.Contains(properties, "INNER_MULTI_DISPATCH\x01") || strings.Contains(properties, "__LITE_TOPIC\x01")
}

// setAside reports whether the broker keeps a message elsewhere than in the queue that it was sent
// to: until its delay is over, its time has come, or its transaction is committed. A system flag
// that names a half message without the property keeps it out of every queue.
func setAside(sent *wire.Frame) bool {
	const transactionType, half, rolledBack = 0x3 << 2, 0x1 << 2, 0x3 << 2
	flag, _ := strconv.Atoi(cmp.Or(sent.Ext["f"], sent.Ext["sysFlag"]))
	if t := flag & transactionType; t == half || t == rolledBack {
		return true
	}
	properties := sent.Ext["i"] + sent.Ext["properties"]
	for _, name := range []string{"DELAY\x01", "TIMER_D", "TRAN_MSG\x01"} {
		if strings.Contains(properties, name) {
			return true
		}
	}
	return false
}

// background makes the request that follows the verb without waiting for its answer, which
// the command await shows.
func (p *player) background(c command) error {
	inner, err := parseCommand(strings.TrimPrefix(c.text, "background "))
	if err != nil {
		return err
	}
	conn, err := p.conn(inner.operands[0])
	if err != nil {
		return err
	}
	f, err := p.request(inner)
	if err != nil {
		return err
	}
	h := &held{command: inner}
	p.held = h
	h.done.Go(func() { h.answer, h.err = conn.Call(p.t.Context(), f) })
	return nil
}

// expect waits for a request that the server sends by itself and shows it, no longer than :within
// says. With :reply it is answered with the body given there and the code that :code gives,
// SUCCESS otherwise.
func (p *player) expect(c command) ([]string, error) {
	conn, err := p.conn(c.operands[0])
	if err != nil {
		return nil, err
	}
	limit, err := c.within(untilTime)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), p.t.Stretch(limit))
	defer cancel()
	code, _ := c.code()
	for {
		r, err := conn.Push(ctx)
		if err == nil && r.Code != int32(code) {
			continue
		}
		if body, ok := c.options["reply"]; ok && err == nil {
			code, err := strconv.Atoi(cmp.Or(c.options["code"], "0"))
			if err != nil {
				return nil, err
			}
			if err := conn.Reply(r, int32(code), []byte(body)); err != nil {
				return nil, err
			}
		}
		return p.show(c, r, err)
	}
}

// show renders an answer, or how the wait for it ended.
func (p *player) show(c command, r *wire.Frame, err error) ([]string, error) {
	switch {
	case errors.Is(err, wire.ErrClosed):
		delete(p.conns, c.operands[0])
		return []string{"closed"}, nil
	case errors.Is(err, wire.ErrSilent):
		return []string{"no answer"}, nil
	case err != nil:
		return nil, err
	}
	view := wire.View{Masks: map[string]bool{}, CodeName: codeName}
	if !r.IsResponse() {
		view.CodeName = func(code int32) string { return protocol.RequestCode(code).String() }
	}
	for _, m := range p.s.masks {
		view.Masks[m] = true
	}
	for m := range strings.SplitSeq(c.options["mask"], ",") {
		view.Masks[m] = m != ""
	}
	_, view.SortArrays = c.options["sort"]
	_, view.NoBody = c.options["nobody"]
	_, view.NoRemark = c.options["noremark"]
	if err := p.save(c, r); err != nil {
		return nil, err
	}
	lines := view.Lines(r)
	if javaFault.MatchString(r.Remark) && !view.NoRemark {
		lines[1] = anyFault
	}
	if _, ok := c.options["header"]; ok {
		form := map[byte]string{wire.SerializeJSON: "JSON", wire.SerializeRocketMQ: "ROCKETMQ"}[r.Serialize]
		lines = append([]string{fmt.Sprintf("header %s language=%s version=%d flag=%d", form, r.Language, r.Version, r.Flag)}, lines...)
	}
	return lines, nil
}

// javaFault is the remark of a handler that threw: class, message, and the line of the frame;
// or only the message that the virtual machine gives to a null that was used, or an index that
// there is not.
var javaFault = regexp.MustCompile(`^((java|com|org|io)\.[a-z0-9_.]+\.[A-Z]\w*(Exception|Error)\b|Cannot (invoke|read|load|store|assign) |Index \d+ out of bounds for length )`)

// anyFault stands in recordings for such a remark (intended difference 3).
const anyFault = "remark (fault)"

// forgiving prepares an answer for the comparison with a recorded one: where the official
// server told of a Java exception, whatever remark is there counts, and none does as well. The
// official server itself leaves it out once its compiler has optimised the throw.
func forgiving(want, got []string) (wantLines, gotLines []string) {
	if !slices.Contains(want, anyFault) {
		return want, got
	}
	remark := func(line string) bool { return strings.HasPrefix(line, "remark ") }
	return slices.DeleteFunc(slices.Clone(want), remark), slices.DeleteFunc(slices.Clone(got), remark)
}

// save keeps a field of the answer as a variable: :save=var:field, several separated by commas.
// :saverecord=var does so with the physical offset of the first message in the body.
func (p *player) save(c command, r *wire.Frame) error {
	if name := c.options["saverecord"]; name != "" {
		if records, err := wire.Records(r.Body); err == nil && len(records) > 0 {
			p.vars[name] = strconv.FormatInt(records[0].PhysicalOffset, 10)
		}
	}
	for item := range strings.SplitSeq(c.options["save"], ",") {
		if item == "" {
			continue
		}
		name, field, _ := strings.Cut(item, ":")
		v, ok := r.Ext[field]
		if !ok {
			return fmt.Errorf("the answer %s has no field %s to save", r, field)
		}
		p.vars[name] = v
	}
	return nil
}

func codeName(code int32) string {
	return fmt.Sprintf("%d %s", code, protocol.ResponseCode(code))
}

// createTopic creates a topic with the fields of request 17, for which it has defaults.
func (p *player) createTopic(c command) error {
	fields := map[string]string{
		"topic": "$topic", "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
	}
	for k, v := range c.fields {
		fields[k] = v
	}
	for k, v := range fields {
		fields[k] = p.expand(v)
	}
	r, err := wire.Call(p.t.Context(), p.vars["broker"], &wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: fields})
	if err == nil && r.Code != int32(protocol.ResponseSuccess) {
		err = fmt.Errorf("creating the topic was answered %s", r)
	}
	return err
}

// bornAhead is how far in the future $ahead is.
const bornAhead = time.Minute

// expand puts the variables into a text. $now is the time in milliseconds, $ahead is a later
// one: a POP that reaches the official broker half a second after its poll time has passed
// since its birth is refused, which says how busy the machine is.
func (p *player) expand(s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	for _, name := range p.byLength(func(name string) string { return name }) {
		s = strings.ReplaceAll(s, "$"+name, p.vars[name])
	}
	now := time.Now()
	s = strings.ReplaceAll(s, "$ahead", strconv.FormatInt(now.Add(bornAhead).UnixMilli(), 10))
	return strings.ReplaceAll(s, "$now", strconv.FormatInt(now.UnixMilli(), 10))
}

// abstract puts the names of the variables back where their values appear. Short values, such
// as a saved offset, stay: they could be anything.
func (p *player) abstract(s string) string {
	for _, name := range p.byLength(func(name string) string { return p.vars[name] }) {
		if len(p.vars[name]) > 8 {
			s = strings.ReplaceAll(s, p.vars[name], "$"+name)
		}
	}
	return s
}

// byLength lists the variables, longest first by the text that of chooses, so that no name or
// value is taken for the beginning of a longer one.
func (p *player) byLength(of func(name string) string) []string {
	names := make([]string, 0, len(p.vars))
	for name := range p.vars {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if a, b := len(of(names[i])), len(of(names[j])); a != b {
			return a > b
		}
		return names[i] < names[j]
	})
	return names
}
