package mqadmin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/protocol"
)

// runningText shows what a consumer says of itself, as upstream's ConsumerRunningInfo.
func runningText(r *admin.RunningInfo) string {
	var b strings.Builder
	b.WriteString("#Consumer Properties#\n")
	for _, key := range slices.Sorted(maps.Keys(r.Properties)) {
		fmt.Fprintf(&b, "%-40s: %s\n", key, r.Properties[key])
	}
	b.WriteString("\n\n#Consumer Subscription#\n")
	subs := slices.SortedFunc(slices.Values(r.SubscriptionSet), func(a, b protocol.SubscriptionData) int { return strings.Compare(a.Topic, b.Topic) })
	for i, s := range subs {
		fmt.Fprintf(&b, "%03d Topic: %-40s ClassFilter: %-8t SubExpression: %s\n", i+1, s.Topic, s.ClassFilterMode, s.SubString)
	}
	b.WriteString("\n\n#Consumer Offset#\n")
	fmt.Fprintf(&b, "%-64s  %-32s  %-4s  %-20s\n", "#Topic", "#Broker Name", "#QID", "#Consumer Offset")
	queues := admin.SortedQueues(r.MQTable)
	for _, q := range queues {
		fmt.Fprintf(&b, "%-32s  %-32s  %-4d  %-20d\n", q.Topic, q.BrokerName, q.QueueID, r.MQTable[q].CommitOffset)
	}
	b.WriteString("\n\n#Consumer MQ Detail#\n")
	fmt.Fprintf(&b, "%-64s  %-32s  %-4s  %-20s\n", "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo")
	for _, q := range queues {
		fmt.Fprintf(&b, "%-64s  %-32s  %-4d  %s\n", q.Topic, q.BrokerName, q.QueueID, queueStateText(r.MQTable[q]))
	}
	b.WriteString("\n\n#Consumer Pop Detail#\n")
	fmt.Fprintf(&b, "%-32s  %-32s  %-4s  %-20s\n", "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo")
	for _, q := range admin.SortedQueues(r.MQPopTable) {
		p := r.MQPopTable[q]
		fmt.Fprintf(&b, "%-32s  %-32s  %-4d  PopProcessQueueInfo [waitAckCount:%d, droped:%t, lastPopTimestamp:%d]\n",
			q.Topic, q.BrokerName, q.QueueID, p.WaitAckCount, p.Dropped, p.LastPopTimestamp)
	}
	b.WriteString("\n\n#Consumer RT&TPS#\n")
	fmt.Fprintf(&b, "%-64s  %14s %14s %14s %14s %18s %25s\n",
		"#Topic", "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS", "#ConsumeFailedMsgsInHour")
	for _, topic := range slices.Sorted(maps.Keys(r.StatusTable)) {
		s := r.StatusTable[topic]
		fmt.Fprintf(&b, "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d\n", topic, s.PullRT, s.PullTPS, s.ConsumeRT, s.ConsumeOKTPS, s.ConsumeFailedTPS, s.ConsumeFailedMsgs)
	}
	if r.UserConsumerInfo != nil {
		b.WriteString("\n\n#User Consume Info#\n")
		for _, key := range slices.Sorted(maps.Keys(r.UserConsumerInfo)) {
			fmt.Fprintf(&b, "%-40s: %s\n", key, r.UserConsumerInfo[key])
		}
	}
	if r.Jstack != "" {
		b.WriteString("\n\n#Consumer jstack#\n" + r.Jstack)
	}
	return b.String()
}

// digitsText is upstream's timeMillisToHumanString: a time as digits only.
func digitsText(ms int64) string {
	return strings.Replace(time.UnixMilli(ms).Format("20060102150405.000"), ".", "", 1)
}

func queueStateText(q admin.QueueState) string {
	return fmt.Sprintf("ProcessQueueInfo [commitOffset=%d, cachedMsgMinOffset=%d, cachedMsgMaxOffset=%d, cachedMsgCount=%d, cachedMsgSizeInMiB=%d, "+
		"transactionMsgMinOffset=%d, transactionMsgMaxOffset=%d, transactionMsgCount=%d, locked=%t, tryUnlockTimes=%d, lastLockTimestamp=%s, "+
		"droped=%t, lastPullTimestamp=%s, lastConsumeTimestamp=%s]",
		q.CommitOffset, q.CachedMsgMinOffset, q.CachedMsgMaxOffset, q.CachedMsgCount, q.CachedMsgSizeInMiB,
		q.TransactionMsgMinOffset, q.TransactionMsgMaxOffset, q.TransactionMsgCount, q.Locked, q.TryUnlockTimes, digitsText(q.LastLockTimestamp),
		q.Dropped, digitsText(q.LastPullTimestamp), digitsText(q.LastConsumeTimestamp))
}
