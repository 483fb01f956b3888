package broker

import "github.com/gantrymq/gantry/protocol"

// unserved is the ledger of requests that an official broker serves and this one
// answers as unknown, each with its reason. A test proves that every request
// code of 5.5.0 is either served or stands here.
var unserved = map[protocol.RequestCode]string{

	protocol.EndTransaction:         "transactions are not in this version; half messages are refused when they are sent",
	protocol.ResumeCheckHalfMessage: "transactions are not in this version; half messages are refused when they are sent",

	protocol.GetTimerCheckPoint: "messages with an arbitrary delivery time are not in this version",
	protocol.GetTimerMetrics:    "messages with an arbitrary delivery time are not in this version",
	protocol.RecallMessage:      "messages with an arbitrary delivery time are not in this version",
	protocol.SwitchTimerEngine:  "messages with an arbitrary delivery time are not in this version",

	protocol.CheckRocksdbCQWriteProgress: "nothing is kept in RocksDB",
	protocol.ExportRocksdbConfigToJson:   "nothing is kept in RocksDB",

	protocol.QueryAssignment:            "POP consumption is not in this version",
	protocol.SetMessageRequestMode:      "POP consumption is not in this version",
	protocol.GetAllMessageRequestMode:   "POP consumption is not in this version",
	protocol.PopMessage:                 "POP consumption is not in this version",
	protocol.AckMessage:                 "POP consumption is not in this version",
	protocol.PeekMessage:                "POP consumption is not in this version",
	protocol.ChangeMessageInvisibletime: "POP consumption is not in this version",
	protocol.Notification:               "POP consumption is not in this version",
	protocol.PollingInfo:                "POP consumption is not in this version",
	protocol.PopRollback:                "POP consumption is not in this version",
	protocol.BatchAckMessage:            "POP consumption is not in this version",

	protocol.UpdateAndCreateStaticTopic: "static topics are not in this version",

	protocol.NotifyMinBrokerIDChange: "replication and controller mode are not in this version",
	protocol.ExchangeBrokerHAInfo:    "replication and controller mode are not in this version",
	protocol.GetBrokerHAStatus:       "replication and controller mode are not in this version",
	protocol.ResetMasterFlushOffset:  "replication and controller mode are not in this version",
	protocol.GetBrokerEpochCache:     "replication and controller mode are not in this version",
	protocol.NotifyBrokerRoleChanged: "replication and controller mode are not in this version",

	protocol.UpdateColdDataFlowCtrConfig: "cold-data flow control is not in this version",
	protocol.RemoveColdDataFlowCtrConfig: "cold-data flow control is not in this version",
	protocol.GetColdDataFlowCtrInfo:      "cold-data flow control is not in this version",
	protocol.SetCommitlogReadMode:        "cold-data flow control is not in this version",

	protocol.AuthCreateUser: "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthUpdateUser: "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthDeleteUser: "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthGetUser:    "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthListUser:   "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthCreateACL:  "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthUpdateACL:  "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthDeleteACL:  "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthGetACL:     "authentication and authorization are not in this version; start is refused when they are switched on",
	protocol.AuthListACL:    "authentication and authorization are not in this version; start is refused when they are switched on",

	protocol.PopLiteMessage:      "lite topics are not in this version",
	protocol.LiteSubscriptionCtl: "lite topics are not in this version",
	protocol.GetBrokerLiteInfo:   "lite topics are not in this version",
	protocol.GetParentTopicInfo:  "lite topics are not in this version",
	protocol.GetLiteTopicInfo:    "lite topics are not in this version",
	protocol.GetLiteClientInfo:   "lite topics are not in this version",
	protocol.GetLiteGroupInfo:    "lite topics are not in this version",
	protocol.TriggerLiteDispatch: "lite topics are not in this version",
}
