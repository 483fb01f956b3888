package sql92

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
)

func quoted(t testing.TB, d *json.Decoder) (s string) {
	t.Helper()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestVerdicts compares with what the official classes said.
func TestVerdicts(t *testing.T) {
	f, err := os.Open("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var properties []string
	verdicts, refusals := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "properties":
			var pairs map[string]string
			if err := json.Unmarshal([]byte(rest), &pairs); err != nil {
				t.Fatal(err)
			}
			var raw []byte
			for k, v := range pairs {
				raw = codec.AppendProperty(raw, k, v)
			}
			properties = append(properties, string(raw))
		case "verdict":
			want, text, _ := strings.Cut(rest, " ")
			expression := quoted(t, json.NewDecoder(strings.NewReader(text)))
			verdicts++
			e, err := Compile(expression)
			if err != nil {
				t.Errorf("%q is refused: %v", expression, err)
				continue
			}
			got := make([]byte, len(properties))
			for i, p := range properties {
				got[i] = "FTNE"[e.Evaluate(p)]
			}
			if string(got) != want {
				t.Errorf("%q:\n got %s\nwant %s", expression, got, want)
			}
		case "refused":
			d := json.NewDecoder(strings.NewReader(rest))
			expression, want := quoted(t, d), quoted(t, d)
			refusals++
			if _, err := Compile(expression); err == nil {
				t.Errorf("%q is not refused: %s", expression, want)
			} else if err.Error() != want {
				t.Errorf("%q:\n got %s\nwant %s", expression, err, want)
			}
		}
	}
	if len(properties) < 40 || verdicts < 500 || refusals < 900 {
		t.Fatalf("only %d properties, %d verdicts and %d refusals were read", len(properties), verdicts, refusals)
	}
}

func TestBounds(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("(", 100_000) + "a", strings.Repeat("NOT ", 20_000) + "a", strings.Repeat("-", 40_001) + "\n", strings.Repeat("+", 30_000) + "a",
		strings.Repeat("+(", 3_000) + "a", strings.Repeat("a", maxText+1),
	} {
		if _, err := Compile(text); err == nil {
			t.Errorf("%d bytes of %.8q pass", len(text), text)
		}
	}
	if _, err := Compile(strings.Repeat("(", 500) + "a" + strings.Repeat(")", 500)); err != nil {
		t.Errorf("500 brackets are too many: %v", err)
	}
	long, err := Compile("a = 0" + strings.Repeat(" OR a = 1", 10_000))
	if err != nil || !long.Match("a\x011\x02") {
		t.Errorf("a long chain: %v", err)
	}
}

func TestEvaluateAllocations(t *testing.T) {
	e, err := Compile("a BETWEEN 1 AND 5 AND b IN ('x', 'y') AND c > 1.5 AND d CONTAINS 'z' AND NOT (e = TRUE) AND f IS NULL OR a = 'no' OR b > 7")
	if err != nil {
		t.Fatal(err)
	}
	properties := "a\x013\x02b\x01x\x02c\x012.25\x02d\x01xyz\x02e\x01false\x02"
	if !e.Match(properties) {
		t.Fatal("the message does not pass")
	}
	if n := testing.AllocsPerRun(100, func() { e.Match(properties); e.Match("a\x01none\x02") }); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"a = 1", "a NOT BETWEEN -1 AND 5.5e3", "+(a IS NOT NULL) OR b IN ('x','y''z')", "/* c */ a -- x\n", "'", "1.5l"} {
		f.Add(s, "a\x011\x02b\x01x\x02")
	}
	f.Fuzz(func(t *testing.T, text, properties string) {
		e, err := Compile(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("a refusal without words")
			}
			return
		}
		v := e.Evaluate(properties)
		if again := e.Evaluate(properties); again != v || v > Fault {
			t.Errorf("%q on %q: %d, then %d", text, properties, v, again)
		}
	})
}
