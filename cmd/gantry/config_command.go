package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantrymq/gantry/config"
)

// configCommand answers questions about settings. It takes what the servers take
// (file, environment, flags) and says what would come of it.
func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Explain settings, their values and where these come from",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(explainCommand(), listCommand())
	return cmd
}

// configProcesses are the kinds of process whose keys are explained, the ones
// that most questions are about first.
var configProcesses = []*config.Process{config.Broker, config.Namesrv, config.Controller, config.Proxy}

// configQuestion is what both commands are asked.
type configQuestion struct {
	file, process, output string
	settings              []*settings // by configProcesses
	warnings              map[*config.Process][]config.Warning
}

// bind declares the flags. otherwise says which processes are meant without --process.
func (q *configQuestion) bind(flags *pflag.FlagSet, otherwise string) {
	q.warnings = map[*config.Process][]config.Warning{}
	flags.StringVarP(&q.file, "configFile", "c", "", "configuration `file` of the process")
	flags.StringVar(&q.process, "process", "", "`kind` of process: broker, namesrv, controller or proxy (default "+otherwise+")")
	flags.StringVarP(&q.output, "output", "o", "table", "`form` of the answer: table or json")
	for _, p := range configProcesses {
		s := settingsOf(p)
		s.bind(flags)
		q.settings = append(q.settings, s)
	}
}

// load loads the settings of the processes that the question is about.
func (q *configQuestion) load(standard *config.Process) ([]*config.Settings, error) {
	if q.output != "table" && q.output != "json" {
		return nil, fmt.Errorf("output %q: it is table or json", q.output)
	}
	var found []*config.Settings
	for _, s := range q.settings {
		if q.process != "" && q.process != s.process.Name || q.process == "" && standard != nil && s.process != standard {
			continue
		}
		s.file = q.file
		load := s.load
		if s.process == config.Namesrv {
			load = s.loadNamesrv
		}
		if s.process == config.Proxy {
			s.file = "" // which is JSON, and nothing here reads it
		}
		all, warnings, err := load()
		if err != nil {
			return nil, err
		}
		q.warnings[s.process] = warnings
		found = append(found, all)
	}
	if found == nil {
		return nil, fmt.Errorf("there is no kind of process %q: it is broker, namesrv, controller or proxy", q.process)
	}
	return found, nil
}

func explainCommand() *cobra.Command {
	q := &configQuestion{}
	cmd := &cobra.Command{
		Use:   "explain KEY...",
		Short: "Say what a key means, what it is set to and by whom, and whether it has an effect",
		Example: "  gantry config explain flushDiskType\n" +
			"  gantry config explain listenPort -c namesrv.conf --process namesrv",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which key? `gantry config list` prints them all")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return keyNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := q.load(nil)
			if err != nil {
				return err
			}
			var answers []config.Explanation
			for _, key := range args {
				found := explainIn(all, key)
				if len(found) == 0 {
					return unknownKey(key)
				}
				answers = append(answers, found...)
			}
			q.writeWarnings(cmd.ErrOrStderr(), answers)
			return q.write(cmd.OutOrStdout(), answers, writeExplanations)
		},
	}
	q.bind(cmd.Flags(), "all that have the key")
	return cmd
}

// explainIn explains a key of each process that honours it, or else of the first
// that has it. Capitals do not matter.
func explainIn(all []*config.Settings, key string) (found []config.Explanation) {
	for _, s := range all {
		for _, k := range s.Process().Keys() {
			if e, ok := s.Explain(k.Name); ok && strings.EqualFold(k.Name, key) && (e.Honoured || len(found) == 0) {
				found = append(found, e)
			}
		}
	}
	return found
}

// writeWarnings tells what is wrong with values of the keys that were asked for.
func (q *configQuestion) writeWarnings(w io.Writer, answers []config.Explanation) {
	for _, p := range configProcesses {
		for _, warning := range q.warnings[p] {
			asked := func(e config.Explanation) bool { return e.Process == p.Name && e.Key == warning.Key && e.Honoured }
			if slices.ContainsFunc(answers, asked) {
				fmt.Fprintf(w, "gantry: %s\n", warning)
			}
		}
	}
}

func unknownKey(key string) error {
	for _, p := range configProcesses {
		if near := p.Near(key); near != "" {
			return fmt.Errorf("there is no key %s; is %s meant?", key, near)
		}
	}
	return fmt.Errorf("there is no key %s; `gantry config list` prints them all", key)
}

func keyNames() (names []string) {
	for _, p := range configProcesses {
		for _, k := range p.Keys() {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func listCommand() *cobra.Command {
	q := &configQuestion{}
	var given, honoured bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all keys with their values, where these come from and what effect they have",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := q.load(config.Broker)
			if err != nil {
				return err
			}
			var answers []config.Explanation
			for _, s := range all {
				for _, warning := range q.warnings[s.Process()] {
					fmt.Fprintf(cmd.ErrOrStderr(), "gantry: %s\n", warning)
				}
				for _, k := range s.Process().Keys() {
					e, _ := s.Explain(k.Name)
					if (!given || s.Given(k.Name)) && (!honoured || e.Honoured) {
						answers = append(answers, e)
					}
				}
			}
			return q.write(cmd.OutOrStdout(), answers, writeList)
		},
	}
	q.bind(cmd.Flags(), "broker")
	cmd.Flags().BoolVar(&given, "given", false, "only keys that a file, the environment or a flag sets")
	cmd.Flags().BoolVar(&honoured, "honoured", false, "only keys that have an effect")
	return cmd
}

func (q *configQuestion) write(w io.Writer, answers []config.Explanation, table func(io.Writer, []config.Explanation) error) error {
	if q.output == "table" {
		return table(w, answers)
	}
	text, err := json.MarshalIndent(answers, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

func writeExplanations(w io.Writer, answers []config.Explanation) error {
	for i, e := range answers {
		if i > 0 {
			fmt.Fprintln(w)
		}
		effect := e.Changes
		if !e.Honoured {
			effect = "none: it " + e.Why
		}
		fmt.Fprintf(w, "%s, a key of the %s\n  %s\n\n", e.Key, e.Process, e.Meaning)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, line := range [][2]string{
			{"takes", e.Values}, {"default", shownValue(e.Default)}, {"in effect", shownValue(e.Value)}, {"comes from", e.From},
			{"effect", effect}, {"flag", e.Flag}, {"environment", e.Environment},
		} {
			fmt.Fprintf(t, "  %s\t%s\n", line[0], line[1])
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func writeList(w io.Writer, answers []config.Explanation) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tVALUE\tFROM\tEFFECT")
	for _, e := range answers {
		effect, _, _ := strings.Cut(e.Changes, ":")
		if !e.Honoured {
			effect = "none"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Key, shownValue(e.Value), e.From, effect)
	}
	return t.Flush()
}

// shownValue makes a value visible that is empty.
func shownValue(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name := unknown.GetSpecifiedName()
	for _, p := range configProcesses {
		if near := p.Near(name); near != "" && cmd.Flags().Lookup(near) != nil {
			return fmt.Errorf("there is no flag --%s; is --%s meant?", name, near)
		}
	}
	return fmt.Errorf("%w; `%s --help` lists what there is", err, cmd.CommandPath())
}
