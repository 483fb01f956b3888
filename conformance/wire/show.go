package wire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// View says how a frame is shown.
type View struct {
	// Masks are the names of response fields, JSON keys, record fields and message properties
	// whose values are shown as *, because they differ from run to run or by intention.
	Masks map[string]bool
	// SortArrays shows JSON arrays sorted, for lists that come out of a hash set.
	SortArrays bool
	// NoBody leaves the body out, NoRemark the remark.
	NoBody, NoRemark bool
	// CodeName gives a response code its name.
	CodeName func(code int32) string
}

// maxShown is the longest text body that is shown in full.
const maxShown = 2000

// Lines shows a frame as lines of text: code, remark, fields by name, body. Equal frames give
// equal lines, up to what the view masks.
func (v View) Lines(f *Frame) []string {
	out := []string{v.CodeName(f.Code)}
	if f.Remark != "" && !v.NoRemark { // an empty remark and none mean the same to every client
		out = append(out, "remark "+v.mask("remark", quote(f.Remark)))
	}
	for _, k := range sortedKeys(f.Ext) {
		if k == "properties" { // in the order of a hash map
			out = append(out, v.properties("properties", f.Ext[k]))
			continue
		}
		out = append(out, k+"="+v.mask(k, quote(f.Ext[k])))
	}
	if len(f.Body) > 0 && !v.NoBody {
		out = append(out, v.body(f.Body)...)
	}
	return out
}

func (v View) mask(name, value string) string {
	if v.Masks[name] {
		return "*"
	}
	return value
}

// body shows JSON canonically, stored messages field by field, and other text as it is.
func (v View) body(b []byte) []string {
	if v.Masks["body"] {
		return []string{"body *"}
	}
	if b[0] == '{' || b[0] == '[' {
		if n, err := parseJSON(b); err == nil {
			n.canonical(v.Masks, v.SortArrays)
			return n.lines("", "body ")
		}
	}
	if records, err := Records(b); err == nil {
		var out []string
		for i := range records {
			out = append(out, v.record(&records[i])...)
		}
		return out
	}
	if len(b) > maxShown {
		return []string{fmt.Sprintf("body of %d bytes", len(b))}
	}
	if isText(b) {
		return v.textLines(string(b))
	}
	return []string{fmt.Sprintf("body %x", b)}
}

// textLines shows a text body, of which configuration answers are key=value lines.
func (v View) textLines(s string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if k, _, ok := strings.Cut(line, "="); ok && v.Masks[k] {
			line = k + "=*"
		}
		out = append(out, "body "+quote(line))
	}
	return out
}

func (v View) record(m *Record) []string {
	head := []string{"message"}
	for _, f := range m.fields() {
		head = append(head, f.name+"="+v.mask(f.name, f.value))
	}
	out := []string{strings.Join(head, " ")}
	if m.Properties != "" {
		out = append(out, v.properties(" properties", m.Properties))
	}
	if len(m.Body) > maxShown {
		return append(out, fmt.Sprintf(" content of %d bytes", len(m.Body)))
	}
	return append(out, " content "+quoteAlways(string(m.Body)))
}

// properties shows message properties on one line.
func (v View) properties(title, raw string) string {
	line := []string{title}
	props := propertyMap(raw)
	for _, k := range sortedKeys(props) {
		line = append(line, k+"="+v.mask(k, quote(props[k])))
	}
	return strings.Join(line, " ")
}

// quote shows a string bare when it is plain, quoted otherwise.
func quote(s string) string {
	if s == "" {
		return s
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) || r == '"' || r == '*' {
			return fmt.Sprintf("%q", s)
		}
	}
	if strings.TrimSpace(s) != s {
		return fmt.Sprintf("%q", s)
	}
	return s
}

func quoteAlways(s string) string { return fmt.Sprintf("%q", s) }

func isText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}
