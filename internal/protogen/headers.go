package main

import (
	"bytes"
	"fmt"
	"strings"
)

type field struct {
	wire     string // key among the ext fields
	short    string // key in the short form, where there is one
	name     string // Go name
	javaType string
	required bool
	resource string // topic, group or cluster, when authorization reads this field
	splitter string // text between several names in one value
}

type header struct {
	name      string
	extends   string
	shortName string // name of the short form, where there is one
	shortRPC  map[string]string
	fields    []field
}

// parents are the request fields that upstream keeps in shared super classes
// (org.apache.rocketmq.remoting.rpc); package protocol writes them by hand.
var parents = map[string]string{"": "", "rpc": "RPCFields", "topic-rpc": "TopicRPCFields"}

func parseHeaders(text string) ([]*header, error) {
	var all []*header
	err := lines(text, func(_ int, line string) error {
		words := strings.Fields(line)
		switch {
		case words[0] == "header":
			h := &header{name: words[1]}
			if len(words) == 4 && words[2] == "extends" {
				h.extends = words[3]
			}
			if _, ok := parents[h.extends]; !ok {
				return fmt.Errorf("%s extends unknown %q", h.name, h.extends)
			}
			all = append(all, h)
			return nil
		case len(all) == 0:
			return fmt.Errorf("%q stands before any header", line)
		case words[0] == "short":
			return parseShort(all[len(all)-1], words[1:])
		}
		f, err := parseField(words)
		if err != nil {
			return err
		}
		last := all[len(all)-1]
		last.fields = append(last.fields, f)
		return nil
	})
	return all, err
}

func parseShort(h *header, words []string) error {
	h.shortName = words[0]
	h.shortRPC = map[string]string{}
	for _, pair := range words[1:] {
		key, wire, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("%q is not key=field", pair)
		}
		h.shortRPC[key] = wire
	}
	return nil
}

func parseField(words []string) (field, error) {
	f := field{wire: words[0], name: fieldName(words[0])}
	f.javaType, f.required = strings.CutSuffix(words[1], "!")
	if _, ok := kinds[f.javaType]; !ok {
		return f, fmt.Errorf("field %s has unknown type %q", f.wire, f.javaType)
	}
	for _, w := range words[2:] {
		switch {
		case strings.HasPrefix(w, "short="):
			f.short = strings.TrimPrefix(w, "short=")
		case strings.HasPrefix(w, "@"):
			f.resource, f.splitter, _ = strings.Cut(strings.TrimPrefix(w, "@"), "[")
			f.splitter = strings.TrimSuffix(f.splitter, "]")
		default:
			return f, fmt.Errorf("field %s: what is %q?", f.wire, w)
		}
	}
	return f, nil
}

// kind says how a Java type is kept and read.
type kind struct {
	plain string // Go type
	boxed bool   // may be null in Java
	set   string // function that reads its text
	write string // FieldWriter method
}

var kinds = map[string]kind{
	"String":  {"string", false, "", "WriteString"},
	"Integer": {"int32", true, "parseInt32", "WriteInt"},
	"Long":    {"int64", true, "parseInt64", "WriteInt"},
	"Boolean": {"bool", true, "parseBool", "WriteBool"},
	"int":     {"int32", false, "parseInt32", "WriteInt"},
	"long":    {"int64", false, "parseInt64", "WriteInt"},
	"boolean": {"bool", false, "parseBool", "WriteBool"},
}

func (f field) optional() bool { return kinds[f.javaType].boxed && !f.required }

func (f field) goType() string {
	if f.optional() {
		return "Opt[" + kinds[f.javaType].plain + "]"
	}
	return kinds[f.javaType].plain
}

func generateHeaders(text string) ([]byte, error) {
	all, err := parseHeaders(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, h := range all {
		writeStruct(&b, h)
		writeMethods(&b, h, h.name, func(f field) string { return f.wire }, nil)
		if h.shortName != "" {
			fmt.Fprintf(&b, "// %s is %s with one-letter keys.\ntype %s %s\n\n", h.shortName, h.name, h.shortName, h.name)
			writeMethods(&b, h, h.shortName, func(f field) string { return f.short }, h.shortRPC)
		}
	}
	return b.Bytes(), nil
}

func writeStruct(b *bytes.Buffer, h *header) {
	fmt.Fprintf(b, "// %s holds the ext fields of upstream's class of that name.\ntype %s struct {\n", h.name, h.name)
	for _, f := range h.fields {
		fmt.Fprintf(b, "%s %s // %s%s\n", f.name, f.goType(), f.wire, noteOf(f))
	}
	if p := parents[h.extends]; p != "" {
		fmt.Fprintf(b, "%s\n", p)
	}
	b.WriteString("seen fieldSet\n}\n\n")
}

func noteOf(f field) string {
	note := ""
	if f.required {
		note += ", required"
	}
	if f.short != "" {
		note += ", short form " + f.short
	}
	if f.resource != "" {
		note += ", authorized as " + f.resource
	}
	return note
}

func writeMethods(b *bytes.Buffer, h *header, name string, key func(field) string, rpc map[string]string) {
	var required []string
	for _, f := range h.fields {
		if f.required {
			required = append(required, key(f))
		}
	}
	fmt.Fprintf(b, "// Reset clears every field.\nfunc (h *%s) Reset() { *h = %s{} }\n\n", name, name)
	writeSetField(b, h, name, key, rpc)
	writeWriteFields(b, h, name, key, rpc)
	fmt.Fprintf(b, "// Missing names the first required field that was not set or could not be read, or is\n// empty.\nfunc (h *%s) Missing() string {", name)
	if len(required) == 0 {
		b.WriteString(" return \"\" }\n\n")
		return
	}
	fmt.Fprintf(b, "\nreturn h.seen.firstMissing(%s)\n}\n\n", quoted(required))
}

func quoted(keys []string) string {
	var q []string
	for _, k := range keys {
		q = append(q, fmt.Sprintf("%q", k))
	}
	return strings.Join(q, ", ")
}

func writeSetField(b *bytes.Buffer, h *header, name string, key func(field) string, rpc map[string]string) {
	fmt.Fprintf(b, "// SetField stores the text of one ext field.\nfunc (h *%s) SetField(key, value string) (err error) {\n", name)
	fallback := "return nil"
	if h.extends != "" {
		fallback = fmt.Sprintf("return h.%s.setField(key, value)", parents[h.extends])
	}
	if len(h.fields) == 0 {
		fmt.Fprintf(b, "%s\n}\n\n", fallback)
		return
	}
	b.WriteString("switch key {\n")
	bit := 0
	for _, f := range h.fields {
		if key(f) == "" {
			continue
		}
		fmt.Fprintf(b, "case %q:\n", key(f))
		k := kinds[f.javaType]
		switch {
		case k.set == "":
			fmt.Fprintf(b, "h.%s = value\n", f.name)
		case f.optional():
			fmt.Fprintf(b, "h.%s.V, err = %s(key, value)\nh.%s.Set = err == nil\n", f.name, k.set, f.name)
		default:
			fmt.Fprintf(b, "h.%s, err = %s(key, value)\n", f.name, k.set)
		}
		if f.required {
			seen := fmt.Sprintf("h.seen |= 1 << %d\n", bit)
			if k.set != "" {
				seen = "if err == nil {\n" + seen + "}\n"
			}
			b.WriteString(seen)
			bit++
		}
	}
	for k, wire := range rpc {
		fmt.Fprintf(b, "case %q:\nh.%s = value\n", k, fieldName(wire))
	}
	fmt.Fprintf(b, "default:\n%s\n}\nreturn err\n}\n\n", fallback)
}

func writeWriteFields(b *bytes.Buffer, h *header, name string, key func(field) string, rpc map[string]string) {
	fmt.Fprintf(b, "// WriteFields gives every field that has a value to w, in the order of the definition.\nfunc (h *%s) WriteFields(w FieldWriter) {\n", name)
	for _, f := range h.fields {
		if key(f) == "" {
			continue
		}
		k := kinds[f.javaType]
		value := "h." + f.name
		if f.optional() {
			value += ".V"
		}
		if k.write == "WriteInt" && k.plain != "int64" {
			value = "int64(" + value + ")"
		}
		call := fmt.Sprintf("w.%s(%q, %s)", k.write, key(f), value)
		switch {
		case f.optional():
			fmt.Fprintf(b, "if h.%s.Set {\n%s\n}\n", f.name, call)
		case k.plain == "string" && !f.required:
			fmt.Fprintf(b, "if h.%s != \"\" {\n%s\n}\n", f.name, call)
		default:
			fmt.Fprintf(b, "%s\n", call)
		}
	}
	for k, wire := range rpc {
		fmt.Fprintf(b, "if h.%s != \"\" {\nw.WriteString(%q, h.%s)\n}\n", fieldName(wire), k, fieldName(wire))
	}
	if h.extends != "" {
		fmt.Fprintf(b, "h.%s.writeFields(w)\n", parents[h.extends])
	}
	b.WriteString("}\n\n")
}
