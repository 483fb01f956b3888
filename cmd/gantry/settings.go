package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/config"
)

// settings reads the configuration of one process into its struct: what the
// configuration file says, over it the environment, over that the flags.
type settings struct {
	dst   any
	file  string            // -c
	flags map[string]string // given on the command line, by key

	// properties is everything that the configuration file says, keys that nobody
	// reads included.
	properties map[string]string
}

// bind makes a flag of every key, named like it.
func (s *settings) bind(flags *pflag.FlagSet) {
	s.flags = map[string]string{}
	for key, value := range config.Values(s.dst) {
		usage := "official configuration key"
		if value != "" {
			usage += " (default " + value + ")"
		}
		flags.Var(&keyFlag{key: key, to: s.flags}, key, usage)
		flags.Lookup(key).Hidden = true
	}
}

// keyFlag is the flag of one configuration key.
type keyFlag struct {
	key string
	to  map[string]string
}

func (f *keyFlag) String() string { return f.to[f.key] }
func (f *keyFlag) Type() string   { return "value" }
func (f *keyFlag) Set(value string) error {
	f.to[f.key] = value
	return nil
}

// load fills the struct. What was said but cannot be used comes back as
// warnings: a key that nobody knows, a value of the wrong form. As upstream,
// neither keeps the process from starting.
func (s *settings) load() (warnings []string, err error) {
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return nil, fmt.Errorf("read the configuration file: %w", err)
		}
		properties, err := compat.ParseProperties(text)
		if err != nil {
			return nil, fmt.Errorf("read the configuration file %s: %w", s.file, err)
		}
		s.properties = compat.PropertyMap(properties)
		for key, value := range s.properties {
			warnings = append(warnings, s.set(key, value, s.file)...)
		}
	}
	for key := range config.Values(s.dst) {
		if value, ok := os.LookupEnv(environmentName(key)); ok {
			warnings = append(warnings, s.set(key, value, "the environment")...)
		}
	}
	for key, value := range s.flags {
		warnings = append(warnings, s.set(key, value, "the command line")...)
	}
	slices.Sort(warnings)
	return warnings, nil
}

func (s *settings) set(key, value, where string) (warnings []string) {
	known, err := config.Set(s.dst, key, value)
	fault, wrong := errors.AsType[*config.Fault](err)
	switch {
	case wrong:
		return []string{fmt.Sprintf("%s: %s", where, fault)}
	case !known:
		return []string{fmt.Sprintf("%s: there is no key %s%s", where, key, s.nearKey(key))}
	}
	if why := config.Inert(s.dst, key); why != "" {
		return []string{fmt.Sprintf("%s: %s has no effect: %s", where, key, why)}
	}
	return nil
}

// nearKey suggests the known key that a mistyped one is nearest to.
func (s *settings) nearKey(key string) string {
	best, nearest := 4, ""
	for known := range config.Values(s.dst) {
		if d := distance(strings.ToLower(key), strings.ToLower(known)); d < best {
			best, nearest = d, known
		}
	}
	if nearest == "" {
		return ""
	}
	return "; is " + nearest + " meant?"
}

// distance counts the letters to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// environmentName is the variable that sets a key: brokerName is
// GANTRY_BROKER_NAME.
func environmentName(key string) string {
	var b strings.Builder
	b.WriteString("GANTRY_")
	runes := []rune(key)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(runes[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// printTo writes what the official -p prints, or with important the official -m: class
// after class, before anything is derived from the values. ip is the address that
// brokers tell clients by default.
func (s *settings) printTo(w io.Writer, p *config.Process, ip netip.Addr, important bool) error {
	var sources []config.Source
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return fmt.Errorf("read the configuration file: %w", err)
		}
		source, err := config.FileSource(s.file, text)
		if err != nil {
			return err
		}
		sources = append(sources, source)
	}
	sources = append(sources, config.EnvironmentSource(p, os.Environ()), config.FlagSource(s.flags))
	all, _ := config.Load(p, config.ThisMachine(ip), sources...)
	_, err := w.Write(all.AppendPrint(nil, time.Now(), important))
	return err
}
