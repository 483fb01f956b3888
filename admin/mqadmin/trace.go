package mqadmin

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
)

// traceTopic is where clients record what they did with messages.
const traceTopic = "RMQ_SYS_TRACE_TOPIC"

func traceCommands() cli.Set {
	return in(areaMessages, &cli.Command{
		Name: "queryMsgTraceById", Help: "who sent a message and who consumed it, where clients trace that",
		Options: []cli.Option{
			cli.Need("i", "msgId", "id that its producer gave it"), cli.Value("t", "traceTopic", "topic of the traces ("+traceTopic+")"),
			cli.Value("b", "beginTimestamp", "traced from, ms"), cli.Value("e", "endTimestamp", "traced until, ms"), cli.Value("c", "maxNum", "at most this many of a broker (64)"),
		},
		Run: queryMsgTrace,
	})
}

// trace is one record of a trace (upstream's TraceContext).
type trace struct {
	Type   string `json:"type"` // Pub or SubAfter
	Group  string `json:"group"`
	Client string `json:"clientHost"`
	Time   int64  `json:"timestamp"` // ms
	CostMs int64  `json:"costMs"`
	OK     bool   `json:"success"`
	msgID  string
}

// parseTraces reads the records of a trace message, as upstream's TraceDataEncoder wrote
// them: fields between the bytes 1, records between the bytes 2. What is cut short is
// passed over.
func parseTraces(m *admin.Message) []trace {
	var all []trace
	for record := range strings.SplitSeq(string(m.Body), "\x02") {
		f := strings.Split(record, "\x01")
		number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
		t := trace{Type: f[0], Client: m.BornHost.Addr().String()}
		switch {
		case f[0] == "Pub" && len(f) >= 13:
			t.Time, t.Group, t.msgID, t.CostMs = number(1), f[3], f[5], number(10)
			t.OK = f[min(len(f)-1, 13)] == "true"
		case f[0] == "SubAfter" && len(f) >= 6:
			t.msgID, t.CostMs, t.OK = f[2], number(3), f[4] == "true"
			if len(f) >= 9 {
				t.Time, t.Group = number(7), f[8]
			}
		default:
			continue
		}
		all = append(all, t)
	}
	return all
}

func queryMsgTrace(ctx context.Context, c *cli.Call) error {
	id := c.Value("i")
	q := admin.Query{Topic: c.Or("t", traceTopic), Key: id, Max: c.Int32("c", 64), Begin: c.Int("b", 0), End: c.Int("e", maxTime)}
	if err := c.Bad(); err != nil {
		return err
	}
	found, err := c.Client.QueryMessages(ctx, q)
	if err != nil {
		return err
	}
	c.Out.Set("traces", []any{})
	byGroup := map[string][]trace{}
	for _, m := range found {
		for _, t := range parseTraces(m) {
			if t.msgID != id {
				continue
			}
			c.Out.Add("traces", t)
			if t.Type == "Pub" {
				traceHead(c, "#ProducerGroup", "#SendTime")
				t.show(c, "Pub")
				c.Out.Printf("\n")
			} else {
				byGroup[t.Group] = append(byGroup[t.Group], t)
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		traceHead(c, "#ConsumerGroup", "#ConsumerTime")
		for _, t := range byGroup[group] {
			t.show(c, "Sub")
		}
		c.Out.Printf("\n")
	}
	return nil
}

const traceFormat = "%-10s %-20s %-20s %-20s %-10s %-10s\n"

func traceHead(c *cli.Call, group, time string) {
	c.Out.Printf(traceFormat, "#Type", group, "#ClientHost", time, "#CostTimes", "#Status")
}

func (t trace) show(c *cli.Call, kind string) {
	status := "failed"
	if t.OK {
		status = "success"
	}
	c.Out.Printf(traceFormat, kind, t.Group, t.Client, secondsText(t.Time), strconv.FormatInt(t.CostMs, 10)+"ms", status)
}
