package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/config"
)

func TestExplain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.conf")
	if err := os.WriteFile(file, []byte("# kept short\nfileReservedTime=24\nflushDiskType=SYNC\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := called(t, t.Context(), "gantry", "config", "explain", "FileReservedTime", "useepollnativeselector", "-c", file)
	if err != nil {
		t.Fatal(err)
	}
	want := `fileReservedTime, a key of the broker
  hours a commit log file is kept

  takes        a whole number of 32 bits
  default      72
  in effect    24
  comes from   ` + file + `, line 2
  effect       live: an update counts at once
  flag         --fileReservedTime
  environment  GANTRY_FILE_RESERVED_TIME

useEpollNativeSelector, a key of the broker
  Linux epoll transport

  takes        true or false
  default      false
  in effect    false
  comes from   default
  effect       none: it tunes the Netty library, which is not used
  flag         --useEpollNativeSelector
  environment  GANTRY_USE_EPOLL_NATIVE_SELECTOR
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	got, err = called(t, t.Context(), "gantry", "config", "explain", "flushDiskType", "-c", file)
	if err != nil || !strings.Contains(got, "line 3: flushDiskType=SYNC: the value is not one of ASYNC_FLUSH, SYNC_FLUSH") || !strings.Contains(got, "in effect    ASYNC_FLUSH") {
		t.Errorf("a value of the wrong form: %v\n%s", err, got)
	}
}

// Every key of every process is explained, with a reason where it has no effect.
func TestListIsComplete(t *testing.T) {
	for _, p := range configProcesses {
		out, err := called(t, t.Context(), "gantry", "config", "list", "--process", p.Name, "-o", "json")
		if err != nil {
			t.Fatal(err)
		}
		var answers []config.Explanation
		if err := json.Unmarshal([]byte(out), &answers); err != nil {
			t.Fatal(err)
		}
		if len(answers) != len(p.Keys()) {
			t.Errorf("%s: %d of %d keys", p.Name, len(answers), len(p.Keys()))
		}
		for _, e := range answers {
			if e.Meaning == "" || e.Values == "" || e.Flag == "" || e.Environment == "" || e.From == "" {
				t.Errorf("%s %s is not explained: %+v", p.Name, e.Key, e)
			}
			if e.Honoured == (e.Why != "") || e.Honoured == (e.Changes == "") {
				t.Errorf("%s %s: honoured %v, because %q, changes %q", p.Name, e.Key, e.Honoured, e.Why, e.Changes)
			}
		}
	}
}

func TestListGiven(t *testing.T) {
	t.Setenv("GANTRY_BROKER_NAME", "e")
	out, err := called(t, t.Context(), "gantry", "config", "list", "--given", "--deleteWhen", "05")
	want := "KEY         VALUE  FROM              EFFECT\n" +
		"brokerName  e      the environment   at start\n" +
		"deleteWhen  05     the command line  live\n"
	if err != nil || out != want {
		t.Errorf("%v, got:\n%s", err, out)
	}
}
