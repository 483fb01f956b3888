package broker

import (
	"errors"
	"strings"

	"github.com/gantrymq/gantry/broker/lite"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// changeLite serves LITE_SUBSCRIPTION_CTL (200071): clients say which lite topics
// they receive, and say it again as long as they live.
func (b *Broker) changeLite(r *remoting.Request) error {
	if len(r.Body) == 0 {
		return refuse(protocol.ResponseIllegalOperation, "Request body is null.")
	}
	var body protocol.LiteSubscriptionChanges
	if err := readBody(r, &body); err != nil {
		return err
	}
	if len(body.Subscriptions) == 0 {
		return refuse(protocol.ResponseIllegalOperation, "LiteSubscriptionCtlRequestBody is empty.")
	}
	for i := range body.Subscriptions {
		if err := b.changeLiteOne(r.Session, &body.Subscriptions[i]); err != nil {
			return err
		}
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// changeLiteOne makes one change. One that does not say whose it is, is passed
// over.
func (b *Broker) changeLiteOne(session remoting.Session, s *protocol.LiteSubscription) error {
	for _, name := range []string{s.ClientID, s.Group, s.Topic} {
		if strings.TrimSpace(name) == "" {
			return nil
		}
	}
	who := lite.Who{Client: s.ClientID, Group: s.Group, Topic: s.Topic}
	var lmqs []string
	for _, name := range s.LiteTopics {
		if lmq := compat.LiteTopicName(s.Topic, name); lmq != "" {
			lmqs = append(lmqs, lmq)
		}
	}
	switch s.Action {
	case protocol.LitePartialAdd, protocol.LiteCompleteAdd:
		if group := b.groups.Find(s.Group); group == nil || !group.ConsumeEnable {
			return refuse(protocol.ResponseIllegalOperation, "Consumer group is not allowed to consume.")
		}
		b.liteSessions.Store(s.ClientID, session)
		if s.Action == protocol.LiteCompleteAdd {
			b.lite.Replace(who, lmqs)
			return nil
		}
		return b.addLite(who, lmqs, s.OffsetOption)
	case protocol.LitePartialRemove:
		b.lite.Remove(who, lmqs)
	case protocol.LiteCompleteRemove:
		b.lite.Drop(s.ClientID)
	default:
		return errors.New("a change of lite subscriptions has no action")
	}
	return nil
}

func (b *Broker) addLite(who lite.Who, lmqs []string, option *protocol.LiteOffsetOption) error {
	var reset *lite.Reset
	if option != nil {
		if option.Type == "" {
			return errors.New("the offset option of a lite subscription has no type")
		}
		reset = &lite.Reset{Kind: string(option.Type), Value: option.Value}
	}
	err := b.lite.Add(who, lmqs, reset)
	switch {
	case errors.Is(err, lite.ErrQuota):
		return refuse(protocol.ResponseLiteSubscriptionQuotaExceeded, "%s", err)
	case errors.Is(err, lite.ErrWildcard):
		return refuse(protocol.ResponseIllegalOperation, "%s", err)
	}
	return err
}
