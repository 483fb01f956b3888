package logicqueue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Plan is what is to become of a static topic (upstream's TopicRemappingDetailWrapper).
type Plan struct {
	Epoch int64
	Parts Parts
	In    []string // brokers that take over logical queues, sorted
	Out   []string // brokers that give some away, sorted
}

// epochStep is by how much at least each change of a static topic raises its epoch.
const epochStep = 1000

// Grow plans a static topic with total logical queues: a new one when parts are
// empty, and more queues otherwise. The new ones go to the brokers that lead the
// fewest; parts are not changed. now is in ms since 1970.
func Grow(topic string, total int32, brokers []string, parts Parts, now int64) (*Plan, error) {
	for _, broker := range parts.brokers() {
		if m := parts[broker].MappingDetail; m != nil && len(m.HostedQueues) > 0 && !slices.Contains(brokers, broker) {
			return nil, fmt.Errorf("The existed broker %s does not in target brokers ", broker)
		}
	}
	epoch, known := now, map[int32]led{}
	if len(parts) > 0 {
		var err error
		if epoch, _, known, err = parts.check(topic); err != nil {
			return nil, err
		}
	}
	switch {
	case int(total) < len(known):
		return nil, fmt.Errorf("Cannot decrease the queue num for static topic %d < %d", total, len(known))
	case int(total) == len(known):
		return nil, errors.New("The topic queue num is equal the existed queue num, do nothing")
	}
	load := map[string]int32{}
	for _, broker := range brokers {
		load[broker] = 0
	}
	for _, l := range known {
		load[l.broker]++
	}
	plan := &Plan{Epoch: max(epoch+epochStep, now), Parts: parts.Clone()}
	for id := range total {
		if _, ok := known[id]; ok {
			continue
		}
		broker := leastLoaded(load, nil)
		load[broker]++
		queue := plan.addQueue(topic, broker)
		plan.Parts[broker].MappingDetail.HostedQueues[id] = []*Item{{QueueID: queue, BrokerName: broker, EndOffset: -1, TimeOfStart: -1, TimeOfEnd: -1}}
	}
	plan.Parts.set(plan.Epoch, total)
	_, err := plan.Parts.Check(topic)
	return plan, err
}

// addQueue gives a broker one more queue and returns its number.
func (p *Plan) addQueue(topic, broker string) int32 {
	part := p.Parts[broker]
	if part == nil {
		part = NewPart(topic, broker, 0, p.Epoch)
		p.Parts[broker] = part
	}
	part.WriteQueueNums++
	part.ReadQueueNums++
	return part.WriteQueueNums - 1
}

// leastLoaded is the broker with the fewest queues; of several, the one that had the
// most before, so that little moves.
func leastLoaded(load, before map[string]int32) string {
	return slices.MinFunc(slices.Sorted(maps.Keys(load)), func(a, b string) int {
		if load[a] != load[b] {
			return int(load[a] - load[b])
		}
		return int(before[b] - before[a])
	})
}

// Move plans to bring a static topic's logical queues to certain brokers, evenly and
// with as few as possible on the move. A broker either takes queues over or gives
// some away. What an earlier move has left undecided is part of the plan. parts are not
// changed. now is in ms since 1970.
func Move(topic string, parts Parts, brokers []string, now int64) (*Plan, error) {
	epoch, total, known, err := parts.check(topic)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Epoch: max(epoch+epochStep, now), Parts: parts.Clone()}
	for id, broker := range assign(known, brokers) {
		from := known[id]
		onItsWay := len(from.items) > 1 && !Decided(from.items.Leader())
		switch {
		case from.broker == broker && onItsWay:
			plan.In, plan.Out = append(plan.In, broker), append(plan.Out, from.items[len(from.items)-2].BrokerName)
			continue
		case from.broker == broker:
			continue
		case onItsWay:
			return nil, fmt.Errorf("queue %d is still on its way to broker %s, since a move was not carried out to the end; move it there first", id, from.broker)
		}
		plan.In, plan.Out = append(plan.In, broker), append(plan.Out, from.broker)
		queue := plan.addQueue(topic, broker)
		items := append(slices.Clone(from.items), &Item{
			Gen: from.items.Leader().Gen + 1, QueueID: queue, BrokerName: broker, LogicOffset: -1, EndOffset: -1, TimeOfStart: -1, TimeOfEnd: -1,
		})
		plan.Parts[broker].MappingDetail.HostedQueues[id] = items
		plan.Parts[from.broker].MappingDetail.HostedQueues[id] = items
	}
	slices.Sort(plan.In)
	slices.Sort(plan.Out)
	plan.In, plan.Out = slices.Compact(plan.In), slices.Compact(plan.Out)
	plan.Parts.set(plan.Epoch, total)
	if _, err := plan.Parts.Check(topic); err != nil {
		return nil, err
	}
	return plan, nil
}

// assign chooses the broker of each logical queue, in the order of their numbers.
func assign(known map[int32]led, brokers []string) func(yield func(int32, string) bool) {
	before, load := map[string]int32{}, map[string]int32{}
	for _, l := range known {
		before[l.broker]++
	}
	for _, broker := range brokers {
		load[broker] = 0
	}
	for range known {
		load[leastLoaded(load, before)]++
	}
	return func(yield func(int32, string) bool) {
		var moving []int32
		for _, id := range slices.Sorted(maps.Keys(known)) {
			broker := known[id].broker
			if load[broker] == 0 {
				moving = append(moving, id)
				continue
			}
			load[broker]--
			if !yield(id, broker) {
				return
			}
		}
		for _, broker := range slices.Sorted(maps.Keys(load)) {
			for range load[broker] {
				if !yield(moving[0], broker) {
					return
				}
				moving = moving[1:]
			}
		}
	}
}

// Decide fixes where the queues go on that have moved: behind the end that their old
// leader has reached, which end tells. The others are left alone, whatever their former
// brokers still have of them.
func (p *Plan) Decide(end func(old *Item) (int64, error)) error {
	for _, broker := range p.In {
		queues := p.Parts[broker].MappingDetail.HostedQueues
		for _, id := range slices.Sorted(maps.Keys(queues)) {
			items := Queue(queues[id])
			leader := items.Leader()
			if len(items) < 2 || leader.BrokerName != broker || Decided(leader) {
				continue
			}
			old := items[len(items)-2]
			last, err := end(old)
			if err != nil {
				return err
			}
			if last < old.StartOffset {
				return fmt.Errorf("queue %d of broker %s ends at offset %d, before the item that starts at %d", old.QueueID, old.BrokerName, last, old.StartOffset)
			}
			decided := *leader
			decided.LogicOffset = NextBlock(Logical(old, last), BlockSize)
			items = append(slices.Clone(items[:len(items)-1]), &decided)
			queues[id] = items
			p.Parts[old.BrokerName].MappingDetail.HostedQueues[id] = items
		}
	}
	return nil
}

// BlockSize is what upstream's tool rounds to.
const BlockSize = 10000

// Complete adds parts without queues for other brokers of the topic's cluster, so that
// they know the topic and refuse what is not theirs.
func (p *Plan) Complete(topic string, brokers []string) {
	total := int32(0)
	for _, part := range p.Parts {
		total = part.MappingDetail.TotalQueues
	}
	for _, broker := range brokers {
		if p.Parts[broker] == nil {
			p.Parts[broker] = NewPart(topic, broker, total, p.Epoch)
		}
	}
}
