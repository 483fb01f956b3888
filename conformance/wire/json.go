package wire

import (
	"fmt"
	"sort"
	"strings"
)

// node is one JSON value as a server wrote it. Keys keep their spelling, because to some
// clients {0:"a"} and {"0":"a"} are not the same answer.
type node struct {
	text    string // of a scalar: the token as written; empty for object and array
	members []member
	items   []*node
	kind    byte // '{', '[' or 0
}

// member is one entry of an object. The key may be a bare word, a string, or an object.
type member struct {
	key   *node
	value *node
}

// parseJSON reads JSON and the dialect around it that fastjson writes: keys without quotes,
// numbers and whole objects as keys.
func parseJSON(b []byte) (*node, error) {
	p := &jsonParser{b: b}
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.b) {
		return nil, p.fault("text after the value")
	}
	return n, nil
}

// maxDepth bounds nesting; no body of the protocol comes near it.
const maxDepth = 64

type jsonParser struct {
	b  []byte
	at int
}

func (p *jsonParser) fault(what string) error {
	return fmt.Errorf("wire: JSON: %s at byte %d of %d", what, p.at, len(p.b))
}

func (p *jsonParser) space() {
	for p.at < len(p.b) && strings.IndexByte(" \t\r\n", p.b[p.at]) >= 0 {
		p.at++
	}
}

// peek is the next byte that is no space, or 0 at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.at == len(p.b) {
		return 0
	}
	return p.b[p.at]
}

func (p *jsonParser) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.fault("nested too deeply")
	}
	switch p.peek() {
	case 0:
		return nil, p.fault("a value is missing")
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	}
	return p.scalar()
}

func (p *jsonParser) object(depth int) (*node, error) {
	n := &node{kind: '{'}
	p.at++
	for {
		if p.peek() == '}' {
			p.at++
			return n, nil
		}
		key, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.fault("a colon is missing")
		}
		p.at++
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{key, value})
		if c := p.peek(); c == ',' {
			p.at++
		} else if c != '}' {
			return nil, p.fault("an object does not end")
		}
	}
}

func (p *jsonParser) array(depth int) (*node, error) {
	n := &node{kind: '['}
	p.at++
	for {
		if p.peek() == ']' {
			p.at++
			return n, nil
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		if c := p.peek(); c == ',' {
			p.at++
		} else if c != ']' {
			return nil, p.fault("an array does not end")
		}
	}
}

func (p *jsonParser) scalar() (*node, error) {
	start := p.at
	if p.b[p.at] == '"' {
		for p.at++; p.at < len(p.b); p.at++ {
			switch p.b[p.at] {
			case '\\':
				p.at++
			case '"':
				p.at++
				return &node{text: string(p.b[start:p.at])}, nil
			}
		}
		return nil, p.fault("a string does not end")
	}
	for p.at < len(p.b) && strings.IndexByte("{}[]:, \t\r\n", p.b[p.at]) < 0 {
		p.at++
	}
	if p.at == start {
		return nil, p.fault("a value is missing")
	}
	return &node{text: string(p.b[start:p.at])}, nil
}

// canonical orders the members of every object by key: Java's hash maps have no order that
// anybody may rely on. Arrays keep their order unless sortArrays is set. Values under a masked
// key become *; the mask * stands for every key whose value is neither object nor array.
func (n *node) canonical(masks map[string]bool, sortArrays bool) {
	for _, m := range n.members {
		if m.key.kind == 0 && masks[strings.Trim(m.key.text, `"`)] || masks["*"] && m.value.kind == 0 {
			*m.value = node{text: "*"}
		}
		m.key.canonical(masks, sortArrays)
		m.value.canonical(masks, sortArrays)
	}
	sort.SliceStable(n.members, func(i, j int) bool { return n.members[i].key.compact() < n.members[j].key.compact() })
	for _, item := range n.items {
		item.canonical(masks, sortArrays)
	}
	if sortArrays {
		sort.SliceStable(n.items, func(i, j int) bool { return n.items[i].compact() < n.items[j].compact() })
	}
}

// compact renders the value on one line.
func (n *node) compact() string {
	var parts []string
	switch n.kind {
	case '{':
		for _, m := range n.members {
			parts = append(parts, m.key.compact()+":"+m.value.compact())
		}
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		for _, item := range n.items {
			parts = append(parts, item.compact())
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return n.text
}

// lineWidth is where a JSON value is broken into several lines.
const lineWidth = 100

// lines renders the value over several lines where one would be too long.
func (n *node) lines(indent, prefix string) []string {
	one := indent + prefix + n.compact()
	if len(one) <= lineWidth || n.kind == 0 {
		return []string{one}
	}
	open, end := "{", "}"
	if n.kind == '[' {
		open, end = "[", "]"
	}
	out := []string{indent + prefix + open}
	for _, m := range n.members {
		out = append(out, m.value.lines(indent+" ", m.key.compact()+": ")...)
	}
	for _, item := range n.items {
		out = append(out, item.lines(indent+" ", "")...)
	}
	return append(out, indent+end)
}
