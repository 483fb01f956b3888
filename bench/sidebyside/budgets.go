package main

import (
	"fmt"
	"io"
	"time"
)

// The rows that budgets are about.
const (
	pipelinedRow = "send 1 KiB, pipelined, 16 connections with 32 in flight"
	batchedRow   = "send 1 KiB in batches of 32, 16 connections"
	halfRateRow  = "send 1 KiB, 16 connections, half of the official rate, open loop"
	endToEndRow  = "end to end at 2,000 messages a second"
	catchUpRow   = "catch-up pull, 1 KiB"
	syncRow      = "sync flush, send 1 KiB, 64 connections"
)

// endToEndExchanges is how many requests a second the row endToEndRow makes, over 16
// connections: a send and a pull for each message.
const endToEndExchanges = 4000

// budget is one promise of DESIGN.md. measure returns what was measured and the bound for it in the same unit; a bound of 0
// says that this run did not measure it.
type budget struct {
	work    string
	atMost  bool // else at least
	text    func(float64) string
	measure func(c *comparison) (value, bound float64)
}

func times(x float64) string { return fmt.Sprintf("%.2f ×", x) }
func part(x float64) string {
	if x <= 0 {
		return "–"
	}
	return fmt.Sprintf("1/%.1f", 1/x)
}

// cpuShare is Gantry's CPU time for a message of a row as a part of the official release's.
func cpuShare(row string, bound float64) func(*comparison) (float64, float64) {
	return quotient(row, figure.cpu, bound)
}

// quotient is something of Gantry's divided by the same of the official release's.
func quotient(row string, what func(figure) float64, bound float64) func(*comparison) (float64, float64) {
	return func(c *comparison) (float64, float64) {
		ours, theirs := c.of(row, 1, what), c.of(row, 0, what)
		if ours == 0 || theirs == 0 {
			return 0, 0
		}
		return ours / theirs, bound
	}
}

// ownLife is something of Gantry's starts and stops.
func ownLife(what func(life) float64, bound float64) func(*comparison) (float64, float64) {
	return func(c *comparison) (float64, float64) {
		v := c.lifeOf(1, what)
		if v == 0 {
			return 0, 0
		}
		return v, bound
	}
}

func rateOf(f figure) float64 { return f.load.Rate }

var budgets = []budget{
	{"send, one in flight on each connection: CPU", true, part, cpuShare(halfOf, 1.0/5)},
	{"send, pipelined: throughput", false, times, quotient(pipelinedRow, rateOf, 10)},
	{"send, pipelined: CPU", true, part, cpuShare(pipelinedRow, 1.0/20)},
	{"send, batched: throughput", false, times, quotient(batchedRow, rateOf, 10)},
	{"send, batched: CPU", true, part, cpuShare(batchedRow, 1.0/20)},
	{"send and tail pull: CPU", true, part, cpuShare(endToEndRow, 1.0/5)},
	{"catch-up pull: CPU", true, part, cpuShare(catchUpRow, 1.0/5)},
	{"sync flush, 64 producers: messages for each sync that the disk makes a second", false, times, func(c *comparison) (float64, float64) {
		if r := c.of(syncRow, 1, rateOf); r > 0 && c.limits.SyncsPerSecond > 0 {
			return r / c.limits.SyncsPerSecond, 0.8
		}
		return 0, 0
	}},
	{"p99 of a send at half of the official peak", true, part, quotient(halfRateRow, figure.p99, 1.0/5)},
	{"p99.9 of a send at half of the official peak", true, part, quotient(halfRateRow, func(f figure) float64 { return f.latency().P999 }, 1.0/5)},
	{"anonymous memory at rest", true, mega, ownLife(func(l life) float64 { return float64(l.atRest) }, 40e6)},
	{"anonymous memory under load", true, mega, ownLife(func(l life) float64 { return float64(l.underLoad) }, 150e6)},
	{"start to the first acknowledged message", true, micros, ownLife(func(l life) float64 { return float64(l.firstAck.Microseconds()) }, float64(150*time.Millisecond/time.Microsecond))},
	{"clean stop", true, micros, ownLife(stopIn(ordinary, many, syncFlush), float64(time.Second/time.Microsecond))},
}

// writeBudgets says which promises this run has kept, and what is in the way of the others.
func (c *comparison) writeBudgets(out io.Writer) {
	fmt.Fprintf(out, "\n## Budgets\n\n| of [DESIGN.md](../DESIGN.md), parts of the official figure | budget | measured | |\n|---|---:|---:|---|\n")
	for _, b := range budgets {
		value, bound := b.measure(c)
		if bound == 0 {
			continue
		}
		word, kept := "at least ", value >= bound
		if b.atMost {
			word, kept = "at most ", value <= bound
		}
		verdict := "missed"
		if kept {
			verdict = "kept"
		}
		fmt.Fprintf(out, "| %s | %s%s | %s | %s |\n", b.work, word, b.text(bound), b.text(value), verdict)
	}
	c.writeObstacles(out)
	c.writeSlowObstacles(out)
	c.writeTailObstacles(out)
}

// A message of 1 KiB is about so many KiB in the log.
const recordKiB = 1.3

// writeObstacles explains the budgets of sends that come many at a time.
func (c *comparison) writeObstacles(out io.Writer) {
	floor := c.limits.WriteCPU * recordKiB
	batched, pipelined := c.of(batchedRow, 1, figure.cpu), c.of(pipelinedRow, 1, figure.cpu)
	if floor == 0 || batched == 0 || pipelined == 0 {
		return
	}
	fmt.Fprintf(out, `
What is in the way of the two budgets for many messages at a time is the memory of the page cache. To write a file in sequence, with nothing else done, cost %.2f µs of
CPU for each KiB in this run (the table above), so that a message of 1 KiB, %.1f KiB in the log, has cost %.1f µs before anybody has looked at it: of the %.1f µs
of a batched message and the %.1f µs of a pipelined one here, and of the official release's as well. On the machine that the first figures come from, a guest whose hypervisor takes free memory back, the first
touch of a page costs 4 to 8 µs, and clearing one that is there 0.08 µs; the profile of the pipelined row shows 42 %% of the CPU time in clearing fresh pages, four
fifths of that ahead of the writer in the background, 15 %% in the network, and 40 %% in Gantry, spread: 11 %% to read the header, 9 %% to append without
the page, 8 %% to dispatch, 6 %% to answer. A twentieth of the official time is less than the page alone, whoever writes it.
`, c.limits.WriteCPU, recordKiB, floor, batched, pipelined)
}

// writeSlowObstacles explains the budget of messages that come one by one.
func (c *comparison) writeSlowObstacles(out io.Writer) {
	bare := c.slowLimits.PerExchange()
	ours, theirs := c.of(endToEndRow, 1, figure.cpu), c.of(endToEndRow, 0, figure.cpu)
	if bare == 0 || ours == 0 || theirs == 0 {
		return
	}
	fmt.Fprintf(out, `
What is in the way of a cheap send and tail pull is that each message comes alone. The row counts a message when it is sent and when it is received, and each is one exchange
with the server. Of the %.1f µs that one cost Gantry here, a bare exchange at the same rate, with nothing done to its bytes, cost %.1f µs (the table above), where under load it costs
%.1f: a thread that waits for the network is woken for it and goes to sleep after it, and the Go runtime's monitor wakes and sleeps with it. A fifth of the official %.1f µs is %.1f µs.
Traced on a machine that others used too, one message, its answer and its way to a consumer that waits took 4.2 thread switches, two bare exchanges 3.9.
`, ours, bare, c.limits.PerExchange(), theirs, theirs/5)
}

// writeTailObstacles explains the budgets of latencies at a moderate rate.
func (c *comparison) writeTailObstacles(out io.Writer) {
	l := c.halfLimits.Latency
	ours := c.of(halfRateRow, 1, figure.p99)
	if l == nil || ours == 0 {
		return
	}
	fmt.Fprintf(out, `
What is in the way of the two budgets for latencies at half of the official peak is that the cores are shared with the load: a bare exchange in the same open loop, at the same rate,
took %s / %s / %s (p50 / p99 / p99.9) in this run, a send to Gantry %s. The disk has little part in it: in a trace of every wait of Gantry's threads at such a rate,
on a machine that others used too, one append in 40,000 waited for the disk, for 0.6 ms, because its page was being written out. The other waits for the disk, of up to 28 ms, were those of the
flusher, of the checkpoint and of what makes the log's pages and files ahead of the writer. The pages come in steps of 1 MiB, for which a core is busy 0.2 to 0.7 ms at a time,
and longer where the hypervisor takes free memory back; requests that are due meanwhile wait for a core.
`, micros(l.P50), micros(l.P99), micros(l.P999), c.percentiles(halfRateRow, 1))
}
