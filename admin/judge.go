package admin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Patience of the judgements, upstream's ConsumerRunningInfo.
const (
	settleTime = 2 * time.Minute // consumers that are younger may still differ
	stallTime  = time.Minute     // longer without consuming what is at hand is a stall
)

// SameSubscriptions reports whether consumers of one group, by client id, subscribe to
// the same. Consumers that pull by themselves may differ, and young ones do for a while.
func SameSubscriptions(infos map[string]*RunningInfo, now time.Time) bool {
	first := true
	var want string
	for _, id := range slices.Sorted(maps.Keys(infos)) {
		info := infos[id]
		if first {
			started, _ := strconv.ParseInt(info.Properties["PROP_CONSUMER_START_TIMESTAMP"], 10, 64)
			if !info.IsPush() || now.Sub(time.UnixMilli(started)) <= settleTime {
				return true
			}
			want, first = info.subscriptions(), false
		}
		if info.subscriptions() != want {
			return false
		}
	}
	return true
}

// subscriptions is what a consumer subscribes to, in a form that can be compared.
func (r *RunningInfo) subscriptions() string {
	var all []string
	for _, s := range r.SubscriptionSet {
		all = append(all, fmt.Sprintf("%q %s %q %t", s.Topic, s.ExpressionType, s.SubString, s.ClassFilterMode))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// Stalls says which queues a consumer does not get on with.
func (r *RunningInfo) Stalls(now time.Time) []string {
	if !r.IsPush() {
		return nil
	}
	var all []string
	for _, q := range SortedQueues(r.MQTable) {
		s := r.MQTable[q]
		idle := now.Sub(time.UnixMilli(s.LastConsumeTimestamp))
		switch {
		case r.IsOrderly() && !s.Locked:
			all = append(all, fmt.Sprintf("%s can't lock for a while, %dms", QueueString(q), now.UnixMilli()-s.LastLockTimestamp))
		case r.IsOrderly() && s.Dropped && s.TryUnlockTimes > 0:
			all = append(all, fmt.Sprintf("%s unlock %d times, still failed", QueueString(q), s.TryUnlockTimes))
		case !r.IsOrderly() && idle > stallTime && s.CachedMsgCount > 0:
			all = append(all, fmt.Sprintf("%s can't consume for a while, maybe blocked, %dms", QueueString(q), idle.Milliseconds()))
		}
	}
	return all
}
