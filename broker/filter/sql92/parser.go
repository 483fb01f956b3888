package sql92

import (
	"fmt"
	"math/bits"
	"strings"
)

// parser reads the grammar by recursive descent, a token ahead. Where upstream's
// generated parser looks further, so does this one, since it shows in what is
// refused and with which words.
type parser struct {
	lex    lexer
	tokens []token // read so far
	taken  int     // of those
	depth  int

	// expect are the kinds that would have fitted at the next token, for the
	// refusal; a set of bits. plus adds the sign, which upstream lists last.
	expect uint64
	plus   bool
}

// Kinds that may follow, as upstream's parser groups them.
const (
	setOperand = 1<<kindNot | 1<<kindTrue | 1<<kindFalse | 1<<kindNull | 1<<kindDecimal | 1<<kindFloat | 1<<kindString | 1<<kindID |
		1<<kindOpen | 1<<kindMinus
	setEquality   = 1<<kindIs | 1<<kindEqual | 1<<kindNotEqual
	setRelation   = 1<<kindContains | 1<<kindGreater | 1<<kindGreaterEq | 1<<kindLess | 1<<kindLessEq
	setNegatable  = 1<<kindBetween | 1<<kindIn | 1<<kindContains | 1<<kindStartsWith | 1<<kindEndsWith
	setComparison = 1<<kindNot | setNegatable | setRelation
)

// peek is the token that is taken next but n.
func (p *parser) peek(n int) (kind, error) {
	for len(p.tokens) <= p.taken+n {
		t, err := p.lex.next()
		if err != nil {
			return 0, err
		}
		p.tokens = append(p.tokens, t)
	}
	return p.tokens[p.taken+n].kind, nil
}

// ahead peeks at the next token and notes what would fit there when it does not.
func (p *parser) ahead(set uint64) (kind, bool, error) {
	k, err := p.peek(0)
	if err != nil {
		return 0, false, err
	}
	if set&(1<<k) != 0 {
		return k, true, nil
	}
	p.expect |= set
	return k, false, nil
}

// take takes a token of one kind.
func (p *parser) take(k kind) (token, error) {
	got, err := p.peek(0)
	if err != nil {
		return token{}, err
	}
	if got != k {
		p.expect |= 1 << k
		return token{}, p.unexpected()
	}
	p.taken++
	p.expect, p.plus = 0, false
	return p.tokens[p.taken-1], nil
}

// unexpected refuses the next token.
func (p *parser) unexpected() error {
	t := p.tokens[p.taken]
	var b strings.Builder
	b.WriteString("org.apache.rocketmq.filter.parser.ParseException: Encountered \"")
	at := t.start
	if t.kind == kindEOF {
		b.WriteString(images[kindEOF])
		at = len(p.lex.text) - 1
	} else {
		fmt.Fprintf(&b, ` %s "%s "`, images[t.kind], escape(p.lex.text[t.start:t.end]))
	}
	line, column := p.lex.position(at)
	fmt.Fprintf(&b, "\" at line %d, column %d.\nWas expecting", line, column)
	if !p.plus && bits.OnesCount64(p.expect) == 1 {
		b.WriteString(":\n    ")
	} else {
		b.WriteString(" one of:\n    ")
	}
	for k := kind(0); k <= kindMinus; k++ {
		if p.expect&(1<<k) != 0 {
			b.WriteString(images[k] + " ...\n    ")
		}
	}
	if p.plus {
		b.WriteString(images[kindPlus] + " ...\n    ")
	}
	return refusal(b.String())
}

func (p *parser) selector() (*node, error) {
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	return asCondition(n)
}

func (p *parser) or() (*node, error) { return p.logic(kindOr, opOr, p.and) }

func (p *parser) and() (*node, error) { return p.logic(kindAnd, opAnd, p.equality) }

// logic reads operands with one operator between them.
func (p *parser) logic(k kind, op op, operand func() (*node, error)) (*node, error) {
	left, err := operand()
	for err == nil {
		var more bool
		if _, more, err = p.ahead(1 << k); err != nil || !more {
			break
		}
		if _, err = p.take(k); err != nil {
			break
		}
		var right *node
		if right, err = operand(); err != nil {
			break
		}
		if left, err = asCondition(left); err != nil {
			break
		}
		if right, err = asCondition(right); err == nil {
			left = &node{op: op, left: left, right: right}
		}
	}
	return left, err
}

func (p *parser) equality() (*node, error) {
	left, err := p.comparison()
	for err == nil {
		var k kind
		var more bool
		if k, more, err = p.ahead(setEquality); err != nil || !more {
			break
		}
		if k == kindIs {
			left, err = p.is(left)
			continue
		}
		if _, err = p.take(k); err != nil {
			break
		}
		var right *node
		if right, err = p.comparison(); err == nil {
			left, err = newEquality(left, right, k == kindNotEqual)
		}
	}
	return left, err
}

// is reads IS NULL and IS NOT NULL.
func (p *parser) is(left *node) (*node, error) {
	if _, err := p.take(kindIs); err != nil {
		return nil, err
	}
	k, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	null := &node{op: opConstant}
	test := &node{op: opEqual, left: left, right: null}
	if k == kindNull {
		_, err := p.take(kindNull)
		return test, err
	}
	if k != kindNot {
		p.expect |= 1 << kindNull
	}
	if _, err := p.take(kindNot); err != nil {
		return nil, err
	}
	if _, err := p.take(kindNull); err != nil {
		return nil, err
	}
	return &node{op: opNot, left: test}, nil
}

func (p *parser) comparison() (*node, error) {
	left, err := p.unary()
	for err == nil {
		var k kind
		var more bool
		if k, more, err = p.ahead(setComparison); err != nil || !more {
			break
		}
		left, err = p.relation(left, k)
	}
	return left, err
}

// relation reads one operator of a comparison and what is right of it.
func (p *parser) relation(left *node, k kind) (*node, error) {
	negated := k == kindNot
	if negated {
		var err error
		if k, err = p.peek(1); err != nil {
			return nil, err
		}
		if setNegatable&(1<<k) == 0 {
			p.expect |= setComparison &^ (1 << kindNot)
			return nil, p.unexpected()
		}
		if _, err = p.take(kindNot); err != nil {
			return nil, err
		}
	}
	if _, err := p.take(k); err != nil {
		return nil, err
	}
	switch k {
	case kindContains, kindStartsWith, kindEndsWith:
		search, err := p.text()
		return &node{op: textOps[k], left: left, value: textValue(search), negated: negated}, err
	case kindIn:
		return p.in(left, negated)
	case kindBetween:
		return p.between(left, negated)
	}
	right, err := p.unary()
	if err != nil {
		return nil, err
	}
	return newOrdering(orderOps[k], left, right)
}

func (p *parser) between(left *node, negated bool) (*node, error) {
	low, err := p.unary()
	if err != nil {
		return nil, err
	}
	if _, err := p.take(kindAnd); err != nil {
		return nil, err
	}
	high, err := p.unary()
	if err != nil {
		return nil, err
	}
	return newBetween(left, low, high, negated)
}

func (p *parser) in(left *node, negated bool) (*node, error) {
	if _, err := p.take(kindOpen); err != nil {
		return nil, err
	}
	var list []string
	for {
		text, err := p.text()
		if err != nil {
			return nil, err
		}
		list = append(list, text)
		_, more, err := p.ahead(1 << kindComma)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if _, err := p.take(kindComma); err != nil {
			return nil, err
		}
	}
	if _, err := p.take(kindClose); err != nil {
		return nil, err
	}
	return newIn(left, list, negated)
}

// unary reads an operand with the signs and NOTs before it.
func (p *parser) unary() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errDepth
	}
	defer func() { p.depth-- }()
	k, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	switch k {
	case kindPlus:
		if err := p.lookBehindPlus(); err != nil {
			return nil, err
		}
		if _, err := p.take(kindPlus); err != nil {
			return nil, err
		}
		return p.unary()
	case kindMinus:
		if _, err := p.take(kindMinus); err != nil {
			return nil, err
		}
		n, err := p.unary()
		return &node{op: opNegate, left: n}, err
	case kindNot:
		if _, err := p.take(kindNot); err != nil {
			return nil, err
		}
		n, err := p.unary()
		if err != nil {
			return nil, err
		}
		n, err = asCondition(n)
		return &node{op: opNot, left: n}, err
	}
	return p.primary(k)
}

func (p *parser) primary(k kind) (*node, error) {
	switch k {
	case kindOpen:
		if _, err := p.take(kindOpen); err != nil {
			return nil, err
		}
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		_, err = p.take(kindClose)
		return n, err
	case kindString:
		text, err := p.text()
		return &node{op: opConstant, value: textValue(text)}, err
	}
	if setOperand&(1<<k) == 0 {
		p.expect |= setOperand
		p.plus = true
		return nil, p.unexpected()
	}
	t, err := p.take(k)
	if err != nil {
		return nil, err
	}
	switch image := p.lex.image(t.start, t.end); k {
	case kindID:
		return &node{op: opProperty, name: image}, nil
	case kindDecimal:
		return newDecimal(image)
	case kindFloat:
		return newFloat(image)
	case kindTrue, kindFalse:
		return &node{op: opConstant, value: boolValue(k == kindTrue)}, nil
	}
	return &node{op: opConstant}, nil // NULL
}

// text takes a string literal and undoes its quotes.
func (p *parser) text() (string, error) {
	t, err := p.take(kindString)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(p.lex.image(t.start+1, t.end-1), "''", "'"), nil
}
