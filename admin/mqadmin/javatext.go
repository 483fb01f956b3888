package mqadmin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// The official tool shows much by Java's toString. What follows writes the same.

// timeText is upstream's timeMillisToHumanString2.
func timeText(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04:05,000") }

// secondsText is a time to the second.
func secondsText(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04:05") }

// front cuts a text to n letters, as the tool does before it fills a column.
func front(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:min(n, len(r))])
}

// double is Java's text of a double.
func double(f float64) string { return string(compat.AppendFloat(nil, f, 64)) }

// orNull is a text, or null.
func orNull(s string, ok bool) string {
	if !ok {
		return "null"
	}
	return s
}

// mapText shows a HashMap made with a capacity.
func mapText(m map[string]string, keys []string, capacity int) string {
	compat.HashMapOrder(keys, capacity)
	items := make([]string, len(keys))
	for i, k := range keys {
		items[i] = k + "=" + m[k]
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func attributesText(m map[string]string) string {
	return mapText(m, slices.Sorted(maps.Keys(m)), 0)
}

// listText shows a list.
func listText[T any](list []T) string {
	items := make([]string, len(list))
	for i, v := range list {
		items[i] = fmt.Sprint(v)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// permText is upstream's perm2String.
func permText(perm int32) string {
	b := []byte("---")
	if perm&protocol.PermRead != 0 {
		b[0] = 'R'
	}
	if perm&protocol.PermWrite != 0 {
		b[1] = 'W'
	}
	if perm&protocol.PermInherit != 0 {
		b[2] = 'X'
	}
	return string(b)
}

func topicText(t *protocol.TopicConfig) string {
	return fmt.Sprintf("TopicConfig [topicName=%s, readQueueNums=%d, writeQueueNums=%d, perm=%s, topicFilterType=%s, topicSysFlag=%d, order=%t, attributes=%s]",
		t.TopicName, t.ReadQueueNums, t.WriteQueueNums, permText(t.Perm), t.TopicFilterType, t.TopicSysFlag, t.Order, attributesText(t.Attributes))
}

// groupFields are the fields of a group's settings in upstream's order.
func groupFields(g *protocol.SubscriptionGroupConfig) [][2]string {
	return [][2]string{
		{"groupName", g.GroupName},
		{"consumeEnable", strconv.FormatBool(g.ConsumeEnable)},
		{"consumeFromMinEnable", strconv.FormatBool(g.ConsumeFromMinEnable)},
		{"consumeBroadcastEnable", strconv.FormatBool(g.ConsumeBroadcastEnable)},
		{"consumeMessageOrderly", strconv.FormatBool(g.ConsumeMessageOrderly)},
		{"retryQueueNums", fmt.Sprint(g.RetryQueueNums)},
		{"retryMaxTimes", fmt.Sprint(g.RetryMaxTimes)},
		{"groupRetryPolicy", retryPolicyText(g.GroupRetryPolicy)},
		{"brokerId", fmt.Sprint(g.BrokerID)},
		{"whichBrokerWhenConsumeSlowly", fmt.Sprint(g.WhichBrokerWhenConsumeSlowly)},
		{"notifyConsumerIdsChangedEnable", strconv.FormatBool(g.NotifyConsumerIDsChangedEnable)},
		{"groupSysFlag", fmt.Sprint(g.GroupSysFlag)},
		{"consumeTimeoutMinute", fmt.Sprint(g.ConsumeTimeoutMinute)},
		{"subscriptionDataSet", subscriptionsText(g.SubscriptionDataSet)},
		{"attributes", attributesText(g.Attributes)},
	}
}

func groupText(g *protocol.SubscriptionGroupConfig) string {
	var items []string
	for _, f := range groupFields(g) {
		items = append(items, f[0]+"="+f[1])
	}
	return "SubscriptionGroupConfig{" + strings.Join(items, ", ") + "}"
}

func retryPolicyText(p *protocol.GroupRetryPolicy) string {
	if p == nil {
		return "null"
	}
	exponential, customized := "null", "null"
	if e := p.ExponentialRetryPolicy; e != nil {
		exponential = fmt.Sprintf("ExponentialRetryPolicy{initial=%d, max=%d, multiplier=%d}", e.Initial, e.Max, e.Multiplier)
	}
	if c := p.CustomizedRetryPolicy; c != nil {
		customized = "CustomizedRetryPolicy{next=" + listText(c.Next) + "}"
	}
	return fmt.Sprintf("GroupRetryPolicy{type=%s, exponentialRetryPolicy=%s, customizedRetryPolicy=%s}", p.Type, exponential, customized)
}

func subscriptionsText(list []protocol.SimpleSubscriptionData) string {
	if list == nil {
		return "null"
	}
	items := make([]string, len(list))
	for i, s := range list {
		items[i] = fmt.Sprintf("SimpleSubscriptionData{topic=%s, expressionType=%s, expression=%s, version=%d}", s.Topic, s.ExpressionType, s.Expression, s.Version)
	}
	return listText(items)
}

// propertiesText shows a message's properties, in the order of the map that the tool
// reads them into.
func propertiesText(m *admin.Message) string {
	var keys []string
	for key := range codec.Properties(m.Message.Properties) {
		if m.Properties[key] != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range []string{protocol.PropertyMinOffset, protocol.PropertyMaxOffset} { // added by the client
		if m.Properties[key] != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return mapText(m.Properties, keys, 128)
}

func messageText(m *admin.Message) string {
	transaction := "null"
	if m.Properties[protocol.PropertyTransactionPrepared] == "true" {
		transaction = m.ID()
	}
	signed := make([]int8, len(m.Body))
	for i, b := range m.Body {
		signed[i] = int8(b)
	}
	return fmt.Sprintf("MessageExt [brokerName=%s, queueId=%d, storeSize=%d, queueOffset=%d, sysFlag=%d, bornTimestamp=%d, bornHost=/%s, "+
		"storeTimestamp=%d, storeHost=/%s, msgId=%s, commitLogOffset=%d, bodyCRC=%d, reconsumeTimes=%d, preparedTransactionOffset=%d, "+
		"toString()=Message{topic='%s', flag=%d, properties=%s, body=%s, transactionId='%s'}]",
		orNull(m.BrokerName, m.BrokerName != ""), m.QueueID, m.StoreSize, m.QueueOffset, m.SysFlag, m.BornTimestamp, m.BornHost,
		m.StoreTimestamp, m.StoreHost, m.OffsetID(), m.PhysicalOffset, m.BodyCRC, m.ReconsumeTimes, m.PreparedTransactionOffset,
		m.Topic, m.Flag, propertiesText(m), listText(signed), transaction)
}

// fixed shows a rate with two digits behind the point.
func fixed(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

func number(n int64) string { return strconv.FormatInt(n, 10) }
