package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// UsageError says what is wrong with a command line.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// parser reads a command line by the rules of commons-cli's DefaultParser.
type parser struct {
	options []Option
	values  map[string]string // by Option.key
	given   map[string]bool
	waiting *Option // wants a value
	rest    []string
}

// parse reads args. Options that stand twice keep their first value, as there.
func parse(options []Option, args []string) (*parser, error) {
	p := &parser{options: options, values: map[string]string{}, given: map[string]bool{}}
	for i, arg := range args {
		if arg == "--" && p.waiting == nil {
			p.rest = append(p.rest, args[i+1:]...)
			break
		}
		if err := p.token(arg); err != nil {
			return nil, err
		}
	}
	if p.waiting != nil {
		return nil, Usagef("option %s needs a value", p.waiting.show())
	}
	return p, nil
}

func (p *parser) token(arg string) error {
	if p.waiting != nil && (!p.isOption(arg) || negativeNumber.MatchString(arg)) {
		p.set(*p.waiting, unquote(arg))
		p.waiting = nil
		return nil
	}
	if p.waiting != nil {
		return Usagef("option %s needs a value; what follows, %s, is an option too", p.waiting.show(), arg)
	}
	switch {
	case strings.HasPrefix(arg, "--"):
		return p.long(arg, arg[2:])
	case strings.HasPrefix(arg, "-") && len(arg) > 1:
		return p.short(arg)
	}
	p.rest = append(p.rest, arg)
	return nil
}

var negativeNumber = regexp.MustCompile(`^-[0-9.]+$`)

// isOption reports whether a word would be read as an option of the command.
func (p *parser) isOption(arg string) bool {
	if !strings.HasPrefix(arg, "-") || len(arg) < 2 {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if len(p.matches(name)) > 0 {
		return true
	}
	return !strings.HasPrefix(arg, "--") && len(name) > 0 && p.byShort(name[:1]) != nil
}

func (p *parser) byShort(name string) *Option {
	for i, o := range p.options {
		if o.Short != "" && o.Short == name {
			return &p.options[i]
		}
	}
	return nil
}

// matches lists the options that a name may mean: the one of that very name, else all
// whose long names begin with it.
func (p *parser) matches(name string) []*Option {
	if o := p.byShort(name); o != nil {
		return []*Option{o}
	}
	return p.byLong(name)
}

func (p *parser) byLong(name string) []*Option {
	var found []*Option
	for i, o := range p.options {
		if o.Long == "" || name == "" {
			continue
		}
		if o.Long == name {
			return []*Option{&p.options[i]}
		}
		if strings.HasPrefix(o.Long, name) {
			found = append(found, &p.options[i])
		}
	}
	return found
}

// long reads --name and --name=value.
func (p *parser) long(arg, word string) error {
	name, value, hasValue := strings.Cut(word, "=")
	found := p.byLong(name)
	if len(found) == 0 {
		if o := p.byShort(name); o != nil {
			found = []*Option{o}
		}
	}
	return p.take(arg, found, value, hasValue)
}

// short reads -s, -s=value, -svalue, and long names behind a single dash.
func (p *parser) short(arg string) error {
	name, value, hasValue := strings.Cut(arg[1:], "=")
	if found := p.matches(name); len(found) > 0 {
		return p.take(arg, found, value, hasValue)
	}
	if o := p.byShort(arg[1:2]); o != nil && o.Arg {
		return p.take(arg, []*Option{o}, arg[2:], true)
	}
	return p.take(arg, nil, "", false)
}

func (p *parser) take(arg string, found []*Option, value string, hasValue bool) error {
	switch {
	case len(found) == 0:
		return Usagef("there is no option %s", arg)
	case len(found) > 1:
		names := make([]string, len(found))
		for i, o := range found {
			names[i] = "--" + o.Long
		}
		slices.Sort(names)
		return Usagef("option %s may mean %s", arg, strings.Join(names, " or "))
	}
	o := found[0]
	switch {
	case hasValue && !o.Arg:
		return Usagef("option %s takes no value", o.show())
	case hasValue:
		p.set(*o, unquote(value))
	case o.Arg:
		p.waiting = o
	default:
		p.set(*o, "")
	}
	return nil
}

func (p *parser) set(o Option, value string) {
	if !p.given[o.key()] {
		p.given[o.key()], p.values[o.key()] = true, value
	}
}

// unquote takes off one pair of double quotes, as commons-cli does.
func unquote(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' && !strings.Contains(s[1:len(s)-1], `"`) {
		return s[1 : len(s)-1]
	}
	return s
}

// check reports what a command line lacks.
func (c *Command) check(p *parser) error {
	var missing []string
	for _, o := range c.Options {
		if o.Required && !p.given[o.key()] {
			missing = append(missing, o.show())
		}
	}
	if len(missing) > 0 {
		return Usagef("option %s is missing", strings.Join(missing, " and "))
	}
	if len(c.OneOf) > 0 {
		var given, all []string
		for _, key := range c.OneOf {
			o, _ := c.find(key)
			all = append(all, o.show())
			if p.given[key] {
				given = append(given, o.show())
			}
		}
		switch len(given) {
		case 0:
			return Usagef("one of %s is needed", strings.Join(all, ", "))
		case 1:
		default:
			return Usagef("only one of %s may be given", strings.Join(given, " and "))
		}
	}
	if len(p.rest) > 0 {
		return Usagef("%q belongs to no option", p.rest[0])
	}
	return nil
}
