package ops

import (
	"context"
	"encoding/json"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/admin/mqadmin"
)

func consumeCommand() *cli.Command {
	return &cli.Command{
		Name: "consume", Help: "write the messages of a topic to standard output, a line of JSON each, which produce reads",
		Options: []cli.Option{
			cli.Need("t", "topic", "topic"), cli.Flag("r", "raw", "only bodies, each followed by a line end"), cli.Flag("f", "follow", "wait for more, until interrupted"),
			cli.Value("b", "brokerName", "only this broker"), cli.Value("i", "queueId", "only this queue"),
			cli.Value("s", "subExpression", "only these tags: a || b"), cli.Value("q", "sql", "only what this SQL92 expression takes"),
			cli.Value("k", "key", "only messages with this key"), cli.Value("e", "body", "only bodies that match this regular expression"),
			cli.Flag("l", "latest", "only messages that come from now on"),
		},
		Run: consume,
	}
}

// consume reads without a group: it leaves no trace on the brokers.
func consume(ctx context.Context, c *cli.Call) error {
	queue := c.Int32("i", -1)
	if err := c.Bad(); err != nil {
		return err
	}
	f, queues, err := newFollower(ctx, c, queue)
	if err != nil {
		return err
	}
	f.follow = c.Has("f")
	f.emit = func(m *admin.Message) error {
		v := mqadmin.MessageValue(m)
		text := m.Body
		if !c.Has("r") {
			if text, err = json.Marshal(v); err != nil {
				return err
			}
		}
		return c.Out.Item(v, func() { c.Out.Printf("%s\n", text) })
	}
	return f.run(ctx, queues, func(low, high int64) int64 {
		if c.Has("l") {
			return high
		}
		return low
	})
}
