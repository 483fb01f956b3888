package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/compat"
)

// options are the settings of one run, as they stand in the report too.
type options struct {
	Workload    string        `json:"workload"`
	NameServers []string      `json:"nameServers,omitempty"`
	Brokers     []string      `json:"brokers,omitempty"`
	Topic       string        `json:"topic"`  // as given; empty makes topics of the tool's own
	Prefix      string        `json:"prefix"` // of those
	Topics      int           `json:"topics"`
	Queues      int           `json:"queues"`
	Connections int           `json:"connections"`
	Consumers   int           `json:"consumers,omitempty"`
	Window      int           `json:"window"`
	Rate        float64       `json:"rate,omitempty"` // messages per second, 0 for the closed loop
	Duration    time.Duration `json:"durationNanos"`
	Warmup      time.Duration `json:"warmupNanos"`
	Count       int64         `json:"count,omitempty"`

	Produce produceOptions `json:"produce"`
	Consume consumeOptions `json:"consume"`
	Storm   stormOptions   `json:"storm"`

	PIDs  string `json:"-"`
	JSON  string `json:"-"`
	SVG   string `json:"-"`
	Quiet bool   `json:"-"`
}

// produceOptions say what is sent.
type produceOptions struct {
	Group        string `json:"group"`
	Size         int    `json:"size"`
	Batch        int    `json:"batch"`
	Keys         uint64 `json:"keys"`
	Tags         uint64 `json:"tags"`
	Properties   int    `json:"properties"`
	Delay        int    `json:"delay"`
	Transaction  string `json:"transaction,omitempty"`
	OneWay       bool   `json:"oneWay"`
	BinaryHeader bool   `json:"binaryHeader"`
}

// consumeOptions say what is pulled, and how.
type consumeOptions struct {
	Group       string        `json:"group"`
	Groups      int           `json:"groups"`
	From        string        `json:"from"` // first or last
	UntilEnd    bool          `json:"untilEnd"`
	MaxMessages int           `json:"maxMessages"`
	Suspend     time.Duration `json:"suspendNanos"`
	Tags        string        `json:"tags"`
	SQL         string        `json:"sql"`
	Commit      bool          `json:"commit"`
	Pop         bool          `json:"pop"`
	Ack         string        `json:"ack"` // each or batch
	Invisible   time.Duration `json:"invisibleNanos"`
}

// stormOptions say what a storm repeats.
type stormOptions struct {
	Groups        int `json:"groups"`
	Subscriptions int `json:"subscriptions"`
}

// The workloads.
const (
	workloadProduce   = "produce"
	workloadConsume   = "consume"
	workloadMixed     = "mixed"
	workloadConnect   = "connect"
	workloadHeartbeat = "heartbeat"
	workloadLimits    = "limits" // no load on a server: what the machine can do at best
)

var workloads = []struct{ name, about string }{
	{workloadProduce, "send messages"},
	{workloadConsume, "pull or pop messages: new ones, or all there are; or wait in long polls"},
	{workloadMixed, "send and pull at once; the pull side measures from send to receipt"},
	{workloadConnect, "connect, send one heartbeat, disconnect, again and again"},
	{workloadHeartbeat, "send heartbeats over standing connections"},
	{workloadLimits, "no server: what loopback and disk of this machine can do at best"},
}

// ErrUsage is what Run returns when the command line makes no sense, after it has
// said why on the error output.
var ErrUsage = errors.New("bench did not run")

// parse reads the command line and refuses what makes no sense.
func parse(args []string, errOut io.Writer) (*options, error) {
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		printUsage(errOut)
		return nil, flag.ErrHelp
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		printUsage(errOut)
		return nil, ErrUsage
	}
	o := &options{Workload: args[0]}
	flags := flag.NewFlagSet("gantry bench "+o.Workload, flag.ContinueOnError)
	flags.SetOutput(errOut)
	var nameServers, brokers string
	if !o.define(flags, &nameServers, &brokers) {
		fmt.Fprintf(errOut, "gantry bench: there is no workload %q\n", o.Workload)
		printUsage(errOut)
		return nil, ErrUsage
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, ErrUsage // the flag package has said why
	}
	o.NameServers, o.Brokers = split(nameServers), split(brokers)
	o.settle(flags)
	err := o.check()
	if flags.NArg() > 0 {
		err = fmt.Errorf("the argument %q belongs to no flag", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(errOut, "gantry bench %s: %v\n", o.Workload, err)
		return nil, ErrUsage
	}
	return o, nil
}

// forever is the duration of a run that something else ends.
const forever = 365 * 24 * time.Hour

// settle fills in what follows from other flags: a run with an end of its own has no
// warm-up, and no duration unless one was asked for as well. One-way sends are
// counted by the queues' ends, which belong to the run as a whole.
func (o *options) settle(given *flag.FlagSet) {
	if o.Produce.OneWay {
		o.Warmup = 0
	}
	if o.Count == 0 && !o.Consume.UntilEnd {
		return
	}
	o.Warmup = 0
	limited := false
	given.Visit(func(f *flag.Flag) { limited = limited || f.Name == "duration" })
	if !limited {
		o.Duration = forever
	}
}

func printUsage(out io.Writer) {
	fmt.Fprintf(out, "usage: gantry bench WORKLOAD -n host:9876 [flags]\n\nworkloads:\n")
	for _, w := range workloads {
		fmt.Fprintf(out, "  %-10s %s\n", w.name, w.about)
	}
	fmt.Fprintf(out, "\n\"gantry bench WORKLOAD -h\" lists the flags of one.\n")
}

// define declares the flags of the workload; false when there is no such workload.
func (o *options) define(f *flag.FlagSet, nameServers, brokers *string) bool {
	f.StringVar(nameServers, "n", "", "name servers, host:port separated by semicolons")
	f.StringVar(brokers, "b", "", "brokers to use without asking a name server, separated by semicolons")
	f.IntVar(&o.Connections, "connections", 16, "connections")
	f.Float64Var(&o.Rate, "rate", 0, "requests (produce: messages) per second over all connections; 0 sends as fast as answers come")
	f.DurationVar(&o.Duration, "duration", 10*time.Second, "length of the measurement")
	f.DurationVar(&o.Warmup, "warmup", 2*time.Second, "time before it, not measured")
	f.StringVar(&o.PIDs, "pid", "auto", "processes to watch, comma separated; auto finds a broker on this machine, none watches nothing")
	f.StringVar(&o.JSON, "json", "", "write the report as JSON to this file, - for standard output")
	f.StringVar(&o.SVG, "svg", "", "write a plot to this file")
	f.BoolVar(&o.Quiet, "quiet", false, "no live line")

	o.Window, o.Topics, o.Queues = 1, 1, 8
	switch o.Workload {
	case workloadProduce:
		o.defineTopics(f)
		o.defineProduce(f)
	case workloadConsume:
		o.defineTopics(f)
		o.defineConsume(f)
	case workloadMixed:
		o.defineTopics(f)
		o.defineProduce(f)
		o.defineConsume(f)
		f.IntVar(&o.Consumers, "consumers", 4, "connections that pull")
	case workloadConnect, workloadHeartbeat:
		o.Window = 1
		f.IntVar(&o.Storm.Groups, "groups", 1, "consumer groups in a heartbeat")
		f.IntVar(&o.Storm.Subscriptions, "subscriptions", 1, "subscriptions of each group")
	default:
		return false
	}
	return true
}

func (o *options) defineTopics(f *flag.FlagSet) {
	f.StringVar(&o.Topic, "topic", "", "existing topic; without it the tool makes topics of its own")
	f.StringVar(&o.Prefix, "prefix", ownPrefix, "name of the topics that the tool makes; _0, _1 and so on are appended")
	f.IntVar(&o.Topics, "topics", 1, "topics that the tool makes")
	f.IntVar(&o.Queues, "queues", 8, "queues of each topic that the tool makes, on each broker")
}

func (o *options) defineProduce(f *flag.FlagSet) {
	p := &o.Produce
	f.IntVar(&o.Window, "window", 1, "requests in flight on each connection")
	if o.Workload == workloadProduce {
		f.Int64Var(&o.Count, "count", 0, "stop after so many messages; 0 runs for the duration")
	}
	f.StringVar(&p.Group, "producer-group", "GantryBenchProducer", "producer group")
	f.IntVar(&p.Size, "size", 1024, "bytes of a message body")
	f.IntVar(&p.Batch, "batch", 1, "messages in a request")
	f.Uint64Var(&p.Keys, "keys", 0, "different message keys; 0 sends none")
	f.Uint64Var(&p.Tags, "tags", 0, "different tags (TAG0000 and on); 0 sends none")
	f.IntVar(&p.Properties, "properties", 0, "further properties of each message")
	f.IntVar(&p.Delay, "delay", 0, "delay level of each message; 0 is none")
	f.StringVar(&p.Transaction, "transaction", "", "send each message in a transaction that ends so: commit or rollback")
	f.BoolVar(&p.OneWay, "oneway", false, "ask for no answer; what arrived is told by the queues' ends")
	f.BoolVar(&p.BinaryHeader, "binary", false, "use the binary header form (ROCKETMQ) instead of JSON")
}

func (o *options) defineConsume(f *flag.FlagSet) {
	c := &o.Consume
	f.StringVar(&c.Group, "group", "GantryBenchConsumer", "consumer group; a number is appended to it")
	f.IntVar(&c.Groups, "groups", 1, "consumer groups, each of which pulls every queue")
	f.StringVar(&c.From, "from", "last", "where to start: first or last")
	if o.Workload == workloadConsume {
		f.BoolVar(&c.UntilEnd, "until-end", false, "stop where the queues ended at the start (with -from first: catch-up)")
	}
	f.IntVar(&c.MaxMessages, "max-messages", 32, "messages that a pull or pop asks for")
	f.DurationVar(&c.Suspend, "suspend", 15*time.Second, "how long the broker holds a pull or pop that finds nothing")
	f.StringVar(&c.Tags, "filter-tags", "*", "tag expression, for example TAG0000||TAG0001")
	f.StringVar(&c.SQL, "filter-sql", "", "SQL92 expression instead of tags")
	f.BoolVar(&c.Commit, "commit", true, "commit offsets with the pulls, as push consumers do")
	f.BoolVar(&c.Pop, "pop", false, "pop instead of pulling, and acknowledge: what is acknowledged counts")
	f.StringVar(&c.Ack, "ack", ackEach, "how popped messages are acknowledged: each by a request of its own, or batch, those of a pop by one")
	f.DurationVar(&c.Invisible, "invisible", time.Minute, "how long a popped message is kept from others")
}

// check refuses settings that make no sense, one sentence each.
func (o *options) check() error {
	p, c := &o.Produce, &o.Consume
	consumes := o.Workload == workloadConsume || o.Workload == workloadMixed
	produces := o.Workload == workloadProduce || o.Workload == workloadMixed
	switch {
	case len(o.NameServers) == 0 && len(o.Brokers) == 0:
		return errors.New("there is no server to load: give name servers with -n, or brokers with -b")
	case o.Connections < 1 || o.Connections > 60_000:
		return fmt.Errorf("-connections %d: from 1 to 60000 make sense", o.Connections)
	case o.Rate < 0 || math.IsNaN(o.Rate):
		return fmt.Errorf("-rate %g: a rate is positive, or 0 for as fast as answers come", o.Rate)
	case o.Rate > 0 && o.Rate/float64(max(p.Batch, 1))/float64(o.Connections) > 1e6:
		return fmt.Errorf("-rate %g: more than a million requests per second on one connection cannot be paced", o.Rate)
	case o.Duration <= 0 || o.Warmup < 0:
		return errors.New("-duration must be positive and -warmup not negative")
	case o.Window < 1 || o.Window > 65_536:
		return fmt.Errorf("-window %d: from 1 to 65536 make sense", o.Window)
	case o.Topics < 1 || o.Queues < 1 || o.Topics*o.Queues > 1_000_000:
		return fmt.Errorf("-topics %d with -queues %d: at least one of each, and a million queues at most", o.Topics, o.Queues)
	case o.Topic != "" && o.Topics > 1:
		return errors.New("-topic names one existing topic; -topics counts the ones that the tool makes: give one of them")
	}
	for name, topic := range map[string]string{"-topic": o.Topic, "-prefix": o.Prefix} {
		if remark, ok := compat.CheckTopic(topic); topic != "" && !ok {
			return fmt.Errorf("%s %s: %s", name, topic, remark)
		}
	}
	if produces {
		if err := p.check(o); err != nil {
			return err
		}
	}
	if consumes {
		return c.check(o)
	}
	return o.Storm.check()
}

func (s *stormOptions) check() error {
	switch {
	case s.Groups < 0 || s.Subscriptions < 0:
		return errors.New("-groups and -subscriptions cannot be negative")
	case s.Groups > 10_000 || s.Subscriptions > 10_000 || s.Groups*s.Subscriptions > 100_000:
		return fmt.Errorf("-groups %d with -subscriptions %d: a heartbeat of more than 100000 subscriptions, or 10000 groups, is read by no server", s.Groups, s.Subscriptions)
	}
	return nil
}

func (p *produceOptions) check(o *options) error {
	switch {
	case p.Size < 1 || p.Size > 16<<20:
		return fmt.Errorf("-size %d: a body has from 1 to 16777216 bytes", p.Size)
	case p.Batch < 1 || p.Batch > 10_000:
		return fmt.Errorf("-batch %d: from 1 to 10000 make sense", p.Batch)
	case p.Batch*p.Size > 16<<20:
		return fmt.Errorf("-batch %d of -size %d is %d bytes; no server reads a frame beyond 16777216", p.Batch, p.Size, p.Batch*p.Size)
	case p.Batch > 1 && p.Delay > 0:
		return errors.New("-batch and -delay: a batch cannot be delayed")
	case p.Transaction != "" && ends[p.Transaction] == 0:
		return fmt.Errorf("-transaction %s: a transaction ends with commit or rollback", p.Transaction)
	case p.Transaction != "" && (p.Batch > 1 || p.Delay > 0 || p.OneWay):
		return errors.New("-transaction goes with none of -batch, -delay and -oneway")
	case p.OneWay && o.Window > 1:
		return errors.New("-oneway and -window: one-way sends are not answered, so nothing is in flight")
	case p.OneWay && o.Count > 0:
		return errors.New("-oneway and -count: one-way sends are not answered, so there is no count to stop at; use -duration")
	case p.OneWay && o.Rate == 0:
		return errors.New("-oneway needs a -rate: without answers nothing else holds the sender back")
	case o.Count < 0:
		return fmt.Errorf("-count %d cannot be negative", o.Count)
	case p.Tags > 10_000 || p.Keys > 1_000_000_000:
		return errors.New("at most 10000 -tags and 1000000000 -keys can be told apart")
	case p.Properties < 0 || p.Properties > 500:
		return fmt.Errorf("-properties %d: from 0 to 500 fit into a message", p.Properties)
	case p.Delay < 0 || p.Delay > 18:
		return fmt.Errorf("-delay %d: there are the levels 1 to 18, and 0 for none", p.Delay)
	}
	return nil
}

func (c *consumeOptions) check(o *options) error {
	switch {
	case c.Groups < 1 || c.Groups > 100_000:
		return fmt.Errorf("-groups %d: from 1 to 100000 make sense", c.Groups)
	case c.From != "first" && c.From != "last":
		return fmt.Errorf("-from %s: a group starts at the first or at the last message", c.From)
	case c.UntilEnd && c.From == "last":
		return errors.New("-until-end with -from last: there is nothing between the end and the end; use -from first")
	case c.Pop && c.MaxMessages > maxPop:
		return fmt.Errorf("-max-messages %d: a pop gives %d messages at most", c.MaxMessages, maxPop)
	case c.Ack != ackEach && c.Ack != ackBatch:
		return fmt.Errorf("-ack %s: messages are acknowledged each or in a batch", c.Ack)
	case c.Pop && c.Invisible < time.Second:
		return fmt.Errorf("-invisible %s: a second at least, or messages come again before they can be acknowledged", c.Invisible)
	case c.MaxMessages < 1 || c.MaxMessages > 1024:
		return fmt.Errorf("-max-messages %d: from 1 to 1024 make sense", c.MaxMessages)
	case c.Suspend < 0:
		return errors.New("-suspend cannot be negative")
	case c.SQL != "" && c.Tags != "*":
		return errors.New("-filter-sql and -filter-tags: a group filters by one of them")
	case o.Workload == workloadConsume && o.Rate > 0:
		return errors.New("-rate: consuming goes as fast as there are messages; pace the producer")
	case o.Workload == workloadMixed && (o.Consumers < 1 || o.Consumers > 60_000):
		return fmt.Errorf("-consumers %d: mixed needs from 1 to 60000 connections that pull", o.Consumers)
	}
	return nil
}

// split reads a list of addresses; each gets the form host:port.
func split(list string) []string {
	var addresses []string
	for a := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ';' || r == ',' }) {
		if a = strings.TrimSpace(a); a != "" {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// portOf is the port of an address host:port.
func portOf(address string) (uint16, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return uint16(n), err
}
