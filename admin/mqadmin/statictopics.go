package mqadmin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

func staticTopicCommands() cli.Set {
	options := func(more ...cli.Option) []cli.Option {
		return append([]cli.Option{
			cli.Value("c", "clusters", "the brokers of these clusters, with commas between"),
			cli.Value("b", "brokers", "these brokers, by name, with commas between"),
			needTopic,
			cli.Value("mf", "mapFile", "carry out the plan of a file that this command has written"),
			cli.Value("fr", "forceReplace", "true: brokers take the plan whatever they have"),
		}, more...)
	}
	return in(areaTopics,
		&cli.Command{Name: "updateStaticTopic", Help: "create a static topic or give it more queues",
			Options: options(cli.Need("qn", "totalQueueNum", "logical queues in all")), OneOf: oneBroker, Run: updateStaticTopic},
		&cli.Command{Name: "remappingStaticTopic", Help: "move a static topic's queues to other brokers",
			Options: options(), OneOf: oneBroker, Run: remapStaticTopic},
	)
}

// planFile is how a plan is written to a file (upstream's TopicRemappingDetailWrapper).
type planFile struct {
	BrokerConfigMap logicqueue.Parts `json:"brokerConfigMap"`
	BrokerToMapIn   []string         `json:"brokerToMapIn"`
	BrokerToMapOut  []string         `json:"brokerToMapOut"`
	Epoch           int64            `json:"epoch"`
	Topic           string           `json:"topic"`
	Type            string           `json:"type"`
}

// The kinds of plans.
const (
	planGrow = "CREATE_OR_UPDATE"
	planMove = "REMAPPING"
)

// updateStaticTopic plans more queues, or takes a plan from a file, and carries it out.
func updateStaticTopic(ctx context.Context, c *cli.Call) error {
	topic, total, force := c.Value("t"), c.Int32("qn", 0), c.Bool("fr", false)
	if err := c.Bad(); err != nil {
		return err
	}
	if c.Has("mf") {
		plan, err := readPlan(c.Value("mf"), topic)
		if err != nil {
			return err
		}
		return c.Client.GrowStaticTopic(ctx, topic, plan, force)
	}
	brokers, err := targetBrokers(ctx, c)
	if err != nil {
		return err
	}
	parts, err := c.Client.StaticParts(ctx, topic)
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	epoch := now
	if len(parts) > 0 {
		if epoch, err = parts.CheckAgreement(topic); err != nil {
			return notStatic(err, topic, parts)
		}
	}
	if err := writePlan(c, "old", ".before", topic, planGrow, &logicqueue.Plan{Epoch: epoch, Parts: parts}); err != nil {
		return err
	}
	brokers = slices.Compact(slices.Sorted(slices.Values(append(brokers, slices.Collect(maps.Keys(parts))...))))
	plan, err := logicqueue.Grow(topic, total, brokers, parts, now)
	if err != nil {
		return err
	}
	if err := writePlan(c, "new", ".after", topic, planGrow, plan); err != nil {
		return err
	}
	return c.Client.GrowStaticTopic(ctx, topic, plan, force)
}

// remapStaticTopic plans a move, or takes the plan from a file, and carries it out.
func remapStaticTopic(ctx context.Context, c *cli.Call) error {
	topic, force := c.Value("t"), c.Bool("fr", false)
	if err := c.Bad(); err != nil {
		return err
	}
	if c.Has("mf") {
		plan, err := readPlan(c.Value("mf"), topic)
		if err != nil {
			return err
		}
		return c.Client.MoveStaticTopic(ctx, topic, plan, force)
	}
	brokers, err := targetBrokers(ctx, c)
	if err != nil {
		return err
	}
	parts, err := c.Client.StaticParts(ctx, topic)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return fmt.Errorf("no broker has topic %s; updateStaticTopic makes it", topic)
	}
	epoch, err := parts.CheckAgreement(topic)
	if err != nil {
		return notStatic(err, topic, parts)
	}
	if err := writePlan(c, "old", ".before", topic, planGrow, &logicqueue.Plan{Epoch: epoch, Parts: parts}); err != nil {
		return err
	}
	plan, err := logicqueue.Move(topic, parts, brokers, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if err := writePlan(c, "old", ".after", topic, planMove, plan); err != nil { // "old" is the official tool's word
		return err
	}
	return c.Client.MoveStaticTopic(ctx, topic, plan, force)
}

// notStatic says more of a topic that is an ordinary one.
func notStatic(err error, topic string, parts logicqueue.Parts) error {
	for _, broker := range slices.Sorted(maps.Keys(parts)) {
		if parts[broker].MappingDetail == nil {
			return fmt.Errorf("topic %s is an ordinary one at broker %s, and cannot be made static; take another name, or delete it first", topic, broker)
		}
	}
	return err
}

// targetBrokers are the brokers of -b, or those of the clusters of -c.
func targetBrokers(ctx context.Context, c *cli.Call) ([]string, error) {
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	names := c.List("b")
	for _, name := range c.List("c") {
		brokers, err := cluster.Brokers(name)
		if err != nil {
			return nil, err
		}
		for _, b := range brokers {
			names = append(names, b.BrokerName)
		}
	}
	for _, name := range names {
		b, err := cluster.Broker(name)
		if err != nil {
			return nil, err
		}
		if b.BrokerAddrs[protocol.MasterID] == "" {
			return nil, fmt.Errorf("broker %s has no master now", name)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

// writePlan leaves a plan where the official tool leaves it, to look at and to carry
// out again.
func writePlan(c *cli.Call, which, suffix, topic, kind string, plan *logicqueue.Plan) error {
	text, err := compat.AppendFastjson(nil, &planFile{
		BrokerConfigMap: plan.Parts, BrokerToMapIn: plan.In, BrokerToMapOut: plan.Out, Epoch: plan.Epoch, Topic: topic, Type: kind,
	}, compat.Standard)
	if err != nil {
		return err
	}
	name := filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d%s", topic, plan.Epoch, suffix))
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return err
	}
	c.Out.Say("The %s mapping data is written to file %s", which, name)
	return nil
}

// readPlan reads a plan that writePlan, or the official tool, has written.
func readPlan(name, topic string) (*logicqueue.Plan, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var file planFile
	if err := compat.UnmarshalFastjson(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(file.BrokerConfigMap) == 0 {
		return nil, fmt.Errorf("%s holds no plan for any broker", name)
	}
	if _, err := file.BrokerConfigMap.CheckAgreement(topic); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := file.BrokerConfigMap.Leaders(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &logicqueue.Plan{Epoch: file.Epoch, Parts: file.BrokerConfigMap, In: file.BrokerToMapIn, Out: file.BrokerToMapOut}, nil
}
