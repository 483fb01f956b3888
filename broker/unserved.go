package broker

import "github.com/gantrymq/gantry/protocol"

// unserved is the ledger of requests that an official broker serves and this one
// answers as unknown, each with its reason. A test proves that every request
// code of 5.5.0 is either served or stands here.
var unserved = map[protocol.RequestCode]string{}
