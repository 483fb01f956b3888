package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantrymq/gantry/store/inspect"
)

// storeFlags are what all commands on a store's directory take.
type storeFlags struct {
	commitLog      []string
	slots, indexes int32
	json           bool
	progress       bool
}

func (f *storeFlags) bind(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.commitLog, "commit-log", nil, "directories of the commit log, when they are not below the store (storePathCommitLog)")
	flags.Int32Var(&f.slots, "index-slots", 0, "maxHashSlotNum, when it is not the official 5000000")
	flags.Int32Var(&f.indexes, "index-entries", 0, "maxIndexNum, when it is not the official 20000000")
	flags.BoolVar(&f.progress, "progress", isTerminal(os.Stderr), "show how far long work is, on the error output")
}

// isTerminal reports whether a person is reading.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// open opens the directory that a command names. It may be the store or what contains it.
func (f *storeFlags) open(name string, stderr io.Writer) (*inspect.Dir, *progressBar, error) {
	root, err := filepath.Abs(name)
	if err != nil {
		return nil, nil, err
	}
	bar := &progressBar{}
	if f.progress {
		bar.out = stderr
	}
	d, err := inspect.Open(filepath.ToSlash(root), inspect.Options{CommitLog: f.commitLog, IndexSlots: f.slots, IndexEntries: f.indexes, Progress: bar.show})
	return d, bar, err
}

// openUnused opens a directory that no broker may be using: while one does, its files are ahead of each other by design.
func (f *storeFlags) openUnused(name string, stderr io.Writer) (*inspect.Dir, *progressBar, error) {
	d, bar, err := f.open(name, stderr)
	if err != nil {
		return nil, nil, err
	}
	used, err := d.InUse()
	if err == nil && used {
		err = fmt.Errorf("a broker is using %s: stop it first, or look at a copy or snapshot", name)
	}
	return d, bar, err
}

// verify reads a directory that no broker is using.
func (f *storeFlags) verify(cmd *cobra.Command, name string) (*inspect.Report, error) {
	d, bar, err := f.openUnused(name, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	defer bar.clear()
	return d.Verify(cmd.Context(), time.Now())
}

// progressBar is a line that is written over and over.
type progressBar struct {
	out   io.Writer // nil shows nothing
	last  time.Time
	shown bool
}

func (b *progressBar) show(p inspect.Progress) {
	now := time.Now()
	if b.out == nil || p.Total == 0 || now.Sub(b.last) < 200*time.Millisecond {
		return
	}
	const width = 40
	done := int(width * p.Done / p.Total)
	fmt.Fprintf(b.out, "\r%s [%-*s] %3d%%  %d of %d MiB", p.What, width, "########################################"[:done], 100*p.Done/p.Total, p.Done>>20, p.Total>>20)
	b.last, b.shown = now, true
}

// clear removes the line.
func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprintf(b.out, "\r%80s\r", "")
		b.shown = false
	}
}

func storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Look into a store's directory, Gantry's or the official broker's, and mend it",
		Long: `Look into a store's directory (storePathRootDir), Gantry's or the official broker's.
Nothing is changed, except by "repair --yes".`,
	}
	c.AddCommand(storeListCommand(), storeDumpCommand(), storeVerifyCommand(), storeRepairCommand())
	return c
}

func storeListCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "ls DIRECTORY",
		Short: "List the files: log segments, queues, index, with ranges and times",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, _, err := f.open(args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			l, err := d.List()
			if err != nil {
				return err
			}
			if f.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(l)
			}
			return printListing(cmd.OutOrStdout(), l)
		},
	}
	f.bind(c.Flags())
	c.Flags().BoolVar(&f.json, "json", false, "write JSON")
	return c
}

// printListing writes tables for people.
func printListing(out io.Writer, l *inspect.Listing) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "COMMIT LOG\tBEGINS AT\tBYTES\tFIRST STORED\tMODIFIED\n")
	for _, g := range l.Segments {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\n", filepath.Base(g.Path), g.Base, g.Size, showTime(g.First), showTime(g.Modified))
	}
	fmt.Fprintf(w, "\t\t\t\t\nTOPIC\tQUEUE\tOFFSETS\tFIRST STORED\tLAST STORED\n")
	for _, q := range l.Queues {
		fmt.Fprintf(w, "%s\t%d\t%d to %d\t%s\t%s\n", q.Topic, q.ID, q.Min, q.Max, showTime(q.First), showTime(q.Last))
	}
	if len(l.Compacted) > 0 {
		fmt.Fprintf(w, "\t\t\t\t\nCOMPACTED\tQUEUE\tOFFSETS\tMESSAGES\tBYTES\n")
	}
	for _, q := range l.Compacted {
		fmt.Fprintf(w, "%s\t%d\t%d to %d\t%d\t%d\n", q.Topic, q.ID, q.Min, q.Max, q.Messages, q.Bytes)
	}
	fmt.Fprintf(w, "\t\t\t\t\nINDEX\tENTRIES\tLOG\tFIRST STORED\tLAST STORED\n")
	for _, x := range l.Indexes {
		fmt.Fprintf(w, "%s\t%d\t%d to %d\t%s\t%s\n", filepath.Base(x.Path), x.Entries, x.From, x.To, showTime(x.Begin), showTime(x.End))
	}
	c := l.Checkpoint
	fmt.Fprintf(w, "\t\t\t\t\nCHECKPOINT\tLOG\tQUEUES\tINDEX\tQUEUES COMPLETE TO\n")
	fmt.Fprintf(w, "\t%s\t%s\t%s\t%d\n", showTime(c.LogTime), showTime(c.QueueTime), showTime(c.IndexTime), max(c.QueuePhy, c.Position))
	if err := w.Flush(); err != nil {
		return err
	}
	if l.Unclean {
		fmt.Fprintf(out, "\nThere is an abort file: a broker runs here, or was killed. The next start checks the log from %d on.\n", l.RecoverFrom)
	}
	for _, x := range l.Findings {
		fmt.Fprintln(out, x)
	}
	return nil
}

func showTime(ms int64) string {
	if ms <= 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04:05.000")
}

func storeDumpCommand() *cobra.Command {
	var f storeFlags
	var filter inspect.Filter
	var from, to string
	c := &cobra.Command{
		Use:   "dump DIRECTORY",
		Short: "Write messages as lines of JSON, in the log's order",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, x := range []struct {
				text string
				to   *int64
			}{{from, &filter.From}, {to, &filter.To}} {
				if x.text == "" {
					continue
				}
				t, err := parseTime(x.text)
				if err != nil {
					return err
				}
				*x.to = t
			}
			d, bar, err := f.open(args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer bar.clear()
			_, err = d.Dump(cmd.Context(), filter, cmd.OutOrStdout(), func(from, to int64, cause error) {
				bar.clear()
				fmt.Fprintf(cmd.ErrOrStderr(), "no whole record from %d to %d: %v\n", from, to, cause)
			})
			return err
		},
	}
	f.bind(c.Flags())
	flags := c.Flags()
	flags.StringVar(&filter.Topic, "topic", "", "messages of this topic")
	flags.Int32Var(&filter.Queue, "queue", -1, "messages of this queue id; -1 is all queues")
	flags.StringVar(&filter.Key, "key", "", "messages with this key, unique key or message id")
	flags.StringVar(&filter.Tag, "tag", "", "messages with this tag")
	flags.StringVar(&from, "from", "", "messages stored at this time or later: RFC 3339, or ms since 1970")
	flags.StringVar(&to, "to", "", "messages stored before this time, in the same form")
	flags.Int64Var(&filter.Begin, "offset", 0, "physical offset to begin at; 0 is the log's start")
	flags.Int64Var(&filter.Limit, "limit", 0, "this many messages at most; 0 is no limit")
	flags.BoolVar(&filter.Body, "body", false, "with the messages' bodies")
	return c
}

// parseTime reads a time as ms since 1970.
func parseTime(text string) (int64, error) {
	var ms int64
	if _, err := fmt.Sscanf(text+"\n", "%d\n", &ms); err == nil && fmt.Sprint(ms) == text {
		return ms, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time: write it like 2026-01-31T12:00:00Z, or in ms since 1970", text)
}

// errDamaged ends a verification that found something: exit code 1.
var errDamaged = errors.New("the store is damaged")

func storeVerifyCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "verify DIRECTORY",
		Short: "Check every record, and log, queues, index, checkpoint and configuration against each other",
		Long: `Check every record, and log, queues, index, checkpoint and configuration against each other.
No broker may use the directory meanwhile. The exit code is 0 when nothing is damaged, else 1.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.verify(cmd, args[0])
			if err != nil {
				return err
			}
			if f.json {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			} else {
				printReport(cmd.OutOrStdout(), r)
			}
			if err == nil && r.Damaged > 0 {
				err = fmt.Errorf("%w: %d findings", errDamaged, r.Damaged)
			}
			return err
		},
	}
	f.bind(c.Flags())
	c.Flags().BoolVar(&f.json, "json", false, "write JSON")
	return c
}

func printReport(out io.Writer, r *inspect.Report) {
	for _, x := range r.List {
		fmt.Fprintln(out, x)
	}
	if left := r.Left(); left > 0 {
		fmt.Fprintf(out, "… and %d more\n", left)
	}
	if r.Ext > 0 {
		fmt.Fprintf(out, "%d entries with a unit in consumequeue_ext\n", r.Ext)
	}
	fmt.Fprintf(out, "%d messages from %d to %d, %d entries of %d queues, %d index entries, %d timer entries, %d compacted messages: %d damages, %d notes\n",
		r.Records, r.LogMin, r.LogEnd, r.Units, r.Queues, r.Entries, r.TimerUnits, r.Compacted, r.Damaged, r.Noted)
}
