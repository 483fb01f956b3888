package namesrv

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// BenchmarkRouteQuery asks for one route over one connection, with as many
// queries in flight as its name says. With officialAddr set it measures the
// official name server.
func BenchmarkRouteQuery(b *testing.B) {
	addr := os.Getenv(officialAddr)
	if addr == "" {
		s, err := New(settingsOf(testConfig(b)), Options{})
		if err != nil {
			b.Fatal(err)
		}
		run(b, s)
		addr = s.Addr().String()
	}
	conn := dial(b, addr)
	conn.ok(b2.register())
	answer := codec.AppendCommand(nil, &codec.Command{
		Version: protocol.V5_5_0, Flag: protocol.FlagResponse, Body: conn.ok(routeOf("Td")).Body,
	})
	query := codec.AppendCommand(nil, &codec.Command{
		Code: int32(protocol.GetRouteinfoByTopic), Version: protocol.V5_5_0, Ext: routeOf("Td").ext,
	})
	_ = conn.conn.SetReadDeadline(time.Time{})
	for _, inFlight := range []int{1, 64} {
		b.Run(fmt.Sprint(inFlight), func(b *testing.B) {
			var burst []byte
			for range inFlight {
				burst = append(burst, query...)
			}
			// Every answer has the opaque number 0, and so one size; a server that
			// writes its JSON header in another order has the same size.
			answers := make([]byte, inFlight*len(answer))
			b.ReportAllocs()
			for n := 0; n < b.N; n += inFlight {
				if _, err := conn.conn.Write(burst); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn.conn, answers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
