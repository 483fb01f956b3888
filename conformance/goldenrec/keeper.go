package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gantrymq/gantry/conformance/wiretap"
	"github.com/gantrymq/gantry/protocol"
)

// What is kept: few frames of each code and client, each of another shape, none large.
const (
	maxPerCode = 3
	maxFrame   = 3 << 10
)

// fromBroker are the codes that the official broker sends to the name server.
var fromBroker = []protocol.RequestCode{
	protocol.RegisterBroker, protocol.UnregisterBroker, protocol.BrokerHeartbeat,
	protocol.QueryDataVersion, protocol.GetBrokerMemberGroup, protocol.RegisterTopicInNamesrv,
}

// keeper chooses among the exchanges that taps report.
type keeper struct {
	mu     sync.Mutex // guards all below
	client string
	kept   map[string][]wiretap.Exchange // by file name without number
	shapes map[string]bool
}

func newKeeper() *keeper {
	return &keeper{client: "warm-up", kept: map[string][]wiretap.Exchange{}, shapes: map[string]bool{}}
}

// label names the client whose frames come from now on.
func (k *keeper) label(client string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.client = client
}

// see keeps an exchange if it is small and shows something that no kept one shows.
func (k *keeper) see(e wiretap.Exchange) {
	if len(e.Request) > maxFrame || len(e.Reply) > maxFrame {
		return
	}
	code := protocol.RequestCode(e.Head.Code)
	k.mu.Lock()
	defer k.mu.Unlock()
	client := k.client
	switch {
	case slices.Contains(fromBroker, code):
		client = "broker-5.5.0"
	case client == "warm-up":
		return
	case e.ByServer:
		client += "-pushed"
	}
	name := fmt.Sprintf("%d_%s_%s", e.Head.Code, code, client)
	shape := name + " " + shapeOf(e.Request) + " " + shapeOf(e.Reply)
	if k.shapes[shape] || len(k.kept[name]) == maxPerCode {
		return
	}
	k.shapes[shape] = true
	k.kept[name] = append(k.kept[name], e)
}

// shapeOf describes a frame by what its codec has to do: code, the names of the ext
// fields, whether there is a remark and a body.
func shapeOf(frame []byte) string {
	if frame == nil {
		return "none"
	}
	n := int(binary.BigEndian.Uint32(frame[4:8]) & 0xffffff)
	header, body := frame[8:8+n], len(frame) > 8+n
	var v struct {
		Code   int            `json:"code"`
		Remark string         `json:"remark"`
		Ext    map[string]any `json:"extFields"`
	}
	h, err := wiretap.ParseHead(frame)
	if err == nil && h.Binary {
		// Names of fields do not vary with the serialisation; the size tells enough.
		return fmt.Sprintf("%d %d %v", h.Code, n/64, body)
	}
	if json.Unmarshal(header, &v) != nil {
		return "unreadable"
	}
	return fmt.Sprint(v.Code, v.Remark != "", body, strings.Join(slices.Sorted(maps.Keys(v.Ext)), ","))
}

// write replaces the golden frames of a folder.
func (k *keeper) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the golden folder: %w", err)
	}
	for _, pattern := range []string{"*.req", "*.resp"} {
		old, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, f := range old {
			if err := os.Remove(f); err != nil {
				return fmt.Errorf("remove an old golden frame: %w", err)
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	frames, size := 0, 0
	for name, exchanges := range k.kept {
		for i, e := range exchanges {
			base := filepath.Join(dir, fmt.Sprintf("%s_%d", name, i+1))
			for ext, frame := range map[string][]byte{".req": e.Request, ".resp": e.Reply} {
				if frame == nil {
					continue
				}
				if err := os.WriteFile(base+ext, frame, 0o644); err != nil {
					return fmt.Errorf("write a golden frame: %w", err)
				}
				frames, size = frames+1, size+len(frame)
			}
		}
	}
	fmt.Printf("%d frames, %d bytes in %s\n", frames, size, dir)
	return nil
}
