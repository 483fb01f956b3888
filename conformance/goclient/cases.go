package goclient

import (
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// shortDelay is what every delay level is set to where cases wait for one.
const shortDelay = time.Second

// quickRetries shortens the schedule that retries wait in.
var quickRetries = conformance.Settings{Broker: map[string]string{
	"messageDelayLevel": "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
}}

// Request codes that every producer, and every push consumer, of this client sends.
var (
	producing = []protocol.RequestCode{protocol.GetRouteinfoByTopic, protocol.SendMessage, protocol.HeartBeat}
	consuming = append([]protocol.RequestCode{
		protocol.PullMessage, protocol.GetConsumerListByGroup, protocol.QueryConsumerOffset, protocol.UpdateConsumerOffset,
		protocol.NotifyConsumerIDsChanged, protocol.GetMaxOffset,
	}, producing...)
)

// Cases lists the cases of the Go client. kills is how often those about kills end the target's broker.
func Cases(kills int) []conformance.Case {
	cases := []conformance.Case{
		{Name: "send-sync", Feature: "sending", Codes: consuming, Run: sendSync},
		{Name: "send-async", Feature: "sending", Codes: consuming, Run: sendAsync},
		{Name: "send-one-way", Feature: "sending", Codes: consuming, Run: sendOneWay},
		{Name: "send-batch", Feature: "batches", Codes: append([]protocol.RequestCode{protocol.SendBatchMessage}, consuming...), Run: sendBatch},
		{Name: "tags", Feature: "tag filters", Codes: consuming, Run: tags},
		{Name: "sql-filter", Feature: "SQL92 filters", Settings: propertyFilters, Codes: consuming, Run: sqlFilter},
		{Name: "sql-refused", Feature: "SQL92 filters", Codes: consuming, Run: sqlRefused},
		{Name: "keys-and-properties", Feature: "keys and properties", Codes: consuming, Run: keysAndProperties},
		{Name: "body-sizes", Feature: "large and compressed bodies", Codes: consuming, Timeout: 2 * time.Minute, Run: bodySizes},
		{Name: "body-too-large", Feature: "large and compressed bodies", Codes: producing, Run: bodyTooLarge},
		{Name: "auto-creation", Feature: "topic creation", Codes: consuming, Run: autoCreation},
		{Name: "refused-topics", Feature: "permissions", Codes: append([]protocol.RequestCode{protocol.PullMessage}, producing...), Run: refusedTopics},
		{Name: "disabled-group", Feature: "permissions", Codes: append([]protocol.RequestCode{protocol.UpdateAndCreateSubscriptiongroup}, consuming...), Run: disabledGroup},
		{Name: "forbidden-topic", Feature: "permissions", Codes: append([]protocol.RequestCode{protocol.UpdateAndGetGroupForbidden}, consuming...), Run: forbiddenTopic},
		{Name: "request-reply", Feature: "request and reply", Codes: append([]protocol.RequestCode{protocol.SendReplyMessage, protocol.PushReplyMessageToClient}, consuming...), Timeout: 2 * time.Minute, Run: requestReply},
		{Name: "ordered-push", Feature: "ordered consumption", Codes: append([]protocol.RequestCode{protocol.LockBatchMQ, protocol.UnlockBatchMQ}, consuming...), Timeout: 2 * time.Minute, Run: orderedPush},
		{Name: "ordered-dead-letter", Feature: "ordered consumption", Codes: append([]protocol.RequestCode{protocol.LockBatchMQ, protocol.ConsumerSendMsgBack}, consuming...), Timeout: 2 * time.Minute, Run: orderedDeadLetter},
		{Name: "ordered-broker-returns", Feature: "ordered consumption", Topology: conformance.TwoBrokers, Needs: conformance.Control, Slow: true, Timeout: 5 * time.Minute, Codes: append([]protocol.RequestCode{protocol.LockBatchMQ}, consuming...), Run: orderedBrokerReturns},
		{Name: "broadcast", Feature: "broadcasting", Codes: consuming, Run: broadcast},
		{Name: "pull-consumer", Feature: "pulling", Codes: consuming, Run: pullConsumer},
		{Name: "retry-then-dead-letter", Feature: "retries and dead letters", Settings: quickRetries, Codes: append([]protocol.RequestCode{protocol.ConsumerSendMsgBack}, consuming...), Timeout: 2 * time.Minute, Run: retryThenDeadLetter},
		{Name: "delayed-message", Feature: "scheduled messages", Settings: quickRetries, Codes: consuming, Run: delayedMessage},
		{Name: "timer-messages", Feature: "timer messages", Settings: timers, Codes: consuming, Run: timerMessages},
		{Name: "offset-continuation", Feature: "consumer offsets", Codes: consuming, Timeout: 2 * time.Minute, Run: offsetContinuation},
		{Name: "cloned-offsets", Feature: "consumer offsets by administrators", Codes: append([]protocol.RequestCode{protocol.CloneGroupOffset}, consuming...), Run: clonedOffsets},
		{Name: "namespaces", Feature: "namespaces", Codes: append([]protocol.RequestCode{protocol.ConsumerSendMsgBack, protocol.GetConsumerConnectionList, protocol.GetTopicConfig}, consuming...), Run: namespaces},
		{Name: "traces", Feature: "message traces", Settings: tracing, Codes: append([]protocol.RequestCode{protocol.QueryMessage, protocol.EndTransaction}, consuming...), Run: traces},
		{Name: "relays", Feature: "consumers seen by administrators", Codes: append([]protocol.RequestCode{protocol.GetConsumerConnectionList, protocol.GetConsumerRunningInfo, protocol.InvokeBrokerToGetConsumerStatus, protocol.ConsumeMessageDirectly}, consuming...), Run: relays},
		{Name: "relayed-reset", Feature: "consumers seen by administrators", Slow: true, Timeout: 2 * time.Minute, Codes: append([]protocol.RequestCode{protocol.InvokeBrokerToResetOffset, protocol.ResetConsumerClientOffset}, consuming...), Run: relayedReset},
		{Name: "rebalance", Feature: "rebalancing", Codes: consuming, Timeout: 3 * time.Minute, Run: rebalance},
		{Name: "transactions", Feature: "transactions", Settings: quickChecks, Slow: true, Codes: append([]protocol.RequestCode{protocol.EndTransaction, protocol.CheckTransactionState}, consuming...), Timeout: 3 * time.Minute, Run: transactions},
		{Name: "transaction-producer-gone", Feature: "transactions", Settings: quickChecks, Slow: true, Codes: append([]protocol.RequestCode{protocol.EndTransaction, protocol.CheckTransactionState}, consuming...), Timeout: 3 * time.Minute, Run: transactionProducerGone},
		{Name: "transactions-across-a-restart", Feature: "transactions", Needs: conformance.Control, Settings: quickChecks, Slow: true, Codes: append([]protocol.RequestCode{protocol.EndTransaction, protocol.CheckTransactionState}, consuming...), Timeout: 5 * time.Minute, Run: transactionsAcrossRestart},
		{Name: "transactions-across-a-kill", Feature: "transactions", Needs: conformance.Control, Settings: quickChecks, Slow: true, Codes: append([]protocol.RequestCode{protocol.EndTransaction, protocol.CheckTransactionState}, consuming...), Timeout: 5 * time.Minute, Run: transactionsAcrossKill},
		{Name: "two-name-servers", Feature: "sending", Topology: conformance.TwoNameServers, Codes: consuming, Run: sendSync},
		{Name: "two-brokers", Feature: "sending", Topology: conformance.TwoBrokers, Codes: consuming, Run: autoCreation},
		{Name: "official-broker", Feature: "mixed with the official release", Topology: conformance.OfficialBroker, Slow: true, Codes: append([]protocol.RequestCode{protocol.RegisterBroker}, consuming...), Run: mixed},
		{Name: "official-name-server", Feature: "mixed with the official release", Topology: conformance.OfficialNameServer, Slow: true, Codes: append([]protocol.RequestCode{protocol.RegisterBroker}, consuming...), Run: mixed},
		{Name: "kill-async-flush", Feature: "durability", Needs: conformance.Control, Settings: flush("ASYNC_FLUSH"), Slow: true, Timeout: 20 * time.Minute, Codes: consuming, Run: killUnderLoad(kills)},
		{Name: "kill-sync-flush", Feature: "durability", Needs: conformance.Control, Settings: flush("SYNC_FLUSH"), Slow: true, Timeout: 20 * time.Minute, Codes: consuming, Run: killUnderLoad(kills)},
		{Name: "hand-over", Feature: "data directory", Needs: conformance.Control, Slow: true, Timeout: 10 * time.Minute, Codes: append([]protocol.RequestCode{protocol.UpdateAndCreateStaticTopic}, consuming...), Run: handOver},
		{Name: "hand-over-rounds", Feature: "data directory", Needs: conformance.Control, Settings: tinyFiles, Slow: true, Timeout: 10 * time.Minute, Codes: append([]protocol.RequestCode{protocol.QueryMessage, protocol.SendBatchMessage, protocol.ConsumerSendMsgBack}, consuming...), Run: handOverRounds(false)},
		{Name: "hand-over-compaction", Feature: "data directory", Needs: conformance.Control, Settings: oftenCompacted, Slow: true, Timeout: 5 * time.Minute, Codes: append([]protocol.RequestCode{protocol.UpdateAndCreateTopic, protocol.PullMessage}, producing...), Run: handOverCompaction},
		{Name: "hand-over-damage", Feature: "data directory", Needs: conformance.Control, OwnTool: true, Settings: tinyFiles, Slow: true, Timeout: 5 * time.Minute, Codes: consuming, Run: damaged},
		{Name: "hand-over-checksums", Feature: "data directory", Needs: conformance.Control, Settings: tinyFilesWithChecksums, Slow: true, Timeout: 10 * time.Minute, Codes: append([]protocol.RequestCode{protocol.SendBatchMessage, protocol.ConsumerSendMsgBack}, consuming...), Run: handOverRounds(true)},
		{Name: "hand-over-kill", Feature: "data directory", Needs: conformance.Control, Settings: tinyFiles, Slow: true, Timeout: 10 * time.Minute, Codes: append([]protocol.RequestCode{protocol.SendBatchMessage, protocol.ConsumerSendMsgBack}, consuming...), Run: handOverRounds(true)},
		{Name: "name-server-restart", Feature: "name server: restart", Needs: conformance.Control, Slow: true, Timeout: 3 * time.Minute, Codes: append([]protocol.RequestCode{protocol.PutKVConfig, protocol.GetKVConfig, protocol.RegisterBroker}, producing...), Run: nameServerRestart},
		{Name: "one-name-server-down", Feature: "name server: restart", Needs: conformance.Control, Topology: conformance.TwoNameServers, Slow: true, Timeout: 3 * time.Minute, Codes: consuming, Run: oneNameServerDown},
		{Name: "restart", Feature: "durability", Needs: conformance.Control, Settings: smallLog, Slow: true, Timeout: 5 * time.Minute, Codes: append([]protocol.RequestCode{protocol.SearchOffsetByTimestamp, protocol.GetMinOffset}, consuming...), Run: restart},
	}
	for i := range cases {
		c := &cases[i]
		c.Name, c.Client = "go/"+c.Name, conformance.Go
		if c.Topology.Name == "" {
			c.Topology = conformance.SingleBroker
		}
	}
	return cases
}

func flush(kind string) conformance.Settings {
	return conformance.Settings{Broker: map[string]string{"flushDiskType": kind}}
}
