package raw

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// script is a conversation with servers, written as text:
//
//	feature  sending
//	topology one name server, one broker
//	setting  broker maxMessageSize=1024
//	mask     msgId
//	topic
//
//	send broker 310 a=pg b=$topic c=TBW102 d=4 e=0 f=0 g=$now h=0 i= body=hello
//	----
//	SUCCESS
//	msgId=*
//
// Lines before the first block describe the case. A block is a few commands, a line ----, and
// the answer that the official server gave; a blank line ends it. Expected answers are never
// written by hand: cmd/conformance -rewrite records them from the official server, and the
// change is reviewed as a diff.
//
// Other verbs than send: topic creates one, let keeps a value under a name, pause waits for a
// while, background and await make a request and show its answer later, expect waits for a
// request of the server, dispatched for the end of a queue, hangup closes a connection.
//
// The head line "alone" gives a conversation servers that nobody else has used, and "in-turn"
// ones that only conversations of this kind use, one after the other. "lasts 3m" says how much
// time passes in it at least: it is begun among the first.
//
// A conversation with the head line "difference N" shows an intended difference: blocks in
// which the two systems part have a line "---- gantry" and Gantry's answer after it, which
// -rewrite records from Gantry.
type script struct {
	path   string
	head   conformance.Case
	masks  []string
	blocks []block
	head0  []string // the lines before the first block, as they are
}

// block is one exchange.
type block struct {
	comment  []string
	commands []command
	want     []string // from the official server
	ours     []string // from Gantry, where that differs on purpose; nil where it does not
	line     int      // of its first command, for messages
}

// expected is what the block shall show on the official server, or on Gantry.
func (b *block) expected(official bool) []string {
	if b.ours == nil || official {
		return b.want
	}
	return b.ours
}

// command is one line of a block: a verb, its operands, fields k=v, and options :k=v.
type command struct {
	text     string
	verb     string
	operands []string
	fields   map[string]string
	options  map[string]string
}

// parseScript reads a conversation; path is only for messages.
func parseScript(path, text string) (*script, error) {
	s := &script{path: path, head: conformance.Case{
		Client: conformance.Raw, Topology: conformance.SingleBroker,
		Settings: conformance.Settings{NameServer: map[string]string{}, Broker: map[string]string{}},
	}}
	s.head.Local = strings.Contains(text, "$dir")
	codes := map[protocol.RequestCode]bool{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		chunk := []string{}
		start := i
		for ; i < len(lines) && lines[i] != ""; i++ {
			chunk = append(chunk, lines[i])
		}
		i++
		if len(chunk) == 0 {
			continue
		}
		if !slices.Contains(chunk, separator) {
			if len(s.blocks) > 0 {
				return nil, fmt.Errorf("%s:%d: a block has no line %s", path, start+1, separator)
			}
			if err := s.describe(chunk, start); err != nil {
				return nil, err
			}
			continue
		}
		b, err := parseBlock(path, chunk, start, codes)
		if err != nil {
			return nil, err
		}
		s.blocks = append(s.blocks, b)
	}
	if s.head.Feature == "" || len(s.blocks) == 0 {
		return nil, fmt.Errorf("%s: needs a feature and at least one block", path)
	}
	if parts := slices.ContainsFunc(s.blocks, func(b block) bool { return b.ours != nil }); parts != (s.head.Difference != 0) {
		return nil, fmt.Errorf("%s: a line %q and a difference in the head need each other", path, oursSeparator)
	}
	s.head.Codes = slices.Sorted(maps.Keys(codes))
	return s, nil
}

// The lines before the answers of a block.
const separator, oursSeparator = "----", "---- gantry"

// topologies by the first words that scripts name them with.
var topologies = map[string]conformance.Topology{
	"broker": conformance.SingleBroker, "namesrv": conformance.NameServerOnly,
	"two-namesrv": conformance.TwoNameServers, "two-brokers": conformance.TwoBrokers,
}

// describe takes the lines before the first block.
func (s *script) describe(lines []string, start int) error {
	s.head0 = append(append(s.head0, lines...), "")
	for i, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		fail := func(why string) error { return fmt.Errorf("%s:%d: %s: %s", s.path, start+i+1, line, why) }
		switch word {
		case "#":
		case "feature":
			s.head.Feature = rest
		case "topology":
			topology, ok := topologies[rest]
			if !ok {
				return fail("unknown topology")
			}
			s.head.Topology = topology
		case "setting":
			role, pair, _ := strings.Cut(rest, " ")
			k, v, ok := strings.Cut(pair, "=")
			settings := map[string]map[string]string{"broker": s.head.Settings.Broker, "namesrv": s.head.Settings.NameServer}[role]
			if !ok || settings == nil {
				return fail("wants: setting broker|namesrv key=value")
			}
			settings[k] = v
		case "alone":
			s.head.Needs = conformance.Control
		case "in-turn":
			s.head.InTurn = true
		case "slow":
			s.head.Slow = true
		case "timeout", "lasts":
			d, err := time.ParseDuration(rest)
			if err != nil {
				return fail(err.Error())
			}
			*map[string]*time.Duration{"timeout": &s.head.Timeout, "lasts": &s.head.Lasts}[word] = d
		case "gap":
			issue, reason, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(issue)
			if err != nil || reason == "" {
				return fail("wants: gap issue reason")
			}
			s.head.Gap = &conformance.Gap{Issue: n, Reason: reason}
		case "difference":
			n, err := strconv.Atoi(rest)
			if err != nil || n < 1 {
				return fail("wants: difference number")
			}
			s.head.Difference = n
		case "mask":
			s.masks = append(s.masks, strings.Split(rest, ",")...)
		default:
			return fail("unknown word")
		}
	}
	return nil
}

func parseBlock(path string, lines []string, start int, codes map[protocol.RequestCode]bool) (block, error) {
	b := block{line: start + 1}
	at := slices.Index(lines, separator)
	b.want = lines[at+1:]
	if ours := slices.Index(b.want, oursSeparator); ours >= 0 {
		b.want, b.ours = b.want[:ours], append([]string{}, b.want[ours+1:]...)
	}
	for i, line := range lines[:at] {
		if strings.HasPrefix(line, "#") {
			b.comment = append(b.comment, line)
			continue
		}
		c, err := parseCommand(line)
		if err != nil {
			return b, fmt.Errorf("%s:%d: %w", path, start+i+1, err)
		}
		if code, ok := c.code(); ok {
			codes[code] = true
		}
		b.commands = append(b.commands, c)
	}
	return b, nil
}

// parseCommand splits a line into words; a value may be quoted as a Go string.
func parseCommand(line string) (command, error) {
	c := command{text: line, fields: map[string]string{}, options: map[string]string{}}
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		var word string
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			end = len(rest)
		}
		if eq := strings.IndexByte(rest[:end], '='); eq > 0 && eq+1 < len(rest) && (rest[eq+1] == '"' || rest[eq+1] == '`') {
			quoted, err := strconv.QuotedPrefix(rest[eq+1:])
			if err != nil {
				return c, fmt.Errorf("%s: a quoted value does not end", line)
			}
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return c, fmt.Errorf("%s: %w", line, err)
			}
			word, rest = rest[:eq+1]+value, rest[eq+1+len(quoted):]
		} else {
			word, rest = rest[:end], rest[end:]
		}
		k, v, pair := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, ":"):
			c.options[k[1:]] = v
		case pair:
			c.fields[k] = v
		case c.verb == "":
			c.verb = word
		default:
			c.operands = append(c.operands, word)
		}
	}
	return c, nil
}

// code is the request code that a send command names, by number or by upstream's name.
func (c command) code() (protocol.RequestCode, bool) {
	if c.verb != "send" && c.verb != "expect" && c.verb != "background" || len(c.operands) < 2 {
		return 0, false
	}
	if n, err := strconv.Atoi(c.operands[1]); err == nil {
		return protocol.RequestCode(n), true
	}
	for _, info := range protocol.RequestCodes() {
		if info.Name == c.operands[1] {
			return info.Code, true
		}
	}
	return 0, false
}

// text renders the script again, with the answers in got in place of those expected of the
// official server, or of Gantry.
func (s *script) text(got [][]string, official bool) string {
	var b strings.Builder
	for _, line := range s.head0 {
		b.WriteString(line + "\n")
	}
	for i, bl := range s.blocks {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, line := range bl.comment {
			b.WriteString(line + "\n")
		}
		for _, c := range bl.commands {
			b.WriteString(c.text + "\n")
		}
		want, ours := bl.want, bl.ours
		if official {
			want = got[i]
		} else if ours != nil {
			ours = got[i]
		}
		b.WriteString(separator + "\n")
		for _, line := range want {
			b.WriteString(line + "\n")
		}
		if ours == nil {
			continue
		}
		b.WriteString(oursSeparator + "\n")
		for _, line := range ours {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
