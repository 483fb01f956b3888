package broker

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// TestEveryRequestIsServedOrInTheLedger walks the table of 5.5.0: there is no
// request that a broker serves and nobody here has thought of.
func TestEveryRequestIsServedOrInTheLedger(t *testing.T) {
	b := &Broker{pools: newPools(testConfig(t.TempDir()))}
	defer b.pools.close()
	table, err := b.table(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range protocol.RequestCodes() {
		_, inLedger := unserved[info.Code]
		served := table.Lookup(info.Code) != nil
		switch byBroker := info.Handlers&protocol.ByBroker != 0; {
		case byBroker && !served && !inLedger:
			t.Errorf("%s (%d) is neither served nor in the ledger", info.Name, info.Code)
		case served && inLedger:
			t.Errorf("%s (%d) is served and stands in the ledger", info.Name, info.Code)
		case !byBroker && (served || inLedger):
			t.Errorf("%s (%d) is not a broker's request", info.Name, info.Code)
		}
	}
}
