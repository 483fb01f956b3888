package main

import (
	"slices"
	"strings"
)

// row is one line of the table: a workload that is put on both systems.
type row struct {
	name  string
	args  string // of gantry bench, without addresses and times
	quick bool   // belongs to the main rows
	stage stage  // the start on which it runs

	before string // a load whose figures are of no interest, put on first
	load   string // the load of a mixed workload whose latency counts; empty takes the first
	timed  bool   // ends by itself: no duration is given
	client string // the name of a client that is run instead of gantry bench
	limit  limit
}

// stage says on which start of a system a row runs; the stages follow one another.
type stage uint8

const (
	ordinary  stage = iota
	many            // on a start of its own: with 80,000 queues the official broker makes no further topic within 30 s
	syncFlush       // on a broker with SYNC_FLUSH
)

func (s stage) String() string {
	return [...]string{"", " with many queues", " with SYNC_FLUSH"}[s]
}

// limit is what the machine puts a bound to a workload by.
type limit uint8

const (
	noLimit       limit = iota
	loopback            // bare exchanges over it, of a message of 1 KiB and its answer
	smallLoopback       // the same of 128 B
	disk                // sequential writing
)

// share is how much of what the machine can do at best a figure reached.
func (l limit) share(f figure, c *comparison) float64 {
	m := &c.limits
	if l == smallLoopback {
		m = &c.smallLimits
	}
	switch {
	case (l == loopback || l == smallLoopback) && m.Rate > 0:
		return float64(f.load.Requests) / f.report.Measured.Seconds() / m.Rate
	case l == disk && m.WriteBytes > 0:
		return float64(f.load.BytesOut) / f.report.Measured.Seconds() / m.WriteBytes
	}
	return 0
}

// ratePlace stands for a rate in args: half of what the official broker reached in the
// row halfOf, so that both systems get the same load, one that neither is choked by.
const (
	ratePlace = "{half}"
	halfOf    = "send 1 KiB, 16 connections"
)

// rows are the workloads in the order of the table, which is that in which they run:
// halfOf before what needs its rate, and those that fill the disk's cache last.
var rows = []row{
	{name: halfOf, args: "produce -connections 16", quick: true, limit: loopback},
	{name: "send 1 KiB, 1 connection", args: "produce -connections 1", quick: true},
	{name: "send 1 KiB, 64 connections", args: "produce -connections 64"},
	{name: "send 1 KiB, 1,000 connections", args: "produce -connections 1000"},
	{name: "send 128 B, 1 connection", args: "produce -connections 1 -size 128"},
	{name: "send 128 B, 16 connections", args: "produce -connections 16 -size 128", limit: smallLoopback},
	{name: "send 128 B, 64 connections", args: "produce -connections 64 -size 128", quick: true},
	{name: "send 128 B, 1,000 connections", args: "produce -connections 1000 -size 128"},
	{name: halfRateRow, args: "produce -connections 16 -window 64 -rate " + ratePlace, quick: true},
	{name: "send 1 KiB with key and tag, 16 connections", args: "produce -connections 16 -keys 100000 -tags 16"},
	{name: endToEndRow, args: "mixed -prefix EndToEnd -connections 8 -consumers 8 -window 32 -rate 2000", load: "consume", quick: true},
	{name: "fan-out to 10 groups at 500 messages a second", args: "mixed -prefix FanOut -connections 4 -consumers 10 -window 32 -groups 10 -rate 500", load: "consume"},
	{name: "heartbeats, 100 connections with 5 groups", args: "heartbeat -connections 100 -groups 5"},
	{name: "connect, heartbeat, disconnect, 16 at a time", args: "connect -connections 16"},
	{name: "5,000 connections in long polls, one message a second that none of them wants", args: "mixed -prefix Idle -topics 1 -queues 1 -connections 1 -consumers 5000 -groups 5000 -suspend 30s -rate 1 -filter-tags NONE", load: "produce"},
	{name: catchUpRow, before: "produce -prefix CatchUp -batch 32 -count 200000", args: "consume -prefix CatchUp -from first -until-end -connections 8", quick: true, timed: true},
	{name: "catch-up pull of one tag in 16", before: "produce -prefix Tagged -batch 32 -tags 16 -count 200000", args: "consume -prefix Tagged -from first -until-end -connections 8 -filter-tags TAG0003", timed: true},
	{name: "catch-up pull of one tag in 16, by an SQL expression", before: "produce -prefix ByExpression -batch 32 -tags 16 -count 200000", args: "consume -prefix ByExpression -from first -until-end -connections 8 -filter-sql TAGS='TAG0003'", timed: true},
	{name: "catch-up pop, 1 KiB, each message acknowledged", before: "produce -prefix CatchUpPop -batch 32 -count 100000", args: "consume -prefix CatchUpPop -pop -from first -until-end -connections 8", timed: true},
	{name: "catch-up pop, 1 KiB, acknowledged in batches", before: "produce -prefix CatchUpPopBatch -batch 32 -count 100000", args: "consume -prefix CatchUpPopBatch -pop -ack batch -from first -until-end -connections 8", timed: true},
	{name: "end to end at 1,000 messages a second, popped", args: "mixed -prefix EndToEndPop -pop -connections 8 -consumers 8 -window 32 -rate 1000", load: "consume"},
	{name: "client load: the official benchmark Producer, 16 threads, 1 KiB", client: "JavaProducer"},
	{name: "client load: the official BatchProducer, 16 threads, 32 of 1 KiB", client: "JavaBatchProducer"},
	{name: "client load: the Go client, 16 goroutines, 1 KiB", client: "GoProducer"},
	{name: pipelinedRow, args: "produce -connections 16 -window 32", quick: true, limit: disk},
	{name: batchedRow, args: "produce -connections 16 -batch 32", quick: true, limit: disk},
	{name: "send 1 KiB with a delay of 1 s, 16 connections", args: "produce -prefix Delayed -connections 16 -delay 1"},
	// The last of the first stage: the official broker keeps a core busy from its first transaction on until it is restarted.
	{name: "send 1 KiB in transactions that are committed, 16 connections", args: "produce -prefix Transactions -connections 16 -transaction commit"},
	{name: "send 1 KiB to 10,000 topics with 8 queues", args: "produce -prefix Many -topics 10000 -connections 16", stage: many},
	{name: syncRow, args: "produce -connections 64", quick: true, stage: syncFlush},
	{name: "sync flush, send 1 KiB, 1 connection", args: "produce -connections 1", stage: syncFlush},
}

// command is how a row is called, for the page.
func (r *row) command() string {
	if cl := clientNamed(r.client); cl != nil {
		return cl.about
	}
	return "gantry bench " + r.args
}

func chosenRows(quick bool, only string) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return quick && !r.quick || !strings.Contains(r.name, only)
	})
}
