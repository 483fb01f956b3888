package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// heartbeat serves HEART_BEAT (34). A heartbeat with a fingerprint (form 2) may
// leave its subscriptions out when they have not changed; the answer says
// whether they are wanted again.
func (b *Broker) heartbeat(r *remoting.Request) error {
	if done := b.beats.find(r); done != nil && b.beatAgain(done) {
		done.reply(r)
		return nil
	}
	var data protocol.HeartbeatData
	if err := readBody(r, &data); err != nil {
		return err
	}
	if err := checkGroups(r.Body, &data); err != nil {
		return err
	}
	done := &beat{facts: b.beatFacts(), changed: data.HeartbeatFingerprint == 0}
	client := clients.Identity{Session: r.Session, ID: data.ClientID, Language: r.Language, Version: r.Version}
	for i := range data.ConsumerDataSet {
		c := &data.ConsumerDataSet[i]
		if c.ConsumeType == protocol.ConsumeActively && b.config.Load().RejectPullConsumerEnable {
			continue
		}
		b.registerConsumer(client, c, &data, done)
	}
	for i := range data.ProducerDataSet {
		b.registerProducer(client, data.ProducerDataSet[i].GroupName, done)
	}
	if done.quiet() && done.facts == b.beatFacts() {
		b.beats.keep(r, done)
	}
	done.reply(r)
	return nil
}

// checkGroups wants every group of a heartbeat to have a name, if only an empty one, and no null where lists belong. One with a fingerprint may
// have nulls: a client leaves out that way what the broker knows already.
func checkGroups(body []byte, data *protocol.HeartbeatData) error {
	whole := data.HeartbeatFingerprint == 0
	if whole && (data.ConsumerDataSet == nil || data.ProducerDataSet == nil) {
		return errors.New("the heartbeat has null where its groups belong")
	}
	unnamed := false
	for i := range data.ConsumerDataSet {
		unnamed = unnamed || data.ConsumerDataSet[i].GroupName == ""
		if whole && data.ConsumerDataSet[i].SubscriptionDataSet == nil {
			return fmt.Errorf("consumer group %s of the heartbeat has null where its subscriptions belong", data.ConsumerDataSet[i].GroupName)
		}
	}
	for i := range data.ProducerDataSet {
		unnamed = unnamed || data.ProducerDataSet[i].GroupName == ""
	}
	if unnamed {
		return checkNames(body)
	}
	return nil
}

// checkNames tells groups with an empty name from those without one.
func checkNames(body []byte) error {
	type named struct {
		GroupName protocol.Opt[string] `json:"groupName"`
	}
	var groups struct {
		ConsumerDataSet []named `json:"consumerDataSet"`
		ProducerDataSet []named `json:"producerDataSet"`
	}
	if err := compat.UnmarshalFastjson(body, &groups); err != nil {
		return err
	}
	for _, g := range slices.Concat(groups.ConsumerDataSet, groups.ProducerDataSet) {
		if !g.GroupName.Set {
			return errors.New("a group of the heartbeat has no name")
		}
	}
	return nil
}

// registerConsumer enters one group of a client, when the group exists, and makes
// its retry topic.
func (b *Broker) registerConsumer(client clients.Identity, c *protocol.ConsumerData, data *protocol.HeartbeatData, done *beat) {
	group := b.groups.Find(c.GroupName)
	if group == nil {
		return
	}
	ordered := false
	for i := range c.SubscriptionDataSet {
		if sub := &c.SubscriptionDataSet[i]; sub.ExpressionType == "" {
			sub.ExpressionType = protocol.ExpressionTag
		}
		ordered = ordered || b.topics.IsOrder(c.SubscriptionDataSet[i].Topic)
	}
	var flag int32
	if c.UnitMode {
		flag = protocol.TopicFlagUnitSub
	}
	b.topics.CreateOnSendBack(protocol.RetryTopic(c.GroupName), group.RetryQueueNums, protocol.PermRead|protocol.PermWrite, ordered, flag)
	began := b.now()
	outcome, standing := b.consumers.Register(clients.Registration{
		Client: client, Data: c, Fingerprint: data.HeartbeatFingerprint,
		WithoutSub: data.WithoutSub && data.HeartbeatFingerprint != 0, Notify: group.NotifyConsumerIDsChangedEnable,
	})
	b.stats.Registered(stats.ConsumerRegisterTime, b.now().Sub(began).Milliseconds(), 1)
	done.consumers++
	done.standings = append(done.standings, standing)
	done.changed = done.changed || outcome.SubChanged
}

func (b *Broker) registerProducer(client clients.Identity, group string, done *beat) {
	began := b.now()
	if cfg := b.config.Load(); cfg.EnableRegisterProducer || !cfg.RejectTransactionMessage { // else nobody asks producers anything
		done.standings = append(done.standings, b.producers.Register(group, client))
	}
	b.stats.Registered(stats.ProducerRegisterTime, b.now().Sub(began).Milliseconds(), 1)
	done.producers++
}

// unregisterClient serves UNREGISTER_CLIENT (35).
func (b *Broker) unregisterClient(r *remoting.Request) error {
	var h protocol.UnregisterClientRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if h.ProducerGroup != "" {
		b.producers.Unregister(strings.Clone(h.ProducerGroup), r.Session)
	}
	if h.ConsumerGroup != "" {
		notify := true
		if group := b.groups.Find(h.ConsumerGroup); group != nil { // which makes the group, as upstream
			notify = group.NotifyConsumerIDsChangedEnable
		}
		b.consumers.Unregister(strings.Clone(h.ConsumerGroup), r.Session, notify)
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// checkClientConfig serves CHECK_CLIENT_CONFIG (46): consumers ask whether their
// filter expression will work before they start.
func (b *Broker) checkClientConfig(r *remoting.Request) error {
	var body protocol.CheckClientRequestBody
	if len(r.Body) > 0 {
		if err := compat.UnmarshalFastjson(r.Body, &body); err != nil {
			return err
		}
	}
	if sub := body.SubscriptionData; sub != nil && !sub.IsTag() {
		if !b.config.Load().EnablePropertyFilter {
			return refuse(protocol.ResponseSystemError, "The broker does not support consumer to filter message by %s", sub.ExpressionType)
		}
		if _, err := filter.Compile(sub.ExpressionType, sub.SubString); err != nil {
			return refuse(protocol.ResponseSubscriptionParseFailed, "%s", err)
		}
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// consumerList serves GET_CONSUMER_LIST_BY_GROUP (38).
func (b *Broker) consumerList(r *remoting.Request) error {
	var h protocol.GetConsumerListByGroupRequestHeader
	if err := readHeader(r, &h, "consumerGroup"); err != nil {
		return err
	}
	ids := b.consumers.ClientIDs(h.ConsumerGroup)
	if len(ids) == 0 {
		return refuse(protocol.ResponseSystemError, "no consumer for this group, %s", h.ConsumerGroup)
	}
	return replyJSON(r, &protocol.GetConsumerListByGroupResponseBody{ConsumerIDList: ids})
}
