package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
)

// Call is one run of a command.
type Call struct {
	Client *admin.Client
	Out    *Output
	In     io.Reader
	Err    io.Writer // for progress and warnings

	command *Command
	args    *parser
	bad     error // the first option that could not be read
	failed  bool  // Failed was called
	log     bool  // progress is wanted: Err is a terminal
}

// Has reports whether an option was given. Options are named by their short names, or
// by their long ones where they have no short.
func (c *Call) Has(key string) bool { return c.args.given[key] }

// Value is the value of an option without the space around it; "" when it was not
// given.
func (c *Call) Value(key string) string { return strings.TrimSpace(c.args.values[key]) }

// Raw is the value as it was typed.
func (c *Call) Raw(key string) string { return c.args.values[key] }

// Or is the value of an option, or what it is when it was not given.
func (c *Call) Or(key, otherwise string) string {
	if c.Has(key) {
		return c.Value(key)
	}
	return otherwise
}

// List is the value of an option, split at commas; nil when it was not given.
func (c *Call) List(key string) []string {
	if !c.Has(key) {
		return nil
	}
	var all []string
	for item := range strings.SplitSeq(c.Value(key), ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// Int reads a number; otherwise is taken when the option was not given. What is none is
// reported by Bad.
func (c *Call) Int(key string, otherwise int64) int64 { return c.number(key, otherwise, 64) }

// Int32 is Int for numbers of 32 bits.
func (c *Call) Int32(key string, otherwise int32) int32 {
	return int32(c.number(key, int64(otherwise), 32))
}

func (c *Call) number(key string, otherwise int64, bits int) int64 {
	if !c.Has(key) {
		return otherwise
	}
	n, err := strconv.ParseInt(c.Value(key), 10, bits)
	if err != nil {
		c.fault(key, "a whole number")
	}
	return n
}

// Bool reads true or false in any case, and unlike the official tool refuses anything
// else: there, a mistyped true is false.
func (c *Call) Bool(key string, otherwise bool) bool {
	if !c.Has(key) {
		return otherwise
	}
	switch strings.ToLower(c.Value(key)) {
	case "true":
		return true
	case "false":
		return false
	}
	c.fault(key, "true or false")
	return false
}

// Time reads a point in time: ms since 1970, "now", or yyyy-MM-dd#HH:mm:ss:SSS in local
// time. It returns ms.
func (c *Call) Time(key string, otherwise int64) int64 {
	if !c.Has(key) {
		return otherwise
	}
	text := c.Value(key)
	if text == "now" {
		return time.Now().UnixMilli()
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if date, ms, ok := cutLast(text, ":"); ok {
		t, err := time.ParseInLocation("2006-01-02#15:04:05", date, time.Local)
		if n, msErr := strconv.Atoi(ms); err == nil && msErr == nil {
			return t.UnixMilli() + int64(n)
		}
	}
	c.fault(key, "a time: ms since 1970, now, or yyyy-MM-dd#HH:mm:ss:SSS")
	return 0
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (c *Call) fault(key, want string) {
	if c.bad == nil {
		o, _ := c.command.find(key)
		c.bad = Usagef("%q is no value for option %s; it takes %s", c.Value(key), o.show(), want)
	}
}

// Bad is what was wrong with the first option that could not be read.
func (c *Call) Bad() error { return c.bad }

// Failed reports that a part of the work failed while the rest goes on: the sentence
// goes to Err at once, and the command's end is not a success.
func (c *Call) Failed(err error) {
	c.failed = true
	c.Done()
	fmt.Fprintln(c.Err, c.command.Name+":", Sentence(err))
}

// Progress tells a waiting person how far long work is. Nobody else sees it.
func (c *Call) Progress(format string, args ...any) {
	if c.log {
		fmt.Fprintf(c.Err, "\r\x1b[K"+format, args...)
	}
}

// Done takes the last Progress away.
func (c *Call) Done() {
	if c.log {
		fmt.Fprint(c.Err, "\r\x1b[K")
	}
}

// Every runs f once, or, when an interval is given by the option key, again and again
// with that many seconds between until ctx ends.
func (c *Call) Every(ctx context.Context, key string, f func() error) error {
	if !c.Has(key) {
		return f()
	}
	interval := time.Duration(c.Int(key, 1)) * time.Second
	if c.bad == nil && interval <= 0 {
		c.fault(key, "seconds, at least 1")
	}
	if err := c.Bad(); err != nil {
		return err
	}
	for {
		if err := f(); err != nil {
			return err
		}
		if err := c.Out.Flush(); err != nil {
			return err
		}
		if !Sleep(ctx, interval) {
			return nil
		}
	}
}

// Sleep waits; false when ctx ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Brokers is the addresses that -b and -c name: that of -b, or the masters of the
// cluster of -c, or with all also its slaves.
func (c *Call) Brokers(ctx context.Context, all bool) ([]string, error) {
	if c.Has("b") {
		return []string{c.Value("b")}, nil
	}
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	addrs, err := cluster.Masters(c.Value("c"))
	if all {
		addrs, err = cluster.Addrs(c.Value("c"))
	}
	if err == nil && len(addrs) == 0 {
		err = fmt.Errorf("cluster %s has no broker that could be asked", c.Value("c"))
	}
	return addrs, err
}
