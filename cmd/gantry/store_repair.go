package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/inspect"
)

func storeRepairCommand() *cobra.Command {
	var f storeFlags
	var yes bool
	var levels string
	c := &cobra.Command{
		Use:   "repair DIRECTORY",
		Short: "Say how the store can be mended; with --yes, do it",
		Long: `Verify the store and say how it can be mended. With --yes, do it: parts of the commit log that hold no whole
record are taken out, so that every broker walks past, and wrong consume queues and index files are made again from the log.
Whatever is removed is kept in the folder "quarantine" below the store. No broker may use the directory meanwhile.
The exit code is 0 when nothing is damaged, or nothing any more.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, bar, err := f.openUnused(args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			change, err := repairOptions(levels, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			plan, err := d.PlanRepair(cmd.Context(), time.Now())
			bar.clear()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			printReport(out, plan.Report)
			printPlan(out, plan)
			switch {
			case plan.Report.Damaged == 0:
				return nil
			case !yes || len(plan.Steps) == 0:
				return fmt.Errorf("%w: %d findings", errDamaged, plan.Report.Damaged)
			}
			if err := plan.Apply(cmd.Context(), change); err != nil {
				return err
			}
			return verifyAgain(cmd, &f, args[0])
		},
	}
	f.bind(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "do what is said")
	c.Flags().StringVar(&levels, "message-delay-level", "", "messageDelayLevel, when it is not the official one: consume queues of delayed messages hold the times at which they are due")
	return c
}

// repairOptions adds to the store's options what its files do not show.
func repairOptions(levels string, stderr io.Writer) (func(*store.Options), error) {
	var delays delay.Levels
	if levels != "" {
		var err error
		if delays, err = delay.ParseLevels(levels); err != nil {
			return nil, err
		}
	}
	return func(o *store.Options) {
		if delays.Max() > 0 {
			o.DelayTime = func(level int) (time.Duration, bool) {
				if level < 1 {
					return 0, false
				}
				return time.Duration(delays[min(level, delays.Max())-1]) * time.Millisecond, true
			}
		}
		o.Event = func(e store.Event) { fmt.Fprintln(stderr, e.Text) }
	}, nil
}

func printPlan(out io.Writer, p *inspect.Plan) {
	for i, step := range p.Steps {
		if i == 0 {
			fmt.Fprintln(out, "\nWhat a repair does:")
		}
		fmt.Fprintf(out, "  %d. %s\n", i+1, step)
	}
	for i, text := range p.Manual {
		if i == 0 {
			fmt.Fprintln(out, "\nWhat it cannot mend:")
		}
		fmt.Fprintf(out, "  - %s\n", text)
	}
}

// verifyAgain looks at the result.
func verifyAgain(cmd *cobra.Command, f *storeFlags, name string) error {
	r, err := f.verify(cmd, name)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "\nAfter the repair:")
	printReport(cmd.OutOrStdout(), r)
	if r.Damaged > 0 {
		return fmt.Errorf("%w still: %d findings", errDamaged, r.Damaged)
	}
	return nil
}
