package mqadmin

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/admin/cli"
)

// needed are options that the official tool does not ask for and fails without.
var needed = map[string]bool{
	"resetMasterFlushOffset -b": true, "resetMasterFlushOffset -o": true, "dumpCompactionLog -f": true, "getUser -u": true, "getAcl -s": true,
}

// testdata/options.csv lists the commands and options of release 5.5.0, as its classes
// build them: command, short name, long name, whether it takes a value, and whether it is
// required, not, or one of several.
func TestEveryOfficialCommandAndOption(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/options.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := Commands()
	official := map[string]bool{}
	for _, row := range rows[1:] {
		name, short, long := row[0], row[1], strings.TrimSpace(row[2])
		official[name] = true
		i := slices.IndexFunc(all, func(c *cli.Command) bool { return c.Name == name })
		if i < 0 {
			t.Errorf("there is no command %s", name)
			continue
		}
		c := all[i]
		if short == "" && long == "" || short == "n" {
			continue // no options of its own; the name servers are every command's
		}
		j := slices.IndexFunc(c.Options, func(o cli.Option) bool { return o.Short == short && (o.Long == long || short == "") })
		if j < 0 {
			t.Errorf("%s has no option -%s --%s", name, short, long)
			continue
		}
		o := c.Options[j]
		if o.Arg != (row[3] == "true") {
			t.Errorf("%s -%s: takes a value: %t", name, short, o.Arg)
		}
		if o.Required != (row[4] == "true" || needed[name+" -"+short]) {
			t.Errorf("%s -%s: required: %t, officially %s", name, short, o.Required, row[4])
		}
		if strings.HasPrefix(row[4], "one-of(") && !slices.Contains(c.OneOf, short) && name != "updateUser" {
			t.Errorf("%s -%s: is not among the options of which one must be given", name, short)
		}
	}
	if len(official) < 96 {
		t.Errorf("the list has %d commands only", len(official))
	}
	for _, c := range all {
		if !official[c.Name] {
			t.Errorf("the official tool has no command %s", c.Name)
		}
	}
}

func TestCommandsAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range Commands() {
		if c.Area == "" || c.Help == "" || c.Run == nil {
			t.Errorf("%s lacks an area, a help text or what it does", c.Name)
		}
		if names[strings.ToLower(c.Name)] {
			t.Errorf("there are two commands %s", c.Name)
		}
		names[strings.ToLower(c.Name)] = true
		keys := map[string]bool{}
		for _, o := range c.Options {
			if o.Help == "" || o.Long == "" {
				t.Errorf("%s -%s lacks a long name or a help text", c.Name, o.Short)
			}
			if keys[o.Short] && o.Short != "" || keys["--"+o.Long] {
				t.Errorf("%s has -%s --%s twice", c.Name, o.Short, o.Long)
			}
			keys[o.Short], keys["--"+o.Long] = true, true
		}
	}
}
