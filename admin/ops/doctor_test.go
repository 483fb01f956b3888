package ops

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// doctorRoutes serve a cluster with one broker, whose master is the server itself and whose
// slave nobody reaches.
func (b *fakeBroker) doctorRoutes() []remoting.Route {
	answer := func(v any) remoting.Handler {
		return func(r *remoting.Request) error {
			text, err := compat.MarshalFastjson(v)
			r.Reply(protocol.ResponseSuccess, "", nil, text)
			return err
		}
	}
	return []remoting.Route{
		{Code: protocol.GetBrokerClusterInfo, Handle: func(r *remoting.Request) error {
			return answer(&protocol.ClusterInfo{
				BrokerAddrTable:  map[string]*protocol.BrokerData{"b": {BrokerName: "b", Cluster: "c", BrokerAddrs: map[int64]string{0: b.addr, 1: "127.0.0.1:1"}}},
				ClusterAddrTable: map[string][]string{"c": {"b"}},
			})(r)
		}},
		{Code: protocol.GetBrokerRuntimeInfo, Handle: answer(&protocol.KVTable{Table: map[string]string{
			"brokerActive": "true", "commitLogDiskRatio": "0.9", "brokerVersionDesc": "V5_5_0",
		}})},
		{Code: protocol.GetAllTopicListFromNameserver, Handle: answer(&protocol.TopicList{TopicList: []string{"T"}})},
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	code, out, errText := run(t.Context(), "", "doctor", "-a", "-n", b.addr)
	if code != 1 || errText != "doctor: there are faults; see above\n" {
		t.Errorf("ended with %d, %q", code, errText)
	}
	for _, want := range []string{
		"fault    broker b (" + b.addr + "): its disk is 90% full",
		"fault    broker b (127.0.0.1:1): is registered and cannot be asked",
		"ok       routes: of 1 topics are whole",
		"0 warnings, 2 faults",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}
