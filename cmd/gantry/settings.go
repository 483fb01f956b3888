package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gantrymq/gantry/broker"
	"github.com/gantrymq/gantry/config"
)

// settings gathers what a command is told about one kind of process: by its
// configuration file, over it by the environment, over that by flags.
type settings struct {
	process *config.Process
	file    string            // -c
	flags   map[string]string // given on the command line, by key
	program []config.Value    // what the command itself says, where nobody else does
	over    []config.Value    // what the command itself says, over everything else
	without []string          // keys that the environment and flags do not say
}

// settingsOf are those of a kind of process that was told nothing yet.
func settingsOf(p *config.Process) *settings {
	return &settings{process: p, flags: map[string]string{}}
}

// bind makes a flag of every key, named like it and not shown in the help. A key
// that has its flag already, of this process or another, shares it.
func (s *settings) bind(flags *pflag.FlagSet) {
	for _, key := range s.process.Keys() {
		f := &keyFlag{key: key.Name, to: s.flags}
		switch old := flags.Lookup(key.Name); {
		case old == nil:
			flags.Var(f, key.Name, key.Usage())
			flags.Lookup(key.Name).Hidden = true
		default:
			if shared, ok := old.Value.(*keyFlag); ok {
				f.also, old.Value = shared, f
			}
		}
	}
}

// keyFlag is the flag of one configuration key.
type keyFlag struct {
	key  string
	to   map[string]string
	also *keyFlag // the same key of another process
}

func (f *keyFlag) String() string { return f.to[f.key] }
func (f *keyFlag) Type() string   { return "value" }
func (f *keyFlag) Set(value string) error {
	f.to[f.key] = value
	if f.also != nil {
		return f.also.Set(value)
	}
	return nil
}

// load makes the settings of what was said. What cannot be used comes back as
// warnings; as upstream, nothing of it keeps the process from starting.
func (s *settings) load() (*config.Settings, []config.Warning, error) {
	sources := []config.Source{{Name: "gantry", Values: s.program}}
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return nil, nil, fmt.Errorf("the configuration file cannot be read: %w", err)
		}
		source, err := config.FileSource(s.file, text)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, source)
	}
	for _, source := range []config.Source{config.EnvironmentSource(s.process, os.Environ()), config.FlagSource(s.flags)} {
		sources = append(sources, source.Without(s.without...))
	}
	sources = append(sources, config.Source{Name: "the command line", Values: s.over})
	machine := thisMachine(s.process)
	all, warnings := config.Load(s.process, machine, sources...)
	secure, found, err := tlsSource(all.TLSFile())
	if err != nil {
		return nil, nil, err
	}
	if found {
		all, warnings = config.Load(s.process, machine, slices.Insert(sources, 1, secure)...)
	}
	warnings = append(warnings, config.EnvironmentWarnings(s.process, os.Environ())...)
	return all, warnings, checkTLS(all, warnings)
}

// checkTLS refuses settings of TLS that cannot be taken. Elsewhere the default
// does instead, here that would be less protection than was asked for.
func checkTLS(all *config.Settings, warnings []config.Warning) error {
	for _, w := range warnings {
		if strings.HasPrefix(w.Key, "tls.") && !all.Given(w.Key) && all.Process().Has(w.Key) {
			return errors.New(w.String())
		}
	}
	return nil
}

// javaTLSWarnings tells of settings of TLS that were meant for Java's programs.
func javaTLSWarnings() []string {
	for _, name := range []string{"JAVA_OPT", "JAVA_OPT_EXT", "JAVA_TOOL_OPTIONS"} {
		if strings.Contains(os.Getenv(name), "-Dtls.") {
			return []string{name + " sets TLS and is not read here: set it as a flag, --tls.server.mode and so on, or in tls.properties"}
		}
	}
	return nil
}

// tlsSource reads the file with settings of TLS. Most machines have none.
func tlsSource(path string) (source config.Source, found bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return source, false, nil
	}
	if err != nil {
		return source, false, fmt.Errorf("tls.config.file cannot be read: %w", err)
	}
	source, err = config.TLSSource(path, text)
	return source, err == nil, err
}

// thisMachine is what defaults come from. The official programs do not start
// without ROCKETMQ_HOME; here it is only shown.
func thisMachine(p *config.Process) config.Machine {
	ip := netip.Addr{}
	if p != config.Namesrv {
		ip = broker.LocalIP()
	}
	m := config.ThisMachine(ip)
	if m.Env["ROCKETMQ_HOME"] == "" {
		m.Env["ROCKETMQ_HOME"] = m.UserHome
	}
	return m
}

// homeDir is where the official processes keep their data by default.
func homeDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return home
}

// updatesOf is the file that a broker writes its settings to when one of them
// is changed while it runs: the one that they came from, else the official one
// below the directory of the store's default.
func updatesOf(file, dir string) string {
	if file != "" {
		return file
	}
	return filepath.Join(dir, "store", "config", "broker.properties")
}
