package raw

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

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
		if !shown[info.Code] {
			t.Errorf("%s (%d) is in no conversation", info.Name, info.Code)
		}
	}
}
