package javaclient

import (
	"sync/atomic"

	"github.com/gantrymq/gantry/conformance/wiretap"
)

// tls runs with a client whose every connection is TLS, as -Dtls.enable=true makes it; the
// servers are as they come, with a certificate that they made themselves.
func tls(k *kit) {
	var plain atomic.Int64
	tap, err := wiretap.Listen("127.0.0.1:0", k.Servers().NameServer().Address(), func(wiretap.Exchange) { plain.Add(1) })
	k.Check(err, "tap the name server")
	k.Cleanup(func() {
		if err := tap.Close(); err != nil {
			k.Logf("close the tap: %v", err)
		}
	})
	k.nameSrv = tap.Addr()
	sendAndConsume(k)
	if n := plain.Load(); n > 0 {
		k.Errorf("%d requests to the name server were readable, want TLS", n)
	}
}

// binaryHeaders runs with a client that writes ROCKETMQ headers and SEND_MESSAGE.
func binaryHeaders(k *kit) {
	var binary, text atomic.Int64
	tap, err := wiretap.Listen("127.0.0.1:0", k.Servers().NameServer().Address(), func(e wiretap.Exchange) {
		if e.Head.Binary {
			binary.Add(1)
		} else {
			text.Add(1)
		}
	})
	k.Check(err, "tap the name server")
	k.Cleanup(func() {
		if err := tap.Close(); err != nil {
			k.Logf("close the tap: %v", err)
		}
	})
	k.nameSrv = tap.Addr()
	sendAndConsume(k)
	if binary.Load() == 0 || text.Load() > 0 {
		k.Errorf("the client sent %d binary and %d JSON headers to the name server, want binary only", binary.Load(), text.Load())
	}
}

// sendAndConsume is the round that every way of talking to the servers must be able to make.
func sendAndConsume(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	c := k.push(k.Group(), topic, nil)
	want := bodies("round", 10)
	k.sendTexts(p, topic, want)
	for _, m := range k.wantTexts(c, want) {
		if m.MsgID == "" || m.Broker != k.Servers().Broker().Name() {
			k.Errorf("consumed %+v", m)
		}
	}
}
