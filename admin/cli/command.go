package cli

import (
	"context"
	"slices"
	"strings"
)

// Option is one option of a command.
type Option struct {
	Short    string // without dash; may have several letters, as in -bn
	Long     string // without dashes
	Arg      bool   // whether a value follows
	Required bool
	Help     string
}

// Command is one command.
type Command struct {
	Name    string
	Aliases []string
	Area    string // heading in the list of commands
	Help    string // one line
	Options []Option
	// OneOf lists options, by their short names, of which exactly one must be given.
	OneOf []string
	// Local says that the command needs no name server.
	Local bool
	Run   func(ctx context.Context, c *Call) error
}

// Flag makes an option without value.
func Flag(short, long, help string) Option { return Option{Short: short, Long: long, Help: help} }

// Value makes an option with a value.
func Value(short, long, help string) Option {
	return Option{Short: short, Long: long, Arg: true, Help: help}
}

// Need makes an option with a value that must be given.
func Need(short, long, help string) Option {
	return Option{Short: short, Long: long, Arg: true, Required: true, Help: help}
}

// find looks an option up by its short name, or its long one if it has no short.
func (c *Command) find(key string) (Option, bool) {
	i := slices.IndexFunc(c.Options, func(o Option) bool { return o.key() == key })
	if i < 0 {
		return Option{}, false
	}
	return c.Options[i], true
}

// key is what an option is known by: its short name, else its long one.
func (o Option) key() string {
	if o.Short != "" {
		return o.Short
	}
	return o.Long
}

// show is the option as it is typed.
func (o Option) show() string {
	switch {
	case o.Short == "":
		return "--" + o.Long
	case o.Long == "":
		return "-" + o.Short
	}
	return "-" + o.Short + " (--" + o.Long + ")"
}

// Set is a list of commands.
type Set []*Command

// Find looks a command up as the official tool does: case does not matter.
func (s Set) Find(name string) *Command {
	for _, c := range s {
		if strings.EqualFold(c.Name, name) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return c
		}
	}
	return nil
}

// Nearest names the command that a mistyped name is closest to; "" when none is close.
func (s Set) Nearest(name string) string {
	best, distance := "", len(name)/2+1
	for _, c := range s {
		if d := editDistance(strings.ToLower(name), strings.ToLower(c.Name)); d < distance {
			best, distance = c.Name, d
		}
	}
	return best
}

// editDistance counts the letters to insert, delete or change between two words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
