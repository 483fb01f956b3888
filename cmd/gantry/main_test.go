package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// called runs a command line in this process and returns what it printed.
func called(t *testing.T, ctx context.Context, line ...string) (out string, err error) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("NAMESRV_ADDR", "")
	root := rootCommand()
	var text bytes.Buffer
	root.SetOut(&text)
	root.SetErr(&text)
	root.SetArgs(officialArgs(line[0], line[1:]))
	err = root.ExecuteContext(ctx)
	return text.String(), err
}

// What goes wrong at start is said in a sentence that names what to change.
func TestStartFaults(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.conf")
	if err := os.WriteFile(broken, []byte("a=1\nb=\\u12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := func(args ...string) []string {
		return append([]string{"mqbroker", "--bindAddress", "127.0.0.1", "--brokerIP1", "127.0.0.1", "--storePathRootDir", filepath.Join(dir, "store")}, args...)
	}
	for _, tt := range []struct {
		line []string
		want []string
	}{
		{broker("-c", filepath.Join(dir, "none.conf")), []string{"configuration file cannot be read", "none.conf"}},
		{broker("-c", dir), []string{"configuration file cannot be read", "is a directory"}},
		{broker("-c", broken), []string{"broken.conf", "line 2"}},
		{broker("--listenPort", strconv.Itoa(port)), []string{"the broker's port", strconv.Itoa(port), "address already in use", "listenPort"}},
		{broker("-n", "nowhere"), []string{`"nowhere" is no address`, "192.168.0.1:9876"}},
		{broker("--brokerRole", "SLAVE"), []string{"brokerRole=SLAVE"}},
		{broker("--brokrName", "x"), []string{"there is no flag --brokrName; is --brokerName meant?"}},
		{[]string{"mqnamesrv", "--bindAddress", "127.0.0.1", "--listenPort", strconv.Itoa(port)}, []string{"name server", "address already in use", "listenPort"}},
		{[]string{"gantry", "server", "--data", dir, "--bindAddress", "127.0.0.1", "--namesrvPort", strconv.Itoa(port)}, []string{"address already in use", "--namesrvPort"}},
		{[]string{"gantry", "config", "explain", "brokrName"}, []string{"there is no key brokrName; is brokerName meant?"}},
		{[]string{"gantry", "config", "explain", "brokerName", "--process", "cook"}, []string{`"cook"`, "namesrv"}},
		{[]string{"gantry", "config", "list", "-o", "xml"}, []string{`"xml"`, "table or json"}},
		{[]string{"mqshutdown"}, []string{"namesrv, broker"}},
	} {
		out, err := called(t, t.Context(), tt.line...)
		if err == nil {
			t.Errorf("%v: no error, but %s", tt.line, out)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v; want %q in it", tt.line, err, want)
			}
		}
	}
}

// A directory takes one broker at a time, and a server ends when it is told to.
func TestServerRunsAndKeepsItsDirectory(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	line := []string{"--bindAddress", "127.0.0.1", "--brokerIP1", "127.0.0.1", "--listenPort", "0"}
	ready := &signalWriter{when: "Gantry is ready.", seen: make(chan struct{})}
	root := rootCommand()
	root.SetOut(ready)
	root.SetArgs(append([]string{"server", "--data", dir, "--namesrvPort", "0"}, line...))
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	select {
	case <-ready.seen:
	case err := <-done:
		t.Fatalf("the server ended: %v", err)
	}
	_, err := called(t, t.Context(), append([]string{"mqbroker", "--storePathRootDir", filepath.Join(dir, "store")}, line...)...)
	if err == nil || !strings.Contains(err.Error(), "storePathRootDir") || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a second broker on the directory: %v", err)
	}
	stop()
	if err := <-done; err != context.Canceled {
		t.Errorf("the server ended with %v", err)
	}
}

// signalWriter tells when a text was written.
type signalWriter struct {
	when string
	text []byte
	seen chan struct{}
}

func (w *signalWriter) Write(p []byte) (int, error) {
	had := bytes.Contains(w.text, []byte(w.when))
	w.text = append(w.text, p...)
	if !had && bytes.Contains(w.text, []byte(w.when)) {
		close(w.seen)
	}
	return len(p), nil
}
