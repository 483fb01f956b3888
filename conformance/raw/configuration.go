package raw

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// configurationCase changes a setting and follows it to the file and through a restart.
func configurationCase() conformance.Case {
	return conformance.Case{
		Name: "raw/broker/stored-configuration", Client: conformance.Raw, Feature: "broker configuration",
		Needs: conformance.Control, Topology: conformance.SingleBroker, Slow: true, Run: storedConfiguration,
		Codes: []protocol.RequestCode{protocol.UpdateBrokerConfig, protocol.GetBrokerConfig},
	}
}

// storedConfiguration: after an update the file holds every key that is answered, not only the
// ones that it had, and a broker that starts on that file answers the same.
func storedConfiguration(t *conformance.T) {
	t.StartServers()
	broker := t.Servers().Broker()
	before := answeredSettings(t, broker.Address())
	r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{
		Code: int32(protocol.UpdateBrokerConfig), Body: []byte("fileReservedTime=48\nmaxMessageSize=many\nnoSuchKey=1\nlistenPort=1\n"),
	})
	t.Check(err, "change settings")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the change was answered %s", r)
	}
	after := answeredSettings(t, broker.Address())
	want := maps.Clone(before)
	want["fileReservedTime"], want["listenPort"] = "48", "1"
	compareSettings(t, "after the update", after, want)

	path := filepath.Join(broker.Dir(), "broker.conf")
	text, err := os.ReadFile(path)
	t.Check(err, "read the file")
	compareSettings(t, "in the file", settingsIn(string(text)), want)

	want["listenPort"] = before["listenPort"]
	t.Check(broker.Kill(), "kill the broker")
	for key, value := range want { // which is the file, but for the port
		broker.Set(key, value)
	}
	t.Check(broker.Start(t.Context()), "start the broker")
	compareSettings(t, "after a restart", answeredSettings(t, broker.Address()), want)
}

func answeredSettings(t *conformance.T, address string) map[string]string {
	r, err := wire.Call(t.Context(), address, &wire.Frame{Code: int32(protocol.GetBrokerConfig)})
	t.Check(err, "ask for the settings")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the settings were answered %s", r)
	}
	settings := settingsIn(string(r.Body))
	if len(settings) < 400 {
		t.Errorf("only %d settings are answered", len(settings))
	}
	return settings
}

func settingsIn(text string) map[string]string {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			settings[key] = value
		}
	}
	return settings
}

func compareSettings(t *conformance.T, when string, got, want map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[key]; !ok || value != want[key] {
			t.Errorf("%s: %s=%s (there: %v), want %s", when, key, value, ok, want[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: %s was not there before", when, key)
		}
	}
}
