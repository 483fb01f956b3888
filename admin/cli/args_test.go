package cli

import (
	"maps"
	"strings"
	"testing"
)

var testOptions = []Option{
	Need("t", "topic", ""), Value("s", "timestamp", ""), Flag("l", "list", ""), Value("bn", "brokerName", ""), Value("b", "brokerAddr", ""),
	Value("", "attributes", ""), Value("sw", "switch", ""),
}

// The rules are those of commons-cli 1.5, DefaultParser, as the official tool uses it.
func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]map[string]string{
		"-t a":                       {"t": "a"},
		"-t=a":                       {"t": "a"},
		"-ta":                        {"t": "a"},
		"--topic a":                  {"t": "a"},
		"--topic=a=b":                {"t": "a=b"},
		"-topic a":                   {"t": "a"},
		"--top a":                    {"t": "a"},
		"-l -t a":                    {"l": "", "t": "a"},
		"-s -1 -t a":                 {"s": "-1", "t": "a"},
		"-t -x":                      {"t": "-x"}, // no option of the command
		"-bn x -b y":                 {"bn": "x", "b": "y"},
		"-bny":                       {"b": "ny"}, // -b takes the rest
		"--brokerA y":                {"b": "y"},
		"--attributes +a=b,-c":       {"attributes": "+a=b,-c"},
		"-t a -t b":                  {"t": "a"},
		`-t "quoted"`:                {"t": "quoted"},
		"-s 2026-01-02#03:04:05:006": {"s": "2026-01-02#03:04:05:006"},
		"-p=":                        nil, "--nope": nil, "-x": nil, "--broker y": nil, "-t": nil, "-t a -l=x": nil, "-t -l": nil, "-s": nil,
	} {
		p, err := parse(testOptions, strings.Fields(line))
		if want == nil {
			if err == nil {
				t.Errorf("%q was accepted as %v", line, p.values)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", line, err)
		} else if !maps.Equal(p.values, want) {
			t.Errorf("%q was read as %v, want %v", line, p.values, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c := &Command{Name: "x", Options: []Option{Need("t", "topic", ""), Value("b", "brokerAddr", ""), Value("c", "clusterName", "")}, OneOf: []string{"b", "c"}}
	for line, want := range map[string]string{
		"-t a -b x":      "",
		"-b x":           "option -t (--topic) is missing",
		"-t a":           "one of -b (--brokerAddr), -c (--clusterName) is needed",
		"-t a -b x -c y": "only one of -b (--brokerAddr) and -c (--clusterName) may be given",
		"-t a -b x more": `"more" belongs to no option`,
	} {
		p, err := parse(c.Options, strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := c.check(p); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-t a --list -bn=x -s -1")
	f.Fuzz(func(t *testing.T, line string) {
		p, err := parse(testOptions, strings.Fields(line))
		if (err == nil) == (p == nil) {
			t.Fatalf("%q gave both or neither of a result and an error", line)
		}
		if p != nil {
			for key := range p.values {
				if !p.given[key] {
					t.Errorf("%q: %s has a value and was not given", line, key)
				}
			}
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	s := Set{{Name: "topicList"}, {Name: "topicRoute"}, {Name: "clusterList"}}
	for word, want := range map[string]string{"topiclst": "topicList", "topicrout": "topicRoute", "xyz": "", "custerlist": "clusterList"} {
		if got := s.Nearest(word); got != want {
			t.Errorf("%s is nearest to %q, want %q", word, got, want)
		}
	}
}
