package sql92

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// kind is the kind of a token. Values and order are those of upstream's
// generated parser, which lists what it expected in this order.
type kind uint8

const (
	kindEOF        kind = 0
	kindNot        kind = 8
	kindAnd        kind = 9
	kindOr         kind = 10
	kindBetween    kind = 11
	kindIn         kind = 12
	kindTrue       kind = 13
	kindFalse      kind = 14
	kindNull       kind = 15
	kindIs         kind = 16
	kindContains   kind = 17
	kindStartsWith kind = 18
	kindEndsWith   kind = 19
	kindDecimal    kind = 20
	kindFloat      kind = 21
	kindString     kind = 23
	kindID         kind = 24
	kindEqual      kind = 25
	kindNotEqual   kind = 26
	kindGreater    kind = 27
	kindGreaterEq  kind = 28
	kindLess       kind = 29
	kindLessEq     kind = 30
	kindOpen       kind = 31
	kindComma      kind = 32
	kindClose      kind = 33
	kindPlus       kind = 34
	kindMinus      kind = 35
)

var keywords = map[string]kind{
	"NOT": kindNot, "AND": kindAnd, "OR": kindOr, "BETWEEN": kindBetween, "IN": kindIn, "TRUE": kindTrue, "FALSE": kindFalse,
	"NULL": kindNull, "IS": kindIs, "CONTAINS": kindContains, "STARTSWITH": kindStartsWith, "ENDSWITH": kindEndsWith,
}

// images is how refusals name the kinds.
var images = map[kind]string{
	kindEOF: "<EOF>", kindNot: `"NOT"`, kindAnd: `"AND"`, kindOr: `"OR"`, kindBetween: `"BETWEEN"`, kindIn: `"IN"`, kindTrue: `"TRUE"`,
	kindFalse: `"FALSE"`, kindNull: `"NULL"`, kindIs: `"IS"`, kindContains: `"CONTAINS"`, kindStartsWith: `"STARTSWITH"`,
	kindEndsWith: `"ENDSWITH"`, kindDecimal: "<DECIMAL_LITERAL>", kindFloat: "<FLOATING_POINT_LITERAL>", kindString: "<STRING_LITERAL>",
	kindID: "<ID>", kindEqual: `"="`, kindNotEqual: `"<>"`, kindGreater: `">"`, kindGreaterEq: `">="`, kindLess: `"<"`, kindLessEq: `"<="`,
	kindOpen: `"("`, kindComma: `","`, kindClose: `")"`, kindPlus: `"+"`, kindMinus: `"-"`,
}

// token is one token: its kind and where it stands, in UTF-16 units.
type token struct {
	kind       kind
	start, end int
}

// lexer cuts an expression into tokens, one at a time: what is never asked for
// is never looked at, and may be anything.
type lexer struct {
	text []uint16
	pos  int
}

// next reads the token at pos, behind blanks and comments.
func (l *lexer) next() (token, error) {
	for l.skip() {
	}
	start := l.pos
	if start == len(l.text) {
		return token{kindEOF, start, start}, nil
	}
	c := l.text[start]
	switch {
	case isLetter(c):
		return l.word(start), nil
	case c == '\'':
		return l.quoted(start)
	case isDigit(c):
		return l.number(start), nil
	case c == '.':
		if !isDigit(l.at(start + 1)) {
			return token{}, l.fault(start, start+1)
		}
		return l.number(start), nil
	case c == '/':
		return token{}, l.commentFault(start)
	}
	return l.symbol(start, c)
}

// at is the unit at a position, 0 behind the end.
func (l *lexer) at(i int) uint16 {
	if i < len(l.text) {
		return l.text[i]
	}
	return 0
}

// skip passes over one blank or comment. A comment to the end of the line needs
// that end.
func (l *lexer) skip() bool {
	switch c := l.at(l.pos); {
	case l.pos == len(l.text):
		return false
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		l.pos++
		return true
	case c == '-' && l.at(l.pos+1) == '-':
		for i := l.pos + 2; i < len(l.text); i++ {
			if l.text[i] == '\n' || l.text[i] == '\r' {
				l.pos = i + 1
				return true
			}
		}
	case c == '/' && l.at(l.pos+1) == '*':
		for i := l.pos + 2; i+1 < len(l.text); i++ {
			if l.text[i] == '*' && l.text[i+1] == '/' {
				l.pos = i + 2
				return true
			}
		}
	}
	return false
}

func (l *lexer) take(k kind, start, end int) token {
	l.pos = end
	return token{k, start, end}
}

func (l *lexer) word(start int) token {
	end := start + 1
	for end < len(l.text) && (isLetter(l.text[end]) || isDigit(l.text[end])) {
		end++
	}
	if k, ok := keywords[strings.ToUpper(l.image(start, end))]; ok {
		return l.take(k, start, end)
	}
	return l.take(kindID, start, end)
}

// quoted reads a string literal; two quotes in it mean one. It is as long as it
// can be, and ends at an earlier quote when the rest finds no end.
func (l *lexer) quoted(start int) (token, error) {
	end := 0
	i := start + 1
	for ; i < len(l.text); i++ {
		if l.text[i] != '\'' {
			continue
		}
		end = i + 1
		if l.at(i+1) != '\'' {
			break
		}
		i++
	}
	if end == 0 {
		return token{}, l.fault(start, len(l.text))
	}
	return l.take(kindString, start, end), nil
}

// number reads a whole number with or without an L, or a fraction, whichever is
// longer.
func (l *lexer) number(start int) token {
	digits := l.digits(start)
	end := digits
	if l.at(end) == '.' {
		end = l.digits(end + 1)
	}
	if e := l.exponent(end); e > end {
		end = e
	}
	if end > digits {
		return l.take(kindFloat, start, end)
	}
	if l.text[start] == '0' {
		return l.take(kindDecimal, start, start+1)
	}
	if c := l.at(end); c == 'l' || c == 'L' {
		end++
	}
	return l.take(kindDecimal, start, end)
}

func (l *lexer) digits(i int) int {
	for isDigit(l.at(i)) {
		i++
	}
	return i
}

// exponent is the end of the exponent at i, i when there is none.
func (l *lexer) exponent(i int) int {
	if c := l.at(i); c != 'e' && c != 'E' {
		return i
	}
	from := i + 1
	if c := l.at(from); c == '+' || c == '-' {
		from++
	}
	if end := l.digits(from); end > from {
		return end
	}
	return i
}

func (l *lexer) symbol(start int, c uint16) (token, error) {
	follow := l.at(start + 1)
	switch {
	case c == '<' && follow == '>':
		return l.take(kindNotEqual, start, start+2), nil
	case c == '<' && follow == '=':
		return l.take(kindLessEq, start, start+2), nil
	case c == '>' && follow == '=':
		return l.take(kindGreaterEq, start, start+2), nil
	}
	switch c {
	case '=':
		return l.take(kindEqual, start, start+1), nil
	case '<':
		return l.take(kindLess, start, start+1), nil
	case '>':
		return l.take(kindGreater, start, start+1), nil
	case '(':
		return l.take(kindOpen, start, start+1), nil
	case ',':
		return l.take(kindComma, start, start+1), nil
	case ')':
		return l.take(kindClose, start, start+1), nil
	case '+':
		return l.take(kindPlus, start, start+1), nil
	case '-':
		return l.take(kindMinus, start, start+1), nil
	}
	return token{}, l.fault(start, start)
}

// commentFault refuses a slash that begins no comment, or one without an end.
func (l *lexer) commentFault(start int) error {
	if l.at(start+1) == '*' {
		return l.fault(start, len(l.text))
	}
	return l.fault(start, start+1)
}

// fault refuses what stands at start. bad is the unit that did not fit, the
// end of the text when that is what is missing.
func (l *lexer) fault(start, bad int) error {
	read := min(bad+1, len(l.text)) // how far upstream's reader got
	line, column := l.position(read - 1)
	after := ""
	if read == len(l.text) {
		if c := l.text[read-1]; c == '\n' || c == '\r' {
			line, column = line+1, 0
		} else {
			column++
		}
		if read-start > 1 {
			after = l.image(start, read)
		}
		return lexicalError(line, column, "<EOF> ", after)
	}
	if bad > start {
		after = l.image(start, bad)
	}
	return lexicalError(line, column, fmt.Sprintf("\"%s\" (%d), ", escape(l.text[bad:bad+1]), l.text[bad]), after)
}

func lexicalError(line, column int, met, after string) error {
	return refusal(fmt.Sprintf("org.apache.rocketmq.filter.parser.TokenMgrError: Lexical error at line %d, column %d.  Encountered: %safter : \"%s\"",
		line, column, met, escape(utf16.Encode([]rune(after)))))
}

// position tells line and column of a unit, both from 1, with tabs every eight
// columns.
func (l *lexer) position(at int) (line, column int) {
	line = 1
	lineFeed, carriageReturn := false, false
	for i := 0; i <= at && i < len(l.text); i++ {
		c := l.text[i]
		column++
		switch {
		case lineFeed:
			lineFeed, line, column = false, line+1, 1
		case carriageReturn && c == '\n':
			carriageReturn, lineFeed = false, true
		case carriageReturn:
			carriageReturn, line, column = false, line+1, 1
		}
		switch c {
		case '\r':
			carriageReturn = true
		case '\n':
			lineFeed = true
		case '\t':
			column--
			column += 8 - column%8
		}
	}
	return line, column
}

func (l *lexer) image(start, end int) string { return string(utf16.Decode(l.text[start:end])) }

func isLetter(c uint16) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

func isDigit(c uint16) bool { return c >= '0' && c <= '9' }

// escape writes text as upstream's refusals quote it.
func escape(units []uint16) string {
	var b strings.Builder
	for _, c := range units {
		switch c {
		case 0:
		case '\b':
			b.WriteString(`\b`)
		case '\t':
			b.WriteString(`\t`)
		case '\n':
			b.WriteString(`\n`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		case '"', '\'', '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(c))
		default:
			if c < 0x20 || c > 0x7e {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				b.WriteByte(byte(c))
			}
		}
	}
	return b.String()
}
