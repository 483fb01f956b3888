package sql92

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/gantrymq/gantry/codec"
)

// Bounds of an expression. Upstream has none but its stack, which about 700
// nested brackets use up.
const (
	maxDepth = 600
	maxText  = 128 << 10
)

// refusal is why an expression was not compiled, in the words of the official
// classes: administrators and clients read them in the answer.
type refusal string

func (r refusal) Error() string { return string(r) }

const errDepth = refusal("java.lang.StackOverflowError")

func fault(format string, args ...any) error {
	return refusal("java.lang.RuntimeException: " + fmt.Sprintf(format, args...))
}

// Expression is a compiled selector. It is safe for concurrent use.
type Expression struct{ root *node }

// Compile reads a selector. The error's text is that of the official classes.
// Nothing of text is kept.
func Compile(text string) (*Expression, error) {
	if len(text) > maxText {
		return nil, errDepth
	}
	p := parser{lex: lexer{text: utf16.Encode([]rune(text))}}
	root, err := p.selector()
	if err != nil {
		return nil, err
	}
	return &Expression{root: root}, nil
}

// Verdict is what a selector says of a message.
type Verdict uint8

// The verdicts. Only Yes lets a message through.
const (
	No Verdict = iota
	Yes
	Null  // something that decides is not there
	Fault // something that decides could not be converted
)

// Evaluate judges a message by its properties, in the form they are stored in.
// It allocates nothing and keeps nothing.
func (e *Expression) Evaluate(properties string) Verdict {
	switch v := e.root.eval(properties); {
	case v.kind == null:
		return Null
	case v.kind == broken:
		return Fault
	case v.i != 0:
		return Yes
	}
	return No
}

// Match reports whether a message passes.
func (e *Expression) Match(properties string) bool { return e.Evaluate(properties) == Yes }

// eval computes a node. A broken operand breaks whatever needs it.
func (n *node) eval(properties string) value {
	switch n.op {
	case opConstant:
		return n.value
	case opProperty:
		if s, ok := codec.Property(properties, n.name); ok {
			return textValue(s)
		}
		return value{}
	case opNegate:
		return n.left.eval(properties).negate()
	case opAnd, opOr:
		return n.evalLogic(properties)
	case opIn:
		return n.evalIn(properties)
	case opEqual, opGreater, opGreaterEq, opLess, opLessEq:
		return n.evalComparison(properties)
	case opContains, opStartsWith, opEndsWith:
		return n.evalText(properties)
	}
	v := n.left.eval(properties)
	switch {
	case v.kind == null || v.kind == broken:
		return v
	case n.op == opNot:
		return boolValue(v.i == 0)
	}
	return boolValue(v.kind == boolean && v.i != 0) // opCast
}

func (n *node) evalLogic(properties string) value {
	decisive := boolValue(n.op == opOr) // what decides alone
	l := n.left.eval(properties)
	if l == decisive || l.kind == broken {
		return l
	}
	r := n.right.eval(properties)
	if r == decisive || r.kind == broken {
		return r
	}
	if l.kind == null || r.kind == null {
		return value{}
	}
	return boolValue(n.op == opAnd)
}

func (n *node) evalIn(properties string) value {
	v := n.left.eval(properties)
	if v.kind != text {
		return value{}
	}
	_, found := slices.BinarySearch(n.list, v.s)
	return boolValue(found != n.negated)
}

func (n *node) evalText(properties string) value {
	if n.value.s == "" {
		return boolValue(false)
	}
	v := n.left.eval(properties)
	if v.kind != text {
		if v.kind == broken {
			return v
		}
		return boolValue(false)
	}
	var found bool
	switch n.op {
	case opContains:
		found = strings.Contains(v.s, n.value.s)
	case opStartsWith:
		found = strings.HasPrefix(v.s, n.value.s)
	default:
		found = strings.HasSuffix(v.s, n.value.s)
	}
	return boolValue(found != n.negated)
}

func (n *node) evalComparison(properties string) value {
	l := n.left.eval(properties)
	if l.kind == broken || l.kind == null && n.op != opEqual {
		return l
	}
	r := n.right.eval(properties)
	switch {
	case r.kind == broken:
		return r
	case n.op != opEqual:
		if r.kind == null {
			return r
		}
		if l.kind == text && r.kind == text { // text has no order: both must be numbers
			var okLeft, okRight bool
			l, okLeft = l.as(double)
			if r, okRight = r.as(double); !okLeft || !okRight {
				return value{kind: broken}
			}
		}
	case l.kind == null && r.kind == null:
		return boolValue(true)
	case l.kind == null:
		return value{}
	case r.kind == null:
		return boolValue(false)
	}
	order, ok := compare(l, r)
	if !ok {
		return value{kind: broken}
	}
	return boolValue(n.op.holds(order))
}

// holds reports whether an order is what a comparison asks for.
func (o op) holds(order int) bool {
	switch o {
	case opGreater:
		return order > 0
	case opGreaterEq:
		return order >= 0
	case opLess:
		return order < 0
	case opLessEq:
		return order <= 0
	}
	return order == 0
}
