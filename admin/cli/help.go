package cli

import (
	"fmt"
	"slices"
	"strings"
)

// help lists the commands below the headings of their areas.
func (s Set) help(program string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [-o table|json|yaml] COMMAND [OPTIONS]\n", program)
	var areas []string
	for _, c := range s {
		if !slices.Contains(areas, c.Area) {
			areas = append(areas, c.Area)
		}
	}
	for _, area := range areas {
		fmt.Fprintf(&b, "\n%s\n", area)
		for _, c := range s {
			if c.Area == area {
				fmt.Fprintf(&b, "   %-35s %s\n", c.Name, c.Help)
			}
		}
	}
	fmt.Fprintf(&b, "\nCase does not matter. %s help COMMAND shows a command's options; -n or NAMESRV_ADDR names the name servers.\n", program)
	return b.String()
}

// help shows a command's options.
func (c *Command) help(program string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n\n", program, c.Name, c.Help)
	for _, o := range append(slices.Clone(c.Options), c.global()...) {
		var names []string
		if o.Short != "" {
			names = append(names, "-"+o.Short)
		}
		if o.Long != "" {
			names = append(names, "--"+o.Long)
		}
		name := strings.Join(names, ", ")
		if o.Arg {
			name += " <arg>"
		}
		text := o.Help
		if o.Required {
			text += " (required)"
		}
		if slices.Contains(c.OneOf, o.key()) {
			text += " (one of -" + strings.Join(c.OneOf, ", -") + ")"
		}
		fmt.Fprintf(&b, "   %-32s %s\n", name, text)
	}
	return b.String()
}

// Complete lists what the last of some words can become: commands, then their
// options. It asks no server; values is asked for the values of an option.
func (s Set) Complete(words []string, last string, values func(o Option) []string) []string {
	var all []string
	if len(words) == 0 {
		for _, c := range slices.Concat(s, Set{{Name: "help", Help: "show commands or a command's options"}}) {
			if strings.HasPrefix(strings.ToLower(c.Name), strings.ToLower(last)) {
				all = append(all, c.Name+"\t"+c.Help)
			}
		}
		return all
	}
	command := s.Find(words[0])
	if command == nil {
		return nil
	}
	options := append(slices.Clone(command.Options), command.global()...)
	if len(words) > 1 {
		p := &parser{options: options}
		if found := p.matches(strings.TrimLeft(words[len(words)-1], "-")); len(found) == 1 && found[0].Arg && strings.HasPrefix(words[len(words)-1], "-") {
			for _, v := range values(*found[0]) {
				if strings.HasPrefix(v, last) {
					all = append(all, v)
				}
			}
			return all
		}
	}
	for _, o := range options {
		if name := "--" + o.Long; o.Long != "" && strings.HasPrefix(name, last) {
			all = append(all, name+"\t"+o.Help)
		} else if o.Long == "" && strings.HasPrefix("-"+o.Short, last) {
			all = append(all, "-"+o.Short+"\t"+o.Help)
		}
	}
	return all
}
