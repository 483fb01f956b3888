package raw

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// elsewhere is request codes that need no conversation by frames, and why.
var elsewhere = map[protocol.RequestCode]string{
	protocol.UpdateAndCreateStaticTopic: "static topics are in the ledger of what the broker does not serve",
	protocol.PopLiteMessage:             "lite topics are in that ledger",
	protocol.LiteSubscriptionCtl:        "lite topics are in that ledger",
	protocol.NotifyUnsubscribeLite:      "a broker pushes it to clients of lite topics",
}

// TestEveryCodeIsCompared: what a broker or a name server answers to each request code of clients, tools and 5.x features is compared with what the official
// one answers, in one conversation at least.
func TestEveryCodeIsCompared(t *testing.T) {
	cases, err := Cases("")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[protocol.RequestCode]bool{}
	for _, c := range cases {
		for _, code := range c.Codes {
			shown[code] = true
		}
	}
	for _, info := range protocol.RequestCodes() {
		if info.Tier != 1 && info.Tier != 2 && info.Tier != 4 {
			continue // replication, the controller, and codes that 5.5.0 knows by name only
		}
		if _, excused := elsewhere[info.Code]; !shown[info.Code] && !excused {
			t.Errorf("%s (%d) is in no conversation", info.Name, info.Code)
		}
	}
}
