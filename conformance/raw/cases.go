// Package raw has the cases that speak frames by themselves: conversations recorded from the
// official server, and cases in Go where a conversation cannot say it.
package raw

import (
	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// Cases lists the raw-wire cases.
func Cases() ([]conformance.Case, error) {
	return []conformance.Case{{
		Name: "raw/namesrv/cluster-info", Client: conformance.Raw, Feature: "name server", Topology: conformance.SingleBroker,
		Run: func(t *conformance.T) {
			r, err := wire.Call(t.Context(), t.Servers().NameServer().Address(), &wire.Frame{Code: int32(protocol.GetBrokerClusterInfo)})
			t.Check(err, "ask")
			if r.Code != int32(protocol.ResponseSuccess) {
				t.Errorf("answered %s", r)
			}
		},
	}}, nil
}
