package compat

import (
	"fmt"
	"strconv"
	"strings"
)

// The official servers fill their configuration objects from text with the
// parse functions of Java's classes (MixAll.properties2Object). A value that
// cannot be read is passed over there without a word. These functions accept
// exactly what is accepted there, and say why when it is not.

// ParseInt reads a decimal number of 32 or 64 bits as Integer.parseInt and
// Long.parseLong do: one sign, digits, no blanks.
func ParseInt(s string, bits int) (int64, error) {
	if strings.ContainsRune(s, '_') {
		return 0, notANumber(s, "a whole number")
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err == nil {
		return n, nil
	}
	if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
		return 0, fmt.Errorf("%s does not fit into %d bits", s, bits)
	}
	return 0, notANumber(s, "a whole number")
}

// ParseFloat reads a number as Double.parseDouble does: blanks around it and a
// d or f behind it do not matter.
func ParseFloat(s string) (float64, error) {
	t := strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if !strings.HasPrefix(strings.TrimLeft(t, "+-"), "0x") && !strings.HasSuffix(t, "Infinity") {
		t = strings.TrimRight(t, "dDfF")
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil && f == 0 || strings.ContainsRune(t, '_') || strings.HasSuffix(strings.ToLower(t), "inf") {
		return 0, notANumber(s, "a number")
	}
	return f, nil
}

// ParseBool reads true in any case as true and everything else as false, as
// Boolean.parseBoolean does. The error tells of text that is neither true nor
// false; the value is false all the same.
func ParseBool(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false%s", s, blankHint(s))
}

func notANumber(s, what string) error { return fmt.Errorf("%q is not %s%s", s, what, blankHint(s)) }

// blankHint names the mistake that is hardest to see.
func blankHint(s string) string {
	if s != strings.TrimSpace(s) {
		return ": it begins or ends with a blank"
	}
	return ""
}

// TrimValue removes what Java's String.trim removes from both ends of a text
// value: blanks and all control characters.
func TrimValue(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
