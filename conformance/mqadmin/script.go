package mqadmin

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// script is one file of testdata.
type script struct {
	head  conformance.Case
	masks []mask
	lines []string // the head, as it is written back when the script is recorded anew
	steps []*step
	// alone gives each tool servers of its own: what the script does there is seen by the next.
	alone bool
	// officialOnly is why our own tool does not play the script; "" when it does.
	officialOnly string
}

// mask hides what no two runs have in common.
type mask struct {
	show string
	expr *regexp.Regexp
}

// step is a command with its expected output, or a directive.
type step struct {
	text string // the line as it stands in the file
	want string
	ours string // how our tool's result differs: see package doc
}

// isCommand tells what has an output, a run of the tool or a call, from a directive.
func (s *step) isCommand() bool {
	return strings.HasPrefix(s.text, "$") || strings.HasPrefix(s.text, "!")
}

// parseScript reads a file of testdata.
func parseScript(name, text string) (*script, error) {
	s := &script{head: conformance.Case{Client: conformance.MQAdmin, Topology: conformance.SingleBroker}}
	var current *step
	var want []string
	finish := func() {
		if current != nil {
			current.want = strings.TrimRight(strings.Join(want, "\n"), "\n")
		}
		current, want = nil, nil
	}
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "$"), strings.HasPrefix(line, "! "), strings.HasPrefix(line, "!~ "), strings.HasPrefix(line, "@"), strings.HasPrefix(line, "= "):
			finish()
			if ours, ok := strings.CutPrefix(line, "@ours "); ok {
				if len(s.steps) == 0 || !s.steps[len(s.steps)-1].isCommand() {
					return nil, fmt.Errorf("%s:%d: %q follows no command", name, i+1, line)
				}
				s.steps[len(s.steps)-1].ours = ours
			}
			current = &step{text: line}
			s.steps = append(s.steps, current)
		case current != nil && current.isCommand():
			want = append(want, line)
		case line != "" && current != nil:
			return nil, fmt.Errorf("%s:%d: %q belongs to no command", name, i+1, line)
		case current == nil:
			if err := s.headLine(line); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
			}
		}
	}
	finish()
	if s.head.Feature == "" || len(s.steps) == 0 {
		return nil, fmt.Errorf("%s: has no feature or no step", name)
	}
	return s, nil
}

func (s *script) headLine(line string) error {
	s.lines = append(s.lines, line)
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
	case "feature":
		s.head.Feature = rest
	case "codes":
		for _, f := range strings.Fields(rest) {
			code, err := strconv.Atoi(f)
			if err != nil {
				return err
			}
			s.head.Codes = append(s.head.Codes, protocol.RequestCode(code))
		}
	case "broker", "namesrv":
		key, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("%q is not key=value", rest)
		}
		settings := &s.head.Settings.Broker
		if word == "namesrv" {
			settings = &s.head.Settings.NameServer
		}
		if *settings == nil {
			*settings = map[string]string{}
		}
		(*settings)[key] = value
	case "two-brokers":
		s.head.Topology = conformance.TwoBrokers
	case "in-turn":
		s.head.InTurn = true
	case "gap":
		issue, reason, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(issue)
		if err != nil {
			return err
		}
		s.head.Gap = &conformance.Gap{Issue: n, Reason: reason}
	case "mask":
		show, expr, _ := strings.Cut(rest, " ")
		re, err := regexp.Compile("(?m)" + expr)
		if err != nil {
			return err
		}
		show = "<" + show + ">"
		if re.NumSubexp() > 0 {
			show = "${1}" + show
		}
		s.masks = append(s.masks, mask{show, re})
	case "alone":
		s.alone = true
	case "official":
		s.officialOnly = rest
	default:
		return fmt.Errorf("unknown word %q in the head", word)
	}
	return nil
}

// format writes a script with the outputs that its steps hold.
func (s *script) format() string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(strings.Join(s.lines, "\n"), "\n") + "\n")
	afterCommand := true
	for _, st := range s.steps {
		ours := strings.HasPrefix(st.text, "@ours ")
		if st.isCommand() || afterCommand && !ours {
			b.WriteString("\n")
		}
		b.WriteString(st.text + "\n")
		if st.want != "" {
			b.WriteString(st.want + "\n")
		}
		afterCommand = st.isCommand() || ours
	}
	return b.String()
}
