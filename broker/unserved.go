package broker

import "github.com/gantrymq/gantry/protocol"

// unserved is the ledger of requests that an official broker serves and this one
// answers as unknown, each with its reason. A test proves that every request
// code of 5.5.0 is either served or stands here.
var unserved = map[protocol.RequestCode]string{
	protocol.QueryAssignment:            "POP consumption is not in this version",
	protocol.SetMessageRequestMode:      "POP consumption is not in this version",
	protocol.PopMessage:                 "POP consumption is not in this version",
	protocol.AckMessage:                 "POP consumption is not in this version",
	protocol.PeekMessage:                "POP consumption is not in this version",
	protocol.ChangeMessageInvisibletime: "POP consumption is not in this version",
	protocol.Notification:               "POP consumption is not in this version",
	protocol.PollingInfo:                "POP consumption is not in this version",
	protocol.PopRollback:                "POP consumption is not in this version",
	protocol.BatchAckMessage:            "POP consumption is not in this version",

	protocol.UpdateAndCreateStaticTopic: "static topics are not in this version",

	protocol.PopLiteMessage:      "lite topics are not in this version",
	protocol.LiteSubscriptionCtl: "lite topics are not in this version",
}
