package javaclient

import (
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/protocol"
)

// shortDelay is what every delay level is set to where cases wait for one.
const shortDelay = time.Second

// quickRetries shortens the schedule that retries wait in. The same words as in the cases
// of the Go client, so that all of them share servers.
var quickRetries = conformance.Settings{Broker: map[string]string{
	"messageDelayLevel": "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
}}

// quickChecks has the broker ask for the state of a transaction after seconds, not minutes, and not give
// up where a producer is slow to come back: each of its rounds counts as a question, also one without a
// producer to be asked, or in which the message was still immune. The same words as in the cases of the Go
// client, so that all of them share servers.
var quickChecks = conformance.Settings{Broker: map[string]string{
	"transactionTimeOut": "1000", "transactionCheckInterval": "1000", "transactionCheckMax": "1000",
}}

// recalls allows messages that wait to be recalled. Both settings keep the cases off the servers
// of one that stops the official timer.
var (
	recalls   = conformance.Settings{Broker: map[string]string{"recallMessageEnable": "true", "timerPrecisionMs": "1000", "traceTopicEnable": "true"}}
	noRecalls = conformance.Settings{Broker: map[string]string{"timerPrecisionMs": "1000"}}
)

// lightMessageQueues are off by default. The same words as in the conversation about them.
var lightMessageQueues = conformance.Settings{Broker: map[string]string{"enableLmq": "true", "enableMultiDispatch": "true"}}

// recallTraces lets a producer with traces leave one of each recall.
var recallTraces = map[string]string{"com.rocketmq.recall.default.trace.enable": "true"}

// Request codes that every producer, and every push consumer, of this client sends.
var (
	producing = []protocol.RequestCode{
		protocol.GetRouteinfoByTopic, protocol.UpdateAndCreateTopic, protocol.SendMessageV2, protocol.HeartBeat, protocol.UnregisterClient,
	}
	consuming = with(producing, protocol.PullMessage, protocol.GetConsumerListByGroup, protocol.QueryConsumerOffset,
		protocol.UpdateConsumerOffset, protocol.NotifyConsumerIDsChanged)
)

func with(codes []protocol.RequestCode, more ...protocol.RequestCode) []protocol.RequestCode {
	return append(slices.Clone(codes), more...)
}

// popped are the codes of a push consumer whose group pops.
var popped = with(producing, protocol.QueryAssignment, protocol.SetMessageRequestMode, protocol.PopMessage, protocol.AckMessage)

// entry is a case before it is known which release runs it.
type entry struct {
	conformance.Case
	run        func(k *kit)
	only       string            // a release; empty is both
	properties map[string]string // system properties that need a process of their own
}

func entries() []entry {
	type c = conformance.Case
	return []entry{
		{Case: c{Name: "send-sync", Feature: "sending", Codes: consuming}, run: sendSync},
		{Case: c{Name: "send-async", Feature: "sending", Codes: consuming}, run: sendAsync},
		{Case: c{Name: "send-one-way", Feature: "sending", Codes: consuming}, run: sendOneWay},
		{Case: c{Name: "send-to-vip-port", Feature: "sending", Codes: producing}, run: sendVIP},
		{Case: c{Name: "send-to-wrong-queue", Feature: "sending", Codes: producing}, run: sendWrongQueue},
		{Case: c{Name: "refused-topics", Feature: "permissions", Codes: with(producing, protocol.PullMessage)}, run: refusedTopics},
		{Case: c{Name: "disabled-group", Feature: "permissions", Codes: with(consuming, protocol.UpdateAndCreateSubscriptiongroup)}, run: disabledGroup},
		{Case: c{Name: "forbidden-topic", Feature: "permissions", Codes: with(consuming, protocol.UpdateAndGetGroupForbidden)}, run: forbiddenTopic},
		{Case: c{Name: "whole-batches", Feature: "batches", Settings: quickRetries, Codes: with(consuming, protocol.SendBatchMessage, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: wholeBatches, only: javadriver.V550},
		{Case: c{Name: "send-batch", Feature: "batches", Codes: with(consuming, protocol.SendBatchMessage)}, run: sendBatch},
		{Case: c{Name: "auto-batch", Feature: "batches", Codes: with(consuming, protocol.SendBatchMessage)}, run: autoBatch, only: javadriver.V550},
		{Case: c{Name: "tags", Feature: "tag filters", Codes: consuming}, run: tags},
		{Case: c{Name: "sql-refused", Feature: "SQL92 filters", Codes: with(consuming, protocol.CheckClientConfig)}, run: sqlRefused},
		{Case: c{Name: "sql-filter", Feature: "SQL92 filters", Settings: propertyFilters, Codes: with(consuming, protocol.CheckClientConfig), Timeout: 2 * time.Minute}, run: sqlFilter},
		{Case: c{Name: "keys-and-properties", Feature: "keys and properties", Codes: with(consuming, protocol.QueryMessage, protocol.ViewMessageByID)}, run: keysAndProperties},
		{Case: c{Name: "body-sizes", Feature: "large and compressed bodies", Codes: consuming, Timeout: 2 * time.Minute}, run: bodySizes},
		{Case: c{Name: "body-too-large", Feature: "large and compressed bodies", Codes: producing}, run: bodyTooLarge},
		{Case: c{Name: "auto-creation", Feature: "topic creation", Codes: consuming}, run: autoCreation},
		{Case: c{Name: "request-reply", Feature: "request and reply", Codes: with(consuming, protocol.SendReplyMessageV2, protocol.PushReplyMessageToClient)}, run: requestReply},
		{Case: c{Name: "ordered-push", Feature: "ordered consumption", Codes: with(consuming, protocol.LockBatchMQ, protocol.UnlockBatchMQ), Timeout: 2 * time.Minute}, run: orderedPush},
		{Case: c{Name: "ordered-two-consumers", Feature: "ordered consumption", Codes: with(consuming, protocol.LockBatchMQ, protocol.UnlockBatchMQ), Timeout: 3 * time.Minute}, run: orderedTwoConsumers},
		{Case: c{Name: "ordered-dead-letter", Feature: "ordered consumption", Codes: with(consuming, protocol.LockBatchMQ)}, run: orderedDeadLetter},
		{Case: c{Name: "order-topic", Feature: "ordered consumption", Settings: orderTopics, Codes: with(consuming, protocol.LockBatchMQ, protocol.PutKVConfig, protocol.DeleteKVConfig)}, run: orderTopic},
		{
			Case: c{Name: "ordered-broker-returns", Feature: "ordered consumption", Topology: conformance.TwoBrokers, Needs: conformance.Control, Slow: true, Codes: with(consuming, protocol.LockBatchMQ)},
			run:  orderedBrokerReturns, properties: quickRebalance,
		},
		{Case: c{Name: "namespaces", Feature: "namespaces", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: namespaces},
		{Case: c{Name: "namespaces-v2", Feature: "namespaces", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: namespacesV2, only: javadriver.V550},
		{Case: c{Name: "traces", Feature: "message traces", Settings: tracing, Codes: with(consuming, protocol.QueryMessage, protocol.EndTransaction, protocol.CheckTransactionState), Timeout: 2 * time.Minute}, run: traces},
		{Case: c{Name: "own-trace-topic", Feature: "message traces", Settings: tracing, Codes: with(consuming, protocol.QueryMessage), Timeout: 2 * time.Minute}, run: ownTraceTopic},
		{Case: c{Name: "broadcast", Feature: "broadcasting", Codes: consuming}, run: broadcast},
		{Case: c{Name: "pull-consumer", Feature: "pulling", Codes: with(producing, protocol.PullMessage, protocol.UpdateConsumerOffset, protocol.QueryConsumerOffset), Timeout: 2 * time.Minute}, run: oldPull},
		{Case: c{Name: "lite-pull-consumer", Feature: "pulling", Codes: with(consuming, protocol.LitePullMessage), Timeout: 2 * time.Minute}, run: litePull},
		{Case: c{Name: "queue-offsets", Feature: "queue offsets", Codes: with(producing, protocol.GetMinOffset, protocol.GetMaxOffset, protocol.SearchOffsetByTimestamp, protocol.GetEarliestMsgStoretime)}, run: queueOffsets},
		{Case: c{Name: "retry-then-dead-letter", Feature: "retries and dead letters", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: retryThenDeadLetter},
		{Case: c{Name: "send-back", Feature: "retries and dead letters", Settings: quickRetries, Codes: with(producing, protocol.PullMessage, protocol.ConsumerSendMsgBack, protocol.ViewMessageByID)}, run: sendBack},
		{Case: c{Name: "listener-throws", Feature: "retries and dead letters", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: listenerThrows},
		{Case: c{Name: "part-of-a-batch", Feature: "retries and dead letters", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: partOfBatch},
		{Case: c{Name: "listener-hangs", Feature: "retries and dead letters", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack), Timeout: 2 * time.Minute}, run: listenerHangs},
		{Case: c{Name: "delayed-message", Feature: "scheduled messages", Settings: quickRetries, Codes: consuming}, run: delayedMessage},
		{Case: c{Name: "timer-messages", Feature: "timer messages", Settings: recalls, Codes: consuming}, run: timerMessages, only: javadriver.V550},
		{Case: c{Name: "recall", Feature: "timer messages", Settings: recalls, Codes: with(consuming, protocol.RecallMessage)}, run: recall, only: javadriver.V550, properties: recallTraces},
		{Case: c{Name: "recall-forbidden", Feature: "timer messages", Settings: noRecalls, Codes: with(producing, protocol.RecallMessage)}, run: recallForbidden, only: javadriver.V550},
		{Case: c{Name: "offset-continuation", Feature: "consumer offsets", Codes: consuming, Timeout: 2 * time.Minute}, run: offsetContinuation},
		{Case: c{Name: "from-last-offset", Feature: "consumer offsets", Codes: consuming}, run: fromLastOffset},
		{Case: c{Name: "cloned-offsets", Feature: "consumer offsets by administrators", Codes: with(consuming, protocol.CloneGroupOffset)}, run: clonedOffsets},
		{Case: c{Name: "relays", Feature: "consumers seen by administrators", Codes: with(consuming, protocol.GetConsumerConnectionList, protocol.GetConsumerRunningInfo, protocol.InvokeBrokerToGetConsumerStatus)}, run: relays},
		{Case: c{Name: "direct-consumption", Feature: "consumers seen by administrators", Codes: with(consuming, protocol.GetConsumerConnectionList, protocol.ConsumeMessageDirectly)}, run: directConsumption},
		{Case: c{Name: "relayed-reset", Feature: "consumers seen by administrators", Slow: true, Timeout: 2 * time.Minute, Codes: with(consuming, protocol.InvokeBrokerToResetOffset, protocol.ResetConsumerClientOffset)}, run: relayedReset, properties: quickRebalance},
		{Case: c{Name: "unit-mode", Feature: "unit mode", Settings: quickRetries, Codes: with(consuming, protocol.ConsumerSendMsgBack, protocol.GetTopicConfig), Timeout: 2 * time.Minute}, run: unitMode},
		{Case: c{Name: "light-queues", Feature: "light message queues", Settings: lightMessageQueues, Codes: with(producing, protocol.PullMessage, protocol.UpdateConsumerOffset, protocol.QueryConsumerOffset, protocol.GetMaxOffset)}, run: lightQueues},
		{Case: c{
			Name: "from-a-time", Feature: "consumer offsets", Needs: conformance.Control, Slow: true, Settings: smallLog, Codes: with(consuming, protocol.SearchOffsetByTimestamp),
		}, run: fromTime},
		{Case: c{Name: "rebalance", Feature: "rebalancing", Codes: consuming, Timeout: 3 * time.Minute}, run: rebalance},
		{Case: c{Name: "pop", Feature: "POP consumption", Codes: popped, Timeout: 2 * time.Minute}, run: popConsumers, only: javadriver.V550},
		{Case: c{Name: "pop-priority", Feature: "priority messages", Codes: popped, Timeout: 2 * time.Minute}, run: popPriority, only: javadriver.V550},
		{Case: c{
			Name: "static-topic-moves", Feature: "static topics", Topology: conformance.TwoBrokers, InTurn: true, Slow: true, Timeout: 3 * time.Minute,
			Codes: with(consuming, protocol.UpdateAndCreateStaticTopic),
		}, run: staticTopicMoves, only: javadriver.V550},
		{Case: c{Name: "pop-sql-filter", Feature: "POP consumption", Settings: propertyFilters, Codes: with(popped, protocol.CheckClientConfig), Timeout: 2 * time.Minute}, run: popSQL, only: javadriver.V550},
		{Case: c{Name: "pop-sql-refused", Feature: "POP consumption", Codes: with(producing, protocol.SetMessageRequestMode, protocol.CheckClientConfig)}, run: popSQLRefused, only: javadriver.V550},
		{Case: c{Name: "pop-orderly-listener", Feature: "POP consumption", Codes: with(consuming, protocol.SetMessageRequestMode, protocol.LockBatchMQ), Timeout: 2 * time.Minute}, run: popOrderly, only: javadriver.V550},
		{Case: c{Name: "pop-again", Feature: "POP consumption", Settings: propertyFilters, Codes: append([]protocol.RequestCode{protocol.ChangeMessageInvisibletime}, popped...), Slow: true, Timeout: 3 * time.Minute}, run: popAgain, only: javadriver.V550},
		{Case: c{Name: "pop-across-a-kill", Feature: "POP consumption", Needs: conformance.Control, Slow: true, Codes: popped, Timeout: 5 * time.Minute}, run: popAcrossKill, only: javadriver.V550},
		{Case: c{Name: "heartbeat-v2", Feature: "heartbeats and clients", Codes: consuming, Timeout: 2 * time.Minute}, run: heartbeatV2, only: javadriver.V550},
		{Case: c{Name: "transaction-producer-gone", Feature: "transactions", Settings: quickChecks, Codes: with(consuming, protocol.EndTransaction, protocol.CheckTransactionState), Timeout: 3 * time.Minute}, run: transactionProducerGone},
		{Case: c{Name: "transactions-across-a-restart", Feature: "transactions", Needs: conformance.Control, Slow: true, Settings: quickChecks, Codes: with(consuming, protocol.EndTransaction, protocol.CheckTransactionState), Timeout: 5 * time.Minute}, run: transactionsAcrossRestart},
		{Case: c{Name: "transactions-across-a-kill", Feature: "transactions", Needs: conformance.Control, Slow: true, Settings: quickChecks, Codes: with(consuming, protocol.EndTransaction, protocol.CheckTransactionState), Timeout: 5 * time.Minute}, run: transactionsAcrossKill},
		{Case: c{Name: "transactions", Feature: "transactions", Settings: quickChecks, Codes: with(consuming, protocol.EndTransaction, protocol.CheckTransactionState), Timeout: 3 * time.Minute}, run: transactions},
		{
			Case:       c{Name: "tls", Feature: "TLS", Codes: consuming, Timeout: 2 * time.Minute},
			run:        tls,
			properties: map[string]string{"tls.enable": "true"},
		},
		{
			Case: c{Name: "binary-headers", Feature: "binary headers", Codes: with(consuming, protocol.SendMessage), Timeout: 2 * time.Minute},
			run:  binaryHeaders,
			// The second property makes the client use SEND_MESSAGE instead of SEND_MESSAGE_V2.
			properties: map[string]string{"rocketmq.serialize.type": "ROCKETMQ", "org.apache.rocketmq.client.sendSmartMsg": "false"},
		},
	}
}

// Cases lists the cases of both releases of the Java client, and the example programs. The
// processes that they need are taken from the pool.
func Cases(pool *javadriver.Pool) []conformance.Case {
	var all []conformance.Case
	for _, release := range []struct {
		version string
		client  conformance.Client
	}{{javadriver.V498, conformance.Java498}, {javadriver.V550, conformance.Java550}} {
		for _, e := range entries() {
			if e.only != "" && e.only != release.version {
				continue
			}
			c := e.Case
			c.Name, c.Client = string(release.client)+"/"+c.Name, release.client
			if c.Topology.Name == "" {
				c.Topology = conformance.SingleBroker
			}
			options := javadriver.Options{Release: release.version, Properties: e.properties}
			c.Run = func(t *conformance.T) { e.run(newKit(t, pool, options)) }
			all = append(all, c)
		}
	}
	return append(all, conformance.Case{
		Name: "example/quickstart", Client: conformance.Example, Feature: "sending", Codes: consuming,
		Topology: conformance.SingleBroker, Timeout: 3 * time.Minute, Run: quickstart,
	})
}
