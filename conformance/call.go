package conformance

import (
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// Call makes one request of the broker, over a connection of its own, and wants SUCCESS or one of the codes.
func (t *T) Call(f *wire.Frame, codes ...protocol.ResponseCode) *wire.Frame {
	r, err := wire.Call(t.Context(), t.cluster.Broker().Address(), f)
	t.Check(err, "call %s", protocol.RequestCode(f.Code))
	for _, code := range append(codes, protocol.ResponseSuccess) {
		if r.Code == int32(code) {
			return r
		}
	}
	t.Fatalf("%s was answered %s", protocol.RequestCode(f.Code), r)
	return nil
}
