package main

import (
	"strings"
	"testing"
)

// The programs of the release, as they print it, and our load of the Go client.
func TestFailuresThatClientsTell(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0,
		"Current Time: 2026-11-21 11:00:00,123 | Send TPS: 7012 | Max RT(ms): 103 | Average RT(ms):   2.281 | Send Failed: 3 | Response Failed: 4\n" +
			"Current Time: 2026-11-21 11:00:01,123 | Send TPS: 7012 | Max RT(ms): 103 | Average RT(ms):   2.281 | Send Failed: 5 | Response Failed: 6\n": 11,
		"Current Time: 2026-11-21 11:00:00,123 | Send TPS: 812 | Send Failed: 2 Response Failed: 0\n": 2,
	} {
		if got := lastFailures(officialFailures, text); got != want {
			t.Errorf("%d in %q, want %d", got, text, want)
		}
	}
	if got := lastFailures(clientNamed("GoProducer").failed, "Send Failed: 0\nSend Failed: 9\n"); got != 9 {
		t.Errorf("%d failures of the Go client", got)
	}
}

func TestRowsNameTheirCommand(t *testing.T) {
	called := map[string]bool{}
	for _, r := range rows {
		if (r.client == "") == (r.args == "") {
			t.Errorf("%s: either a client or arguments of gantry bench", r.name)
		}
		if r.client != "" && clientNamed(r.client) == nil {
			t.Errorf("%s: there is no client %s", r.name, r.client)
		}
		called[r.command()] = true
	}
	if len(called) < len(rows)-2 { // two loads are put on brokers with and without synchronous flush
		t.Errorf("%d commands for %d rows", len(called), len(rows))
	}
	s := settings{java: "java", lib: "LIB", dir: "DIR", self: "SELF"}
	for _, cl := range clients {
		args := strings.Join(cl.command(&s, "NS:1", "T"), " ")
		if !strings.Contains(args, "NS:1") || !strings.Contains(args, "T") {
			t.Errorf("%s is called as %s", cl.name, args)
		}
	}
}
