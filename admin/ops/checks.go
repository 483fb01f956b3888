package ops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// Limits of what doctor lets pass.
const (
	skewLimit     = 5 * time.Second // clients compare times of brokers with their own
	diskWarning   = 0.75            // brokers begin to remove old files at once
	diskFault     = 0.85            // and soon refuse messages
	dispatchLimit = 64 << 20        // bytes of the log that queues and index lack
	lagLimit      = 10 * time.Minute
)

// nameServers asks each name server for its view of the cluster, which should be the
// same, and returns the first.
func (x *examination) nameServers(ctx context.Context) *admin.Cluster {
	var first *admin.Cluster
	var firstAddr string
	for _, addr := range x.c.Client.NameServers() {
		one := x.c.Client.At(addr)
		cluster, err := one.Cluster(ctx)
		if err != nil {
			x.add(fault, "name server "+addr, "start it, or take its address out of the clients' lists", "does not answer: %s", oneLine(err))
			continue
		}
		x.add(fine, "name server "+addr, "", "knows %d brokers", len(cluster.BrokerAddrTable))
		if first == nil {
			first, firstAddr = cluster, addr
			continue
		}
		if missing := onlyIn(first, cluster); len(missing) > 0 {
			x.add(fault, "name server "+addr, "let every broker's namesrvAddr name all name servers", "does not know brokers that %s knows: %s", firstAddr, strings.Join(missing, ", "))
		}
		if missing := onlyIn(cluster, first); len(missing) > 0 {
			x.add(fault, "name server "+firstAddr, "let every broker's namesrvAddr name all name servers", "does not know brokers that %s knows: %s", addr, strings.Join(missing, ", "))
		}
	}
	if first != nil && len(first.BrokerAddrTable) == 0 {
		x.add(fault, "cluster", "start a broker with this name server in its namesrvAddr", "no broker is registered")
	}
	return first
}

func onlyIn(a, b *admin.Cluster) []string {
	var names []string
	for _, broker := range a.All() {
		if b.BrokerAddrTable[broker.BrokerName] == nil {
			names = append(names, broker.BrokerName)
		}
	}
	return names
}

// brokers asks every registered address, which is what clients are given.
func (x *examination) brokers(ctx context.Context, cluster *admin.Cluster) {
	versions := map[string][]string{}
	for _, b := range cluster.All() {
		if b.BrokerAddrs[protocol.MasterID] == "" {
			x.add(fault, "broker "+b.BrokerName, "start its master, or let a controller elect one: until then nothing can be sent to it", "has no master, only slaves")
		}
		for _, id := range slices.Sorted(maps.Keys(b.BrokerAddrs)) {
			addr := b.BrokerAddrs[id]
			subject := fmt.Sprintf("broker %s (%s)", b.BrokerName, addr)
			asked := x.now()
			facts, err := x.c.Client.BrokerRuntime(ctx, addr)
			if err != nil {
				x.add(fault, subject, "clients are told this address: set brokerIP1 to one that they reach, or let them through", "is registered and cannot be asked: %s", oneLine(err))
				continue
			}
			x.loopback(subject, addr)
			x.facts(subject, facts, asked, x.now())
			versions[facts["brokerVersionDesc"]] = append(versions[facts["brokerVersionDesc"]], b.BrokerName)
		}
	}
	if len(versions) > 1 {
		var parts []string
		for _, v := range slices.Sorted(maps.Keys(versions)) {
			parts = append(parts, v+" ("+strings.Join(versions[v], ", ")+")")
		}
		x.add(warning, "versions", "bring all brokers to one version: clients choose features by the version of the broker at hand", "differ: %s", strings.Join(parts, ", "))
	} else if len(versions) == 1 {
		x.add(fine, "versions", "", "are the same")
	}
}

// loopback warns of an address that only this machine reaches, while the name server is
// reached over the network.
func (x *examination) loopback(subject, addr string) {
	broker, err := netip.ParseAddrPort(addr)
	if err != nil || !broker.Addr().IsLoopback() {
		return
	}
	for _, ns := range x.c.Client.NameServers() {
		host, _, _ := strings.Cut(ns, ":")
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			x.add(fault, subject, "set brokerIP1 to an address that clients reach", "is registered under a loopback address: clients on other machines cannot reach it")
			return
		}
	}
}

// facts judges what a broker says of itself.
func (x *examination) facts(subject string, facts map[string]string, asked, answered time.Time) {
	before := len(x.findings)
	if facts["brokerActive"] == "false" {
		x.add(warning, subject, "wait until it has caught up, or see its log", "is not active yet")
	}
	if ratio, err := strconv.ParseFloat(facts["commitLogDiskRatio"], 64); err == nil {
		switch {
		case ratio >= diskFault:
			x.add(fault, subject, "free space, add some, or shorten fileReservedTime", "its disk is %.0f%% full: it is about to refuse messages", ratio*100)
		case ratio >= diskWarning:
			x.add(warning, subject, "free space, add some, or shorten fileReservedTime", "its disk is %.0f%% full: it removes old messages early", ratio*100)
		}
	}
	if behind, err := strconv.ParseInt(facts["dispatchBehindBytes"], 10, 64); err == nil && behind > dispatchLimit {
		x.add(warning, subject, "consumers see messages late; see whether its disk or processor is busy", "its queues are %d MiB behind its log", behind>>20)
	}
	if clock, ok := brokerClock(facts); ok {
		// The clock is known to a second, as of a moment between question and answer.
		if skew := max(clock.Sub(answered), asked.Sub(clock.Add(time.Second))); skew > skewLimit {
			x.add(warning, subject, "synchronise the clocks (NTP): delays, traces and resets by time go by them", "its clock and that of this machine differ by %s", skew.Round(time.Second))
		}
	}
	if len(x.findings) == before {
		x.add(fine, subject, "", "answers, has space, and its clock is right")
	}
}

// brokerClock adds up when a broker started and how long it has run, which it gives as
// "[ 1 days, 2 hours, 3 minutes, 4 seconds ]".
func brokerClock(facts map[string]string) (time.Time, bool) {
	boot, err := strconv.ParseInt(facts["bootTimestamp"], 10, 64)
	var days, hours, minutes, seconds int64
	_, scanErr := fmt.Sscanf(facts["runtime"], "[ %d days, %d hours, %d minutes, %d seconds ]", &days, &hours, &minutes, &seconds)
	if err != nil || scanErr != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(boot).Add(time.Duration(((days*24+hours)*60+minutes)*60+seconds) * time.Second), true
}

// topics looks for holes in routes, and returns all topics.
func (x *examination) topics(ctx context.Context, cluster *admin.Cluster) []string {
	topics, err := x.c.Client.TopicList(ctx)
	if err != nil {
		x.add(fault, "topics", "see the name server's log", "cannot be listed: %s", oneLine(err))
		return nil
	}
	holes := 0
	for i, topic := range topics {
		x.c.Progress("topic %d of %d", i+1, len(topics))
		route, err := x.c.Client.Route(ctx, topic)
		if admin.HasCode(err, protocol.ResponseTopicNotExist) {
			continue // system topics of other clusters, and what was deleted just now
		}
		if err != nil {
			x.add(fault, "topic "+topic, "see the name server's log", "has no readable route: %s", oneLine(err))
			continue
		}
		before := len(x.findings)
		x.route(topic, route, cluster)
		holes += len(x.findings) - before
		x.deadLetters(ctx, topic, route)
	}
	if holes == 0 {
		x.add(fine, "routes", "", "of %d topics are whole", len(topics))
	}
	return topics
}

func (x *examination) route(topic string, route *protocol.TopicRouteData, cluster *admin.Cluster) {
	writable := compat.IsDLQTopic(topic) || compat.IsSystemTopic(topic)
	for _, q := range route.QueueDatas {
		b := admin.BrokerIn(route, q.BrokerName)
		switch {
		case b == nil || admin.Addr(b) == "":
			x.add(fault, "topic "+topic, "start the broker, or delete the topic from the name servers", "its route names broker %s, which has no address", q.BrokerName)
		case cluster.BrokerAddrTable[q.BrokerName] == nil:
			x.add(fault, "topic "+topic, "start the broker, or delete the topic from the name servers", "its route names broker %s, which is in no cluster", q.BrokerName)
		}
		writable = writable || q.Perm&protocol.PermWrite != 0 && q.WriteQueueNums > 0
	}
	if !writable {
		x.add(warning, "topic "+topic, "if that is not meant: updateTopicPerm -p 6, or addWritePerm for its brokers", "cannot be written to anywhere")
	}
}

// deadLetters reports what consumers gave up.
func (x *examination) deadLetters(ctx context.Context, topic string, route *protocol.TopicRouteData) {
	if !compat.IsDLQTopic(topic) {
		return
	}
	stats, err := x.c.Client.TopicStatsEverywhere(ctx, route, topic)
	if err != nil {
		return
	}
	var n int64
	for _, o := range stats.OffsetTable {
		n += o.MaxOffset - o.MinOffset
	}
	if n > 0 {
		x.add(warning, "topic "+topic, "look at them by gantry admin tail -t "+topic+"; they are no longer delivered", "holds %d messages that consumers failed to consume", n)
	}
}

// groups compares what the consumers of each group say.
func (x *examination) groups(ctx context.Context, topics []string) {
	checked := 0
	for i, topic := range topics {
		if !compat.IsRetryTopic(topic) {
			continue
		}
		x.c.Progress("group behind topic %d of %d", i+1, len(topics))
		group := compat.RetryGroup(topic)
		before := len(x.findings)
		x.group(ctx, group)
		if len(x.findings) == before {
			checked++
		}
	}
	x.add(fine, "groups", "", "%d are in order", checked)
}

func (x *examination) group(ctx context.Context, group string) {
	subject := "group " + group
	conns, err := x.c.Client.ConsumerConnections(ctx, group)
	online := err == nil
	if online {
		infos := map[string]*admin.RunningInfo{}
		for _, conn := range conns.ConnectionSet {
			if info, err := x.c.Client.RunningInfo(ctx, group, conn.ClientID, false); err == nil {
				infos[conn.ClientID] = info
			}
		}
		if !admin.SameSubscriptions(infos, x.now()) {
			x.add(fault, subject, "let all its consumers subscribe to the same topics and tags: each gets what another asked for, and messages are lost to the group",
				"its consumers subscribe to different things")
		}
		for _, id := range slices.Sorted(maps.Keys(infos)) {
			for _, s := range infos[id].Stalls(x.now()) {
				x.add(warning, subject, "see what the consumer is doing: consumerStatus -g "+group+" -i "+id+" -s", "client %s: %s", id, s)
			}
		}
	}
	s, err := sumLags(ctx, x.c.Client, group, "")
	if _, none := errors.AsType[*admin.NoStatsError](err); err != nil && !none {
		x.add(warning, subject, "see the broker's log", "its offsets cannot be read: %s", oneLine(err))
		return
	}
	if s != nil && s.longest.known && s.longest.time > lagLimit {
		advice := "add consumers, or see why they are slow: consumerStatus -g " + group
		if !online {
			advice = "start its consumers, or delete the group if it is no longer needed"
		}
		x.add(warning, subject, advice, "is %d messages and %s behind", s.behind, s.longest.time.Round(time.Second))
	}
}
