package sql92

import (
	"fmt"
	"slices"
	"strings"
)

// op is what a node does.
type op uint8

const (
	opConstant op = iota
	opProperty
	opNegate
	opNot
	opCast // a property in place of a condition
	opAnd
	opOr
	opEqual
	opGreater
	opGreaterEq
	opLess
	opLessEq
	opContains
	opStartsWith
	opEndsWith
	opIn
)

var (
	orderOps = map[kind]op{kindGreater: opGreater, kindGreaterEq: opGreaterEq, kindLess: opLess, kindLessEq: opLessEq}
	textOps  = map[kind]op{kindContains: opContains, kindStartsWith: opStartsWith, kindEndsWith: opEndsWith}
)

// symbols is how refusals write the operators.
var symbols = map[op]string{
	opNegate: "-", opNot: "NOT", opAnd: "&&", opOr: "||", opEqual: "==", opGreater: ">", opGreaterEq: ">=", opLess: "<", opLessEq: "<=",
	opContains: "CONTAINS", opStartsWith: "STARTSWITH", opEndsWith: "ENDSWITH", opIn: "IN",
}

// node is one node of a compiled expression. It never changes.
type node struct {
	op          op
	negated     bool // of opContains and its like, and of opIn
	left, right *node
	value       value // of opConstant; what opContains and its like look for
	name        string
	list        []string
}

// isCondition reports whether a node yields a boolean or null.
func (n *node) isCondition() bool {
	switch n.op {
	case opProperty, opNegate:
		return false
	case opConstant:
		return n.value.kind == null || n.value.kind == boolean
	}
	return true
}

func asCondition(n *node) (*node, error) {
	switch {
	case n.isCondition():
		return n, nil
	case n.op == opProperty:
		return &node{op: opCast, left: n}, nil
	}
	return nil, refusal("org.apache.rocketmq.filter.parser.ParseException: Expression will not result in a boolean value: " + n.String())
}

func newDecimal(image string) (*node, error) {
	digits := strings.TrimRight(image, "lL")
	n, ok := parseInt(digits, 64)
	if !ok {
		return nil, refusal(fmt.Sprintf("java.lang.NumberFormatException: For input string: \"%s\"", digits))
	}
	return &node{op: opConstant, value: intValue(n)}, nil
}

func newFloat(image string) (*node, error) {
	f, _ := parseDouble(image)
	switch {
	case f > maxDouble:
		return nil, fault("%s is greater than 1.7976931348623157E308", image)
	case f < minDouble:
		return nil, fault("%s is less than 4.9E-324", image)
	}
	return &node{op: opConstant, value: value{kind: double, f: f}}, nil
}

func newEquality(left, right *node, negated bool) (*node, error) {
	for _, n := range []*node{left, right} {
		if n.op == opConstant && n.value.kind == null {
			return nil, fault("'%s' cannot be compared.", n)
		}
	}
	if left.op == opConstant && right.op == opConstant && left.isCondition() && !right.isCondition() {
		return nil, fault("'%s' cannot be compared with '%s'", left, right)
	}
	n := &node{op: opEqual, left: left, right: right}
	if negated {
		n = &node{op: opNot, left: n}
	}
	return n, nil
}

func newOrdering(op op, left, right *node) (*node, error) {
	for _, n := range []*node{left, right} {
		if n.isCondition() || n.op == opConstant && n.value.kind == text {
			return nil, fault("Value '%s' cannot be compared.", n)
		}
	}
	return &node{op: op, left: left, right: right}, nil
}

func newBetween(operand, low, high *node, negated bool) (*node, error) {
	lowOp, highOp, join := opGreaterEq, opLessEq, opAnd
	if negated {
		lowOp, highOp, join = opLess, opGreater, opOr
	} else if err := checkBounds(low, high); err != nil {
		return nil, err
	}
	above, err := newOrdering(lowOp, operand, low)
	if err != nil {
		return nil, err
	}
	below, err := newOrdering(highOp, operand, high)
	return &node{op: join, left: above, right: below}, err
}

// checkBounds refuses constant bounds of a BETWEEN that nothing lies between.
func checkBounds(low, high *node) error {
	if low.op != opConstant || high.op != opConstant {
		return nil
	}
	if low.value.kind == null || high.value.kind == null {
		return fault("Illegal values of between, values can not be null!")
	}
	order, ok := compare(high.value, low.value)
	switch {
	case !ok && high.value.kind == boolean:
		return refusal("java.lang.ClassCastException: class java.lang.Boolean cannot be cast to class java.lang.String " +
			"(java.lang.Boolean and java.lang.String are in module java.base of loader 'bootstrap')")
	case !ok:
		bad := low.value
		if high.value.kind == text {
			bad = high.value
		}
		return fault("java.lang.NumberFormatException: For input string: \"%s\"", bad.s)
	case order < 0:
		return fault("Illegal values of between, left value(%s) must less than or equal to right value(%s)", low.value, high.value)
	}
	return nil
}

func newIn(left *node, list []string, negated bool) (*node, error) {
	if left.op != opProperty {
		return nil, fault("Expected a property for In expression, got: %s", left)
	}
	slices.Sort(list)
	return &node{op: opIn, left: left, list: slices.Compact(list), negated: negated}, nil
}

// String writes a node as upstream's refusals quote it.
func (n *node) String() string {
	switch n.op {
	case opConstant:
		switch n.value.kind {
		case null:
			return "NULL"
		case boolean:
			return strings.ToUpper(n.value.String())
		case text:
			return "'" + strings.ReplaceAll(n.value.s, "'", "''") + "'"
		}
		return n.value.String()
	case opProperty:
		return n.name
	case opCast:
		return n.left.String()
	case opIn:
		return fmt.Sprintf("%s %s ( %s )", n.left, n.symbol(), strings.Join(n.list, ", "))
	}
	if n.right == nil {
		return "(" + n.symbol() + " " + n.left.String() + ")"
	}
	return "(" + n.left.String() + " " + n.symbol() + " " + n.right.String() + ")"
}

func (n *node) symbol() string {
	if n.negated {
		return "NOT " + symbols[n.op]
	}
	return symbols[n.op]
}
