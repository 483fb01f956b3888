package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Form is how results are shown.
type Form string

// The forms. Text is what the official tool prints.
const (
	Text Form = "table"
	JSON Form = "json"
	YAML Form = "yaml"
)

// Output takes what a command reports. Each method serves one side or both: text that
// people and their scripts read, or values for programs. The values of one run are one
// object, written by Flush; each Item is an object of its own, written at once.
type Output struct {
	form Form
	w    *bufio.Writer
	doc  object
}

// NewOutput makes an Output on w.
func NewOutput(w io.Writer, form Form) *Output {
	return &Output{form: form, w: bufio.NewWriter(w)}
}

// Form tells how results are shown.
func (o *Output) Form() Form { return o.form }

// Printf adds text that programs need not see.
func (o *Output) Printf(format string, args ...any) {
	if o.form == Text {
		fmt.Fprintf(o.w, format, args...)
	}
}

// Say adds a line that reports what was done; programs find it among "messages".
func (o *Output) Say(format string, args ...any) {
	if o.form == Text {
		fmt.Fprintf(o.w, format+"\n", args...)
		return
	}
	list, _ := o.doc.get("messages").([]string)
	o.doc.set("messages", append(list, fmt.Sprintf(format, args...)))
}

// Set gives a value to programs.
func (o *Output) Set(key string, v any) {
	if o.form != Text {
		o.doc.set(key, v)
	}
}

// Add appends a value to a list for programs.
func (o *Output) Add(key string, v any) {
	if o.form != Text {
		list, _ := o.doc.get(key).([]any)
		o.doc.set(key, append(list, v))
	}
}

// Item gives one value of a stream to programs; text shows it otherwise.
func (o *Output) Item(v any, text func()) error {
	switch o.form {
	case Text:
		text()
	case JSON:
		line, err := marshal(v)
		if err != nil {
			return err
		}
		o.w.Write(line)
	case YAML:
		o.w.WriteString("---\n")
		if err := writeYAML(o.w, v); err != nil {
			return err
		}
	}
	return o.w.Flush()
}

// Table starts a table. Its columns are shown by the formats, of the line with their
// names and of the others; programs find the rows under key, each an object.
func (o *Output) Table(key, head, row string, columns ...string) *Table {
	t := &Table{out: o, key: key, row: row}
	names := make([]any, len(columns))
	for i, column := range columns {
		name, property, ok := strings.Cut(column, "=")
		if !ok {
			property = camel(name)
		}
		names[i] = name
		t.columns = append(t.columns, property)
	}
	if o.form != Text {
		if o.doc.get(key) == nil {
			o.doc.set(key, []any{})
		}
	} else if head != "" {
		fmt.Fprintf(o.w, head+"\n", names...)
	}
	return t
}

// Table is one table of an Output.
type Table struct {
	out     *Output
	key     string
	row     string
	columns []string
}

// Cell is a value that people see in another form than programs.
type Cell struct {
	Text any
	Data any
}

// Row adds a row.
func (t *Table) Row(values ...any) {
	if t.out.form != Text {
		var row object
		for i, v := range values {
			if c, ok := v.(Cell); ok {
				v = c.Data
			}
			row.set(t.columns[i], v)
		}
		t.out.Add(t.key, row)
		return
	}
	shown := make([]any, len(values))
	for i, v := range values {
		if c, ok := v.(Cell); ok {
			v = c.Text
		}
		shown[i] = v
	}
	fmt.Fprintf(t.out.w, t.row+"\n", shown...)
}

// Flush writes what is still held back. It may be called again after more results.
func (o *Output) Flush() error {
	if o.form != Text && len(o.doc.keys) > 0 {
		doc := o.doc
		o.doc = object{}
		if o.form == YAML {
			if err := writeYAML(o.w, doc); err != nil {
				return err
			}
			return o.w.Flush()
		}
		line, err := marshal(doc)
		if err != nil {
			return err
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, line, "", "  "); err != nil {
			return err
		}
		o.w.Write(pretty.Bytes())
	}
	return o.w.Flush()
}

// marshal writes v as JSON with a line end, and leaves < and > as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// writeYAML goes by way of JSON, whose tags the values have, and keeps its order.
func writeYAML(w io.Writer, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(line, &node); err != nil {
		return err
	}
	block(&node)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return err
	}
	return e.Close()
}

// block takes the braces and quotes of JSON away.
func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	for _, c := range n.Content {
		block(c)
	}
}

// object is a JSON object that keeps its order.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) get(key string) any { return o.values[key] }

func (o *object) set(key string, v any) {
	if o.values == nil {
		o.values = map[string]any{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// MarshalJSON writes the members in the order in which they came.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := marshal(o.values[key])
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, bytes.TrimSpace(name)...), ':'), bytes.TrimSpace(value)...)
	}
	return append(b, '}'), nil
}

// camel makes a JSON key of a column's name: "#Broker Name" becomes brokerName.
func camel(name string) string {
	var b strings.Builder
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		switch {
		case i > 0:
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		case strings.ToUpper(w) == w:
			b.WriteString(strings.ToLower(w))
		default:
			b.WriteString(strings.ToLower(w[:1]) + w[1:])
		}
	}
	return b.String()
}
