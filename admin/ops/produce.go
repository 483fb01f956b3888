package ops

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

// maxLine is the longest line that produce reads.
const maxLine = 8 << 20

func produceCommand() *cli.Command {
	return &cli.Command{
		Name: "produce", Help: "send what standard input has, a message for each line",
		Options: []cli.Option{
			cli.Need("t", "topic", "topic"), cli.Flag("r", "raw", "lines are bodies; otherwise JSON objects, as consume writes them"),
			cli.Value("c", "tags", "tag of messages that have none"), cli.Value("k", "key", "keys of messages that have none"),
			cli.Value("l", "delayLevel", "deliver them later, by this level"),
		},
		Run: produce,
	}
}

// line is a message as produce reads it. What consume writes can be read again.
type line struct {
	Body       *string           `json:"body"`
	BodyBase64 []byte            `json:"bodyBase64"`
	Tags       string            `json:"tags"`
	Keys       string            `json:"keys"`
	Flag       int32             `json:"flag"`
	Properties map[string]string `json:"properties"`
	BrokerName string            `json:"-"`
}

// notCopied are properties that belong to the message that was consumed, not to what is
// sent anew.
var notCopied = map[string]bool{
	protocol.PropertyMinOffset: true, protocol.PropertyMaxOffset: true, protocol.PropertyMsgRegion: true, protocol.PropertyTraceOn: true,
	protocol.PropertyCluster: true, protocol.PropertyUniqueKey: true, protocol.PropertyRealTopic: true, protocol.PropertyRealQueueID: true,
	protocol.PropertyRetryTopic: true, protocol.PropertyReconsumeTime: true, protocol.PropertyMaxReconsumeTimes: true, protocol.PropertyDelayLevel: true,
	protocol.PropertyTransactionPrepared: true, protocol.PropertyProducerGroup: true, protocol.PropertyOriginMessageID: true,
}

func produce(ctx context.Context, c *cli.Call) error {
	level := c.Int("l", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	sender, err := c.Client.NewSender(ctx, c.Value("t"))
	if err != nil {
		return err
	}
	in := bufio.NewScanner(c.In)
	in.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for ; in.Scan(); n++ {
		m, err := readLine(in.Bytes(), c.Has("r"))
		if err != nil {
			return fmt.Errorf("line %d of the input: %w; %d messages were sent before it", n+1, err, n)
		}
		m.Topic = c.Value("t")
		orElse(m.Properties, protocol.PropertyTags, c.Value("c"))
		orElse(m.Properties, protocol.PropertyKeys, c.Value("k"))
		if level > 0 {
			m.Properties[protocol.PropertyDelayLevel] = strconv.FormatInt(level, 10)
		}
		r, err := sender.Send(ctx, m)
		if err != nil {
			return fmt.Errorf("message %d was not sent: %w; %d were sent before it", n+1, err, n)
		}
		if err := c.Out.Item(r, func() {}); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("line %d of the input cannot be read: %w; %d messages were sent before it", n+1, err, n)
	}
	c.Out.Printf("%d messages sent\n", n)
	return nil
}

func orElse(m map[string]string, key, value string) {
	if m[key] == "" && value != "" {
		m[key] = value
	}
}

func readLine(text []byte, raw bool) (*admin.Outgoing, error) {
	if raw {
		return &admin.Outgoing{Body: append([]byte(nil), text...), Properties: map[string]string{protocol.PropertyWait: "true"}}, nil
	}
	var l line
	d := json.NewDecoder(strings.NewReader(string(text)))
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("no JSON object with a body, and without -r (--raw) it must be one: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON object")
	}
	m := &admin.Outgoing{Flag: l.Flag, Body: l.BodyBase64, Properties: map[string]string{protocol.PropertyWait: "true"}}
	if l.Body != nil {
		m.Body = []byte(*l.Body)
	}
	if m.Body == nil {
		return nil, errors.New("neither body nor bodyBase64 stands in it")
	}
	for key, value := range l.Properties {
		if !notCopied[key] && value != "" {
			m.Properties[key] = value
		}
	}
	orElse(m.Properties, protocol.PropertyTags, l.Tags)
	orElse(m.Properties, protocol.PropertyKeys, l.Keys)
	return m, nil
}
