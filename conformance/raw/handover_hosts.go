package raw

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// handOverHostsCase is about records with addresses of both widths, in a commit log that lies in several directories.
func handOverHostsCase() conformance.Case {
	return conformance.Case{
		Name: "raw/differences/37-hand-over-hosts", Client: conformance.Raw, Feature: "data directory", Needs: conformance.Control, Topology: conformance.SingleBroker,
		Slow: true, Timeout: 5 * time.Minute, Difference: 37, Run: handOverHosts,
		Settings: conformance.Settings{Broker: map[string]string{"mappedFileSizeCommitLog": "65536", "mappedFileSizeConsumeQueue": "1000", "brokerIP1": "::1"}},
		Codes:    []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage, protocol.ViewMessageByID},
	}
}

// handOverHosts hands a commit log of two directories, the first of which is read-only after the
// first life, back and forth between the implementations. The broker's own address is of IPv6,
// the producers' are of either width. That the name server is told it in the form of difference 37 is what each start waits for.
func handOverHosts(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	broker := t.Servers().Broker()
	first, second := filepath.Join(broker.StoreDir(), "log-a"), filepath.Join(broker.StoreDir(), "log-b")
	broker.Set("storePathCommitLog", first+","+second)
	t.StartServers()
	h := &hosts{T: t, topic: t.Topic()}
	self, reference := t.Target().Self, t.Target().Reference
	for life, next := range []struct {
		launcher conformance.Launcher
		killed   bool
	}{{reference, false}, {self, true}, {reference, false}, {self, false}} {
		h.send(120) // more than a file
		h.check()
		if next.killed {
			t.Check(broker.Kill(), "kill the broker of life %d", life)
		} else {
			t.Check(broker.Stop(t.Context()), "stop the broker of life %d", life)
		}
		before := h.files(first)
		if life == 0 {
			broker.Set("readOnlyCommitLogStorePaths", first)
		} else if before != h.readOnly {
			t.Fatalf("%s held %s when it became read-only, and now %s", first, h.readOnly, before)
		}
		h.readOnly = before
		broker.Become(next.launcher)
		t.Check(broker.Start(t.Context()), "start the broker of life %d", life+1)
		h.check()
	}
	h.send(5)
	h.check()
}

// hosts is what the lives of a broker have in common.
type hosts struct {
	*conformance.T
	topic    string
	sent     []sentFrom
	readOnly string // the files of the first directory
}

// sentFrom is one message, and how it was sent.
type sentFrom struct {
	body string
	wide bool   // over IPv6
	id   string // the offset message id
}

// files lists the files of a directory.
func (h *hosts) files(dir string) string {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	h.Check(err, "list %s", dir)
	if len(names) == 0 {
		h.Fatalf("no file of the commit log is in %s", dir)
	}
	return strings.Join(names, " ")
}

// send sends messages of about 1 KiB, over one protocol and the other.
func (h *hosts) send(n int) {
	_, port, err := net.SplitHostPort(h.Servers().Broker().Address())
	h.Check(err, "split the broker's address")
	conns := map[bool]*wire.Conn{}
	for wide, host := range map[bool]string{false: "127.0.0.1", true: "::1"} {
		conns[wide], err = wire.Dial(h.Context(), net.JoinHostPort(host, port))
		h.Check(err, "connect to %s", host)
		defer conns[wide].Close()
	}
	for range n {
		s := sentFrom{body: fmt.Sprintf("%d %01000d", len(h.sent), 0), wide: len(h.sent)%2 == 1}
		f := sendFrame(h.topic, 0)
		f.Body = []byte(s.body)
		r, err := conns[s.wide].Call(h.Context(), f)
		h.Check(err, "send")
		if r.Code != int32(protocol.ResponseSuccess) {
			h.Fatalf("a send was answered %s", r)
		}
		if s.id = r.Ext["msgId"]; len(s.id) != 2*(16+4+8) {
			h.Fatalf("the message id %s does not hold an address of IPv6", s.id)
		}
		h.sent = append(h.sent, s)
	}
}

// check reads the queue from its begin, and looks some messages up.
func (h *hosts) check() {
	h.Eventually(20*time.Second, "all messages", func(ctx context.Context) error {
		for at := 0; at < len(h.sent); {
			records, err := h.pull(ctx, at)
			if err != nil {
				return err
			}
			for i := range records {
				if err := h.compare(&records[i], h.sent[at+i]); err != nil {
					return fmt.Errorf("message %d: %w", at+i, err)
				}
			}
			at += len(records)
		}
		return nil
	})
	for _, s := range []sentFrom{h.sent[0], h.sent[1], h.sent[len(h.sent)-1]} {
		offset, err := wire.PhysicalOffset(s.id)
		h.Check(err, "read the id %s", s.id)
		r, err := wire.Call(h.Context(), h.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.ViewMessageByID), Ext: map[string]string{"offset": strconv.FormatInt(offset, 10)}})
		h.Check(err, "view %s", s.id)
		records, err := wire.Records(r.Body)
		h.Check(err, "read the answer %s", r)
		if len(records) != 1 {
			h.Fatalf("%s has %d messages", s.id, len(records))
		}
		h.Check(h.compare(&records[0], s), "message %s", s.id)
	}
}

func (h *hosts) pull(ctx context.Context, at int) ([]wire.Record, error) {
	r, err := wire.Call(ctx, h.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
		"consumerGroup": h.topic, "topic": h.topic, "queueId": "0", "queueOffset": strconv.Itoa(at), "maxMsgNums": "32", "sysFlag": "4",
		"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}})
	if err != nil {
		return nil, err
	}
	if r.Code != int32(protocol.ResponseSuccess) {
		return nil, fmt.Errorf("a pull at %d was answered %s", at, r)
	}
	records, err := wire.Records(r.Body)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("a pull at %d brought nothing", at)
	}
	return records, err
}

// compare tells whether a record is what was sent, from and to the addresses that it was sent.
func (h *hosts) compare(got *wire.Record, want sentFrom) error {
	if string(got.Body) != want.body || got.BornHost.Addr().Is6() != want.wide {
		return fmt.Errorf("%.40q from %s, want %.40q, over IPv6: %t", got.Body, got.BornHost, want.body, want.wide)
	}
	if address := got.StoreHost.Addr().As16(); !got.StoreHost.Addr().Is6() || hex.EncodeToString(address[:]) != strings.ToLower(want.id[:32]) {
		return fmt.Errorf("stored at %s, and the id was %s", got.StoreHost, want.id)
	}
	return nil
}
