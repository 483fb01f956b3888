package compat

import (
	"bufio"
	"encoding/json"
	"maps"
	"math"
	"os"
	"testing"
	"unicode/utf8"
)

// latin1 is the bytes of a text whose characters are all below 256.
func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

// The cases and answers are those of java.util.Properties.
func TestGoldenProperties(t *testing.T) {
	f, err := os.Open("testdata/properties.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for lines := bufio.NewScanner(f); lines.Scan(); rows++ {
		var row struct {
			In    string
			Out   map[string]string
			Error string
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		props, err := ParseProperties(latin1(row.In))
		if row.Error != "" {
			if err == nil {
				t.Errorf("%q was read as %v; Java: %s", row.In, props, row.Error)
			}
			continue
		}
		if got := PropertyMap(props); err != nil || !maps.Equal(got, row.Out) {
			t.Errorf("%q\n got %q, %v\nwant %q", row.In, got, err, row.Out)
		}
	}
	if rows < 40 {
		t.Errorf("testdata/properties.txt has %d rows only", rows)
	}
}

func TestPropertyLines(t *testing.T) {
	props, err := ParseProperties([]byte("# head\r\n\r\na=1\\\n  2\nb=3\ra=4\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Property{{"a", "12", 3}, {"b", "3", 5}, {"a", "4", 6}}
	if len(props) != len(want) {
		t.Fatalf("got %v", props)
	}
	for i := range want {
		if props[i] != want[i] {
			t.Errorf("got %v, want %v", props[i], want[i])
		}
	}
}

func TestAppendProperties(t *testing.T) {
	m := map[string]string{"b": "x = #y: ", "Z": "1", "a": "", "p": " C:\\d\n=e", "k k": "é😀", "#h": "=1"}
	if got, want := string(AppendProperties(nil, m)), "#h==1\nZ=1\na=\nb=x = #y: \nk k=é😀\np= C:\\d\n=e\n"; got != want {
		t.Errorf("plain\n got %q\nwant %q", got, want)
	}
	file := AppendPropertiesFile(nil, m)
	if got, want := string(file), "\\#h==1\nZ=1\na=\nb=x = #y: \nk\\ k=\\u00e9\\ud83d\\ude00\np=\\ C:\\\\d\\n=e\n"; got != want {
		t.Errorf("file\n got %q\nwant %q", got, want)
	}
}

func FuzzProperties(f *testing.F) {
	f.Add("a", "b", []byte("a=b\\\n c\n#d\ne:f"))
	f.Add("k k#=:", " v\\\n\t\f\x00é😀", []byte("\\u00e9=\\ud83d\\ude00"))
	f.Fuzz(func(t *testing.T, key, value string, file []byte) {
		if utf8.ValidString(key) && utf8.ValidString(value) {
			props, err := ParseProperties(AppendPropertiesFile(nil, map[string]string{key: value}))
			if err != nil || len(props) != 1 || props[0].Key != key || props[0].Value != value {
				t.Fatalf("%q=%q came back as %v, %v", key, value, props, err)
			}
		}
		props, err := ParseProperties(file)
		if err != nil {
			return
		}
		m := PropertyMap(props)
		again, err := ParseProperties(AppendPropertiesFile(nil, m))
		if err != nil || !maps.Equal(PropertyMap(again), m) {
			t.Fatalf("%q, written and read again: %v, %v", m, again, err)
		}
	})
}

func TestJavaTypes(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "-7": -7, "+7": 7, "007": 7, "2147483647": math.MaxInt32} {
		if got, err := ParseInt(s, 32); err != nil || got != want {
			t.Errorf("ParseInt(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", " 1", "1 ", "1.0", "0x10", "1_0", "2147483648", "1L", "--1"} {
		if got, err := ParseInt(s, 32); err == nil {
			t.Errorf("ParseInt(%q) = %d", s, got)
		}
	}
	for s, want := range map[string]float64{"1": 1, " 0.5 ": 0.5, "1d": 1, "1e3f": 1000, "1e999": math.Inf(1), "-Infinity": math.Inf(-1), "0x1p3": 8} {
		if got, err := ParseFloat(s); err != nil || got != want {
			t.Errorf("ParseFloat(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "1_0", "1L", "inf"} {
		if got, err := ParseFloat(s); err == nil {
			t.Errorf("ParseFloat(%q) = %v", s, got)
		}
	}
	for _, tt := range []struct {
		s            string
		value, known bool
	}{
		{"true", true, true}, {"TRUE", true, true}, {"false", false, true}, {"true ", false, false}, {"yes", false, false}, {"", false, false}, {"1", false, false},
	} {
		if got, err := ParseBool(tt.s); got != tt.value || (err == nil) != tt.known {
			t.Errorf("ParseBool(%q) = %v, %v", tt.s, got, err)
		}
	}
	if got := TrimValue("\x01 a b\t\n"); got != "a b" {
		t.Errorf("TrimValue: %q", got)
	}
}
