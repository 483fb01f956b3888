package broker

import (
	"time"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// pools are the bounded workers of what may wait or read the disk.
type pools struct {
	pull   *remoting.Pool // pulls of messages that are no longer in memory
	query  *remoting.Pool // messages by id and key
	reply  *remoting.Pool // replies that are pushed to a client
	back   *remoting.Pool // messages sent back, each of which reads its original, and the first of a topic
	end    *remoting.Pool // ends of transactions: each reads its half message
	ack    *remoting.Pool // acknowledgements of pops
	assign *remoting.Pool // shares of queues: each may ask a name server
	relay  *remoting.Pool // administrators' questions that a client answers
	admin  *remoting.Pool // everything else
}

func newPools(cfg *Config) *pools {
	pool := func(name string, workers, queue int32) *remoting.Pool {
		return remoting.NewPool(remoting.PoolOptions{Name: name, Workers: int(workers), Queue: int(queue)})
	}
	p := &pools{
		pull:   pool("pull", cfg.PullMessageThreadPoolNums, cfg.PullThreadPoolQueueCapacity),
		query:  pool("query", cfg.QueryMessageThreadPoolNums, cfg.QueryThreadPoolQueueCapacity),
		reply:  pool("reply", cfg.ReplyMessageThreadPoolNums, cfg.ReplyThreadPoolQueueCapacity),
		back:   pool("sendback", cfg.SendMessageThreadPoolNums, cfg.SendThreadPoolQueueCapacity),
		end:    pool("transaction", cfg.EndTransactionThreadPoolNums, cfg.EndTransactionPoolQueueCapacity),
		ack:    pool("ack", cfg.AckMessageThreadPoolNums, cfg.AckThreadPoolQueueCapacity),
		assign: pool("assignment", cfg.LoadBalanceProcessorThreadPoolNums, cfg.LoadBalanceThreadPoolQueueCapacity),
		relay:  pool("relay", cfg.AdminBrokerThreadPoolNums, cfg.AdminBrokerThreadPoolQueueCapacity),
		admin:  pool("admin", cfg.AdminBrokerThreadPoolNums, cfg.AdminBrokerThreadPoolQueueCapacity),
	}
	p.tune(cfg)
	return p
}

// tune sets how long requests may wait for a worker. Upstream looks at these
// settings every few milliseconds; what they do not bound waits as long as it
// takes.
func (p *pools) tune(cfg *Config) {
	fast := func(wait time.Duration) time.Duration {
		if !cfg.BrokerFastFailureEnable {
			return 0
		}
		return wait
	}
	p.pull.SetMaxWait(fast(cfg.WaitInPullQueue))
	p.back.SetMaxWait(fast(cfg.WaitInSendQueue))
	p.end.SetMaxWait(fast(cfg.WaitInTransactionQueue))
	p.ack.SetMaxWait(fast(cfg.WaitInAckQueue))
	p.relay.SetMaxWait(fast(cfg.WaitInAdminBrokerQueue))
	p.admin.SetMaxWait(fast(cfg.WaitInAdminBrokerQueue))
}

func (p *pools) close() {
	for _, pool := range []*remoting.Pool{p.pull, p.query, p.reply, p.back, p.end, p.ack, p.assign, p.relay, p.admin} {
		pool.Close()
	}
}

// table lists what the broker serves. Upstream keeps pulls off the second (VIP)
// port, since a pull may hold its connection's worker; so do we, and for them
// that port answers as it answers any code it does not know.
func (b *Broker) table(vip bool) (*remoting.Table, error) {
	routes := []remoting.Route{
		// Messages. What has no worker runs in the reader of its connection.
		{Code: protocol.SendMessage, Handle: b.sendMessage, Reject: b.rejectSend},
		{Code: protocol.SendMessageV2, Handle: b.sendMessage, Reject: b.rejectSend},
		{Code: protocol.SendBatchMessage, Handle: b.sendMessage, Reject: b.rejectSend},
		{Code: protocol.ConsumerSendMsgBack, Handle: b.sendBack, Worker: b.pools.back, Reject: b.rejectSend},
		{Code: protocol.SendReplyMessage, Handle: b.replyMessage, Worker: b.pools.reply},
		{Code: protocol.SendReplyMessageV2, Handle: b.replyMessage, Worker: b.pools.reply},
		{Code: protocol.EndTransaction, Handle: b.endTransaction, Worker: b.pools.end},
		{Code: protocol.RecallMessage, Handle: b.recallMessage, Worker: b.pools.back},
		{Code: protocol.QueryMessage, Handle: b.queryMessage, Worker: b.pools.query},
		{Code: protocol.ViewMessageByID, Handle: b.viewMessage, Worker: b.pools.query},

		// Clients.
		{Code: protocol.HeartBeat, Handle: b.heartbeat},
		{Code: protocol.UnregisterClient, Handle: b.unregisterClient},
		{Code: protocol.CheckClientConfig, Handle: b.checkClientConfig},
		{Code: protocol.GetConsumerListByGroup, Handle: b.consumerList},
		{Code: protocol.QueryConsumerOffset, Handle: b.queryConsumerOffset},
		{Code: protocol.UpdateConsumerOffset, Handle: b.updateConsumerOffset},
		{Code: protocol.LockBatchMQ, Handle: b.lockQueues},
		{Code: protocol.UnlockBatchMQ, Handle: b.unlockQueues},
		{Code: protocol.GetMaxOffset, Handle: b.getMaxOffset},
		{Code: protocol.GetMinOffset, Handle: b.getMinOffset},
		{Code: protocol.SearchOffsetByTimestamp, Handle: b.searchOffset, Worker: b.pools.admin},
		{Code: protocol.GetEarliestMsgStoretime, Handle: b.getEarliestStoreTime, Worker: b.pools.admin},

		// Administration.
		{Code: protocol.UpdateAndCreateTopic, Handle: b.updateTopic, Worker: b.pools.admin},
		{Code: protocol.UpdateAndCreateTopicList, Handle: b.updateTopicList, Worker: b.pools.admin},
		{Code: protocol.UpdateAndCreateStaticTopic, Handle: b.updateStaticTopic, Worker: b.pools.admin},
		{Code: protocol.DeleteTopicInBroker, Handle: b.deleteTopic, Worker: b.pools.admin},
		{Code: protocol.GetAllTopicConfig, Handle: b.allTopicConfigs, Worker: b.pools.admin},
		{Code: protocol.GetTopicConfig, Handle: b.topicConfig, Worker: b.pools.admin},
		{Code: protocol.GetSystemTopicListFromBroker, Handle: b.systemTopics, Worker: b.pools.admin},
		{Code: protocol.UpdateAndCreateSubscriptiongroup, Handle: b.updateGroup, Worker: b.pools.admin},
		{Code: protocol.UpdateAndCreateSubscriptiongroupList, Handle: b.updateGroupList, Worker: b.pools.admin},
		{Code: protocol.GetAllSubscriptiongroupConfig, Handle: b.allGroupConfigs, Worker: b.pools.admin},
		{Code: protocol.GetSubscriptiongroupConfig, Handle: b.groupConfig, Worker: b.pools.admin},
		{Code: protocol.DeleteSubscriptiongroup, Handle: b.deleteGroup, Worker: b.pools.admin},
		{Code: protocol.QueryTopicConsumeByWho, Handle: b.whoConsumes, Worker: b.pools.admin},
		{Code: protocol.QueryTopicsByConsumer, Handle: b.topicsOfConsumer, Worker: b.pools.admin},
		{Code: protocol.GetTopicStatsInfo, Handle: b.topicStats, Worker: b.pools.admin},
		{Code: protocol.GetConsumeStats, Handle: b.consumeStats, Worker: b.pools.admin},
		{Code: protocol.ViewBrokerStatsData, Handle: b.brokerStats, Worker: b.pools.admin},
		{Code: protocol.GetAllConsumerOffset, Handle: b.allConsumerOffsets, Worker: b.pools.admin},
		{Code: protocol.GetAllDelayOffset, Handle: b.allDelayOffsets, Worker: b.pools.admin},
		{Code: protocol.GetConsumerConnectionList, Handle: b.consumerConnections, Worker: b.pools.admin},
		{Code: protocol.GetProducerConnectionList, Handle: b.producerConnections, Worker: b.pools.admin},
		{Code: protocol.GetAllProducerInfo, Handle: b.allProducers, Worker: b.pools.admin},
		{Code: protocol.GetBrokerRuntimeInfo, Handle: b.runtimeInfo, Worker: b.pools.admin},
		{Code: protocol.GetBrokerConfig, Handle: b.getConfig, Worker: b.pools.admin},
		{Code: protocol.UpdateBrokerConfig, Handle: b.updateConfig, Worker: b.pools.admin},
		{Code: protocol.InvokeBrokerToResetOffset, Handle: b.resetOffset, Worker: b.pools.admin},
		{Code: protocol.QueryConsumeTimeSpan, Handle: b.consumeTimeSpan, Worker: b.pools.admin},
		{Code: protocol.CloneGroupOffset, Handle: b.cloneOffsets, Worker: b.pools.admin},
		{Code: protocol.ResumeCheckHalfMessage, Handle: b.resumeCheck, Worker: b.pools.admin},
		{Code: protocol.GetBrokerConsumeStats, Handle: b.allConsumeStats, Worker: b.pools.admin},
		{Code: protocol.QueryCorrectionOffset, Handle: b.correctionOffsets, Worker: b.pools.admin},
		{Code: protocol.QueryConsumeQueue, Handle: b.showQueue, Worker: b.pools.admin},
		{Code: protocol.QuerySubscriptionByConsumer, Handle: b.groupSubscription, Worker: b.pools.admin},
		{Code: protocol.UpdateAndGetGroupForbidden, Handle: b.groupForbidden, Worker: b.pools.admin},
		{Code: protocol.CleanExpiredConsumequeue, Handle: b.cleanExpiredQueues, Worker: b.pools.admin},
		{Code: protocol.CleanUnusedTopic, Handle: b.cleanUnusedTopics, Worker: b.pools.admin},
		{Code: protocol.DeleteExpiredCommitlog, Handle: b.deleteExpiredFiles, Worker: b.pools.admin},
		{Code: protocol.UpdateColdDataFlowCtrConfig, Handle: b.setColdLimits, Worker: b.pools.admin},
		{Code: protocol.RemoveColdDataFlowCtrConfig, Handle: b.removeColdLimit, Worker: b.pools.admin},
		{Code: protocol.GetColdDataFlowCtrInfo, Handle: b.coldLimitInfo, Worker: b.pools.admin},
		{Code: protocol.SetCommitlogReadMode, Handle: b.setReadAhead, Worker: b.pools.admin},

		{Code: protocol.GetTimerCheckPoint, Handle: b.timerCheckpoint, Worker: b.pools.admin},
		{Code: protocol.GetTimerMetrics, Handle: b.timerMetrics, Worker: b.pools.admin},
		{Code: protocol.SwitchTimerEngine, Handle: b.switchTimer, Worker: b.pools.admin},

		// Features that are off.
		{Code: protocol.NotifyMinBrokerIDChange, Handle: b.minBrokerChanged, Worker: b.pools.admin},
		{Code: protocol.ExchangeBrokerHAInfo, Handle: b.exchangeHAInfo, Worker: b.pools.admin},
		{Code: protocol.GetBrokerHAStatus, Handle: b.haStatus, Worker: b.pools.admin},
		{Code: protocol.ResetMasterFlushOffset, Handle: b.ignored, Worker: b.pools.admin},
		{Code: protocol.GetBrokerEpochCache, Handle: b.epochCache, Worker: b.pools.admin},
		{Code: protocol.NotifyBrokerRoleChanged, Handle: b.ignored, Worker: b.pools.admin},
		{Code: protocol.AuthCreateUser, Handle: b.writeUser, Worker: b.pools.admin},
		{Code: protocol.AuthUpdateUser, Handle: b.writeUser, Worker: b.pools.admin},
		{Code: protocol.AuthDeleteUser, Handle: b.deleteUser, Worker: b.pools.admin},
		{Code: protocol.AuthGetUser, Handle: b.getUser, Worker: b.pools.admin},
		{Code: protocol.AuthListUser, Handle: b.listAuth, Worker: b.pools.admin},
		{Code: protocol.AuthCreateACL, Handle: b.writeAccessList, Worker: b.pools.admin},
		{Code: protocol.AuthUpdateACL, Handle: b.writeAccessList, Worker: b.pools.admin},
		{Code: protocol.AuthDeleteACL, Handle: b.accessListRequest, Worker: b.pools.admin},
		{Code: protocol.AuthGetACL, Handle: b.accessListRequest, Worker: b.pools.admin},
		{Code: protocol.AuthListACL, Handle: b.listAuth, Worker: b.pools.admin},
		{Code: protocol.CheckRocksdbCQWriteProgress, Handle: b.checkRocksDB, Worker: b.pools.admin},
		{Code: protocol.ExportRocksdbConfigToJson, Handle: b.exportRocksDB, Worker: b.pools.admin},
		{Code: protocol.GetAllMessageRequestMode, Handle: b.requestModes, Worker: b.pools.admin},
		{Code: protocol.SetMessageRequestMode, Handle: b.setRequestMode, Worker: b.pools.admin},
		{Code: protocol.QueryAssignment, Handle: b.queryAssignment, Worker: b.pools.assign},

		// Pops. They may read the disk, and append.
		{Code: protocol.PopMessage, Handle: b.popMessage, Worker: b.pools.pull},
		{Code: protocol.PeekMessage, Handle: b.peekMessage, Worker: b.pools.pull},
		{Code: protocol.Notification, Handle: b.notifyPop, Worker: b.pools.pull},
		{Code: protocol.PollingInfo, Handle: b.pollingInfo, Worker: b.pools.pull},
		{Code: protocol.AckMessage, Handle: b.ackMessage, Worker: b.pools.ack},
		{Code: protocol.BatchAckMessage, Handle: b.batchAck, Worker: b.pools.ack},
		{Code: protocol.ChangeMessageInvisibletime, Handle: b.changeInvisible, Worker: b.pools.ack},
		{Code: protocol.PopRollback, Handle: b.popRollback, Worker: b.pools.admin},
		{Code: protocol.GetBrokerLiteInfo, Handle: b.liteInfo, Worker: b.pools.admin},
		{Code: protocol.LiteSubscriptionCtl, Handle: b.changeLite, Worker: b.pools.assign},
		{Code: protocol.GetParentTopicInfo, Handle: b.parentTopicInfo, Worker: b.pools.admin},
		{Code: protocol.GetLiteTopicInfo, Handle: b.liteTopicInfo, Worker: b.pools.admin},
		{Code: protocol.GetLiteClientInfo, Handle: b.liteClientInfo, Worker: b.pools.admin},
		{Code: protocol.GetLiteGroupInfo, Handle: b.liteGroupInfo, Worker: b.pools.admin},
		{Code: protocol.TriggerLiteDispatch, Handle: b.triggerLite, Worker: b.pools.admin},

		// Questions that a client answers: each holds a worker until it has.
		{Code: protocol.InvokeBrokerToGetConsumerStatus, Handle: b.consumerStatus, Worker: b.pools.relay},
		{Code: protocol.GetConsumerRunningInfo, Handle: b.consumerRunningInfo, Worker: b.pools.relay},
		{Code: protocol.ConsumeMessageDirectly, Handle: b.consumeDirectly, Worker: b.pools.relay},
	}
	if !vip {
		routes = append(routes,
			remoting.Route{Code: protocol.PullMessage, Handle: b.pullMessage},
			remoting.Route{Code: protocol.LitePullMessage, Handle: b.pullMessage},
			remoting.Route{Code: protocol.PopLiteMessage, Handle: b.popLite, Worker: b.pools.pull},
		)
	}
	return remoting.NewTable(routes...)
}

// rejectSend turns sends away before they are looked at.
func (b *Broker) rejectSend() bool { return b.config.Load().BrokerRole == "SLAVE" }
