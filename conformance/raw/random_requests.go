package raw

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// randomFile has the requests that random sequences are made of, see [parseSubjects].
const randomFile = "testdata/random/requests.def"

// subjects are the commands that random sequences draw from, by what they are about.
type subjects struct {
	names []string // in the order of the file, without the opening
	of    map[string][]command
	all   []command // but those that open
}

// opening is the subject whose commands come first in a sequence: they create its topic and group.
const opening = "opening"

// parseSubjects reads randomFile: lines "subject NAME", each followed by commands of conversations.
func parseSubjects(text string) (*subjects, error) {
	s := &subjects{of: map[string][]command{}}
	at := ""
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "subject "); ok {
			if at = name; at != opening {
				s.names = append(s.names, name)
			}
			continue
		}
		c, err := parseCommand(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", randomFile, i+1, err)
		}
		if _, ok := c.code(); !ok && c.verb != "topic" || at == "" {
			return nil, fmt.Errorf("%s:%d: %s: neither a request of a subject nor a topic", randomFile, i+1, line)
		}
		s.of[at] = append(s.of[at], c)
		if at != opening {
			s.all = append(s.all, c)
		}
	}
	return s, nil
}

// randomSteps is how many commands a random sequence has behind its opening.
const randomSteps = 30

// sequence is the n-th random sequence of a seed: always the same one. It opens with a topic, a
// group and some messages, and goes on with requests that are mostly about one subject, of which a
// part is spoilt.
func (s *subjects) sequence(seed, n uint64) []command {
	g := generator{rand.New(rand.NewPCG(seed, n))}
	topics := s.of[opening]
	steps := []command{pick(g, topics)}
	if steps[0].verb == "topic" && g.chance(2) {
		steps = append(steps, topics[len(topics)-1])
	}
	send := s.of["send"]
	for range g.IntN(4) {
		steps = append(steps, send[g.IntN(3)])
	}
	about := s.of[pick(g, s.names)]
	for range randomSteps {
		c := pick(g, about)
		if g.chance(4) {
			c = pick(g, s.all)
		}
		steps = append(steps, g.vary(c))
	}
	return steps
}

// generator makes variants of commands.
type generator struct{ *rand.Rand }

// chance is true once in n times.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, of []T) T { return of[g.IntN(len(of))] }

// vary is a command as another client may send it, or as no client should.
func (g generator) vary(c command) command {
	c.operands, c.fields, c.options = slices.Clone(c.operands), maps.Clone(c.fields), maps.Clone(c.options)
	if g.chance(2) {
		for more := true; more; more = g.chance(4) {
			g.spoil(&c)
		}
	}
	code, _ := c.code()
	if g.chance(3) && code < 1<<15 {
		c.options["binary"] = ""
	}
	if g.chance(5) {
		c.options["language"] = pick(g, []string{"CPP", "DOTNET", "PYTHON", "GO", "PHP", "RUST", "OTHER"})
	}
	if g.chance(5) {
		c.options["version"] = pick(g, []string{"1", "135", "275", "317", "399", "400", "401", "433", "455", "480", "999"})
	}
	switch {
	case g.chance(60):
		c.options["oneway"] = ""
	case g.chance(60):
		c.operands[0] = map[string]string{"broker": "namesrv", "broker#2": "namesrv", "namesrv": "broker"}[c.operands[0]]
	}
	c.text = c.line()
	return c
}

// spoil changes one field, or the body.
func (g generator) spoil(c *command) {
	keys := slices.Sorted(maps.Keys(c.fields))
	if len(keys) == 0 || g.chance(15) {
		k := pick(g, []string{"ns", "nsd", "bname", "lo", "oway", "unknown", "topic", "queueId", "body"})
		c.fields[k] = g.value(k, "true")
		return
	}
	switch k := pick(g, keys); {
	case g.chance(5):
		delete(c.fields, k)
	case k == "sysFlag" && isSend(c):
		c.fields[k] = g.value("f", c.fields[k])
	case k == "maxMsgNums" && isPeek(c):
		c.fields[k] = g.value(k, c.fields[k])
		if c.fields[k] == "2147483647" { // which needs more memory than the official broker has
			c.fields[k] = "1000"
		}
	case k == "hex":
		c.fields[k] = g.hex(c.fields[k])
	case k == "body":
		c.fields[k] = g.body(c.fields[k])
	case k == "properties" || k == "i":
		c.fields[k] = g.properties(c.fields[k])
	case g.chance(25) && k != strings.ToUpper(k):
		c.fields[strings.ToUpper(k)] = c.fields[k]
		delete(c.fields, k)
	default:
		c.fields[k] = g.value(k, c.fields[k])
	}
}

func isSend(c *command) bool { code, _ := c.code(); return code == protocol.SendMessage }

func isPeek(c *command) bool { code, _ := c.code(); return code == protocol.PeekMessage }

// Values that take the place of a field's. Numbers of queues are small, because some requests of
// administrators make the official broker walk through all of them; a pull is never asked to
// wait, which would say how long the machine took (and is difference 32). No message is sent with
// flags of addresses of IPv6, which damage the official broker's log (intended difference 42).
var (
	sysFlags     = []string{"0", "1", "4", "5", "8", "12", "16", "20", "21", "24", "256", "abc", "", "-8"}
	sentFlags    = []string{"0", "1", "4", "5", "8", "12", "2", "64", "128", "9", "256", "abc", "", "7"}
	queueNumbers = []string{"0", "1", "2", "3", "8", "16", "-1", "", "abc", "2147483648", "1.5"}
	numbers      = []string{
		"", "abc", "-1", "-2", "0", "1", "2", "3", "4", "5", "7", "8", "12", "17", "100", "1.5", " 1", "+1", "0x10", "1e3", "null", "true",
		"2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999",
	}
	names = []string{
		"", " ", "a", "null", "$topic", "$topic2", "$topic3", "$topic4", "$group", "$group2", "$group3", "$group4", "$name", "$name2", "%RETRY%$group",
		"%RETRY%$group_$topic", "%DLQ%$group", "TBW102", "SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "CID_RMQ_SYS_x", "TOOLS_CONSUMER", "SELF_TEST_TOPIC",
		"DefaultCluster", "broker-0", "%LMQ%$name", "a b", "a%b", "a^b", "漢字", "a/b", `a"b`, "a\x01b\x02", strings.Repeat("n", 127), strings.Repeat("n", 128), strings.Repeat("n", 256),
	}
	flags  = []string{"", "true", "false", "TRUE", "True", "yes", "1", "0", "null"}
	fields = map[string][]string{
		"sysFlag": sysFlags, "f": sentFlags, "readQueueNums": queueNumbers, "writeQueueNums": queueNumbers, "defaultTopicQueueNums": queueNumbers, "d": queueNumbers,
		"queueId": {"-2", "0", "1", "3", "4", "99", "2147483647", "2147483648", "", "abc"}, "e": {"-2", "0", "1", "3", "4", "99", "", "abc"},
		"suspendTimeoutMillis": {"", "0", "abc", "-1"}, "pollTime": {"", "0", "abc", "-1"}, "bornTime": {"", "$ahead", "abc", "0", "-1"},
		"perm": {"0", "1", "2", "3", "4", "5", "6", "7", "8", "-1", "", "abc"}, "topicSysFlag": {"0", "1", "2", "3", "4", "-1", "abc", ""},
		"topicFilterType":  {"SINGLE_TAG", "MULTI_TAG", "single_tag", "", "x"},
		"commitOrRollback": {"0", "4", "8", "12", "3", "16", "", "abc", "-1"},
		"boundaryType":     {"LOWER", "UPPER", "lower", "upper", "", "x"}, "expressionType": {"TAG", "SQL92", "tag", "", "x"}, "expType": {"TAG", "SQL92", "tag", "", "x"},
		"subscription": {"*", "", "A", "A||B", "A || ", " ", "a > 5", "a IS NULL", "TAGS = 'A'", "a = "}, "exp": {"*", "", "A", "A||B", " ", "a > 5", "TAGS = 'A'", "a = "},
		"attributes": {"", "+message.type=FIFO", "-message.type", "+message.type=NOVEL", "message.type=FIFO", "+nosuch=1", "+a=b,+a=b", "+queue.type=BatchCQ", "+queue.type=x", "+cleanup.policy=COMPACTION", "+cleanup.policy=x", ",", "+", "+=", "+a", "-a=b"},
		"extraInfo":  {"", "a", "0", "0 1 2 3 4 5 6 7", "0 $pt 60000 0 0 broker-0 0", "0 $pt 60000 0 0 broker-0 0 5", "0 $pt 60000 0 1 broker-0 0 0", "0 $pt 60000 0 0 elsewhere 0 0", "0 $pt 60000 0 0 broker-0 1 0", "x $pt 60000 0 0 broker-0 0 0", "0 $pt 60000 99 0 broker-0 0 0", "0  $pt 60000 0 0 broker-0 0 0"},
		"delayLevel": {"-1", "0", "3", "18", "19", "100", "-2", "", "abc"}, "initMode": {"0", "1", "2", "-1", "", "abc"},
		"READ_AHEAD_MODE": {"0", "1", "2", "3", "7", "-1", "", "x"}, "E_T": {"F", "R", "f", "", "x"},
		"recallHandle": {"", "x", "djEg", "djEgYSBiIDEgYw==", "djEgeCBicm9rZXItMCA0MTAyNDQ0ODAwMDAwIEs=", "djEgJHRvcGljIGJyb2tlci0wIDEgSw", "$handle"},
		"statsName":    {"TOPIC_PUT_NUMS", "TOPIC_PUT_SIZE", "GROUP_GET_NUMS", "BROKER_PUT_NUMS", "SNDBCK_PUT_NUMS", "GROUP_GET_LATENCY", "nosuch", ""},
		"configType":   {"topics", "nosuch", "", ";", "topics;nosuch", "TOPICS"}, "topicList": {"", ";", "$topic", "$topic;$topic", "$topic4;$topic2", " ; "},
		"strategyName": {"", "AVG", "x"},
	}
)

// value is one for the field of a name whose proper value is given.
func (g generator) value(name, proper string) string {
	if of := fields[name]; of != nil {
		return pick(g, of)
	}
	if g.chance(10) {
		return pick(g, slices.Concat(numbers, names, flags))
	}
	if _, err := strconv.ParseInt(strings.TrimLeft(proper, "$"), 10, 64); err == nil || strings.HasPrefix(proper, "$now") || proper == "$phy" || strings.HasPrefix(proper, "$half") {
		return pick(g, numbers)
	}
	if proper == "true" || proper == "false" {
		return pick(g, flags)
	}
	return pick(g, names)
}

// body spoils a body: cut, replaced, or with another value somewhere within its JSON.
func (g generator) body(proper string) string {
	switch g.IntN(6) {
	case 0:
		return pick(g, []string{"", "null", "[]", "{}", "5", `""`, "no json", "{", "[{}]", "a=b", "=", "a", "\n", "{\"a\":{}}", " {} ", strings.Repeat("x", 5000)})
	case 1:
		return proper[:g.IntN(len(proper)+1)]
	}
	return g.json(proper)
}

// json puts another value in the place of a scalar of a JSON text, or takes a member away.
func (g generator) json(proper string) string {
	colons := indexes(proper, `":`)
	if len(colons) == 0 {
		return pick(g, names)
	}
	at := pick(g, colons) + 2
	end := at + valueLength(proper[at:])
	if start := strings.LastIndexByte(proper[:at-2], '"'); start > 0 && g.chance(4) { // without the member
		rest := strings.TrimPrefix(proper[end:], ",")
		if rest == proper[end:] {
			return strings.TrimSuffix(proper[:start], ",") + rest
		}
		return proper[:start] + rest
	}
	if end == at {
		return proper
	}
	other := pick(g, []string{"null", "0", "-1", "1", "5", "1.5", "true", "false", `""`, `"abc"`, `"5"`, "[]", "{}", "[null]", "2147483648", "99999999999999999999", "{\"a\":1}", `["a"]`})
	if proper[at] == '"' && g.chance(2) {
		other = strconv.Quote(pick(g, names))
	}
	return proper[:at] + other + proper[end:]
}

func indexes(s, of string) (all []int) {
	for at := 0; ; at++ {
		i := strings.Index(s[at:], of)
		if i < 0 {
			return all
		}
		at += i
		all = append(all, at)
	}
}

// valueLength is how long the JSON value is that a text begins with.
func valueLength(s string) int {
	depth, quoted := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(s)
}

// properties spoils the properties of a message.
func (g generator) properties(proper string) string {
	name := pick(g, []string{
		"KEYS", "TAGS", "DELAY", "TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS", "WAIT", "UNIQ_KEY", "TRAN_MSG", "PGROUP", "RETRY_TOPIC", "__SHARDINGKEY", "a",
		"INNER_MULTI_DISPATCH", "INNER_NUM", "INNER_BASE", "CLUSTER", "TRACE_ON", "REPLY_TO_CLIENT", "CORRELATION_ID", "_SYS_MSG_PRIORITY_", "__LITE_TOPIC", "POP_CK", "MAX_OFFSET",
		"CONSUME_START_TIME", "DUP_INFO", "MIN_OFFSET", "REAL_TOPIC", "REAL_QID", "CHECK_IMMUNITY_TIME_IN_SECONDS", "TRANSACTION_CHECK_TIMES", "EXTEND_UNIQ_INFO", "ORIGIN_MESSAGE_ID",
	})
	value := pick(g, []string{"", "0", "1", "-1", "3", "18", "19", "abc", "true", "false", "10000000", "99999999999999999999", "9999999999999", "a b", "漢", "x,y", "$topic", "$topic2"})
	switch g.IntN(8) {
	case 0:
		return pick(g, []string{"", "\x01", "\x02", "\x01\x02", "a", "a\x01", "\x02a\x01b", "a\x01b", "a\x01b\x02a\x01c\x02", "a\x01b\x01c\x02", "a\x01" + strings.Repeat("p", 40000) + "\x02"})
	case 1:
		return name + "\x01" + value // not ended
	}
	return proper + name + "\x01" + value + "\x02"
}

// hex spoils bytes that are given as hexadecimal text.
func (g generator) hex(proper string) string {
	at := g.IntN(len(proper)/2) * 2
	switch g.IntN(3) {
	case 0:
		return proper[:at]
	case 1:
		return proper[:at] + fmt.Sprintf("%02x", g.IntN(256)) + proper[at+2:]
	}
	return proper + proper[:at]
}

// line renders a command as a line of a conversation.
func (c command) line() string {
	words := append([]string{c.verb}, c.operands...)
	for _, k := range slices.Sorted(maps.Keys(c.fields)) {
		v := c.fields[k]
		if v == "" || strconv.Quote(v) != `"`+v+`"` || strings.ContainsAny(v, " ") {
			v = strconv.Quote(v)
		}
		words = append(words, k+"="+v)
	}
	for _, k := range slices.Sorted(maps.Keys(c.options)) {
		word := ":" + k
		if c.options[k] != "" {
			word += "=" + c.options[k]
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
