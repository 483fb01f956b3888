package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// hostileNames try to lead out of the server's directories, or into another line of a file.
var hostileNames = []string{
	"../../../../escaped", "..", "%RETRY%../../../../../escaped", "%LMQ%../../../../escaped", "/OUTER/escaped", "a/../../../../../escaped",
	"..\\..\\escaped", "x\x00/../../escaped", "x\nstorePathRootDir=/OUTER/escaped", "$(touch /OUTER/escaped)", "; touch /OUTER/escaped",
}

// TestNoRequestLeavesTheDirectories: every request that name server and broker serve, with
// such names in each of its fields and in bodies of each form, and afterwards the writing of
// everything that a stop writes. Nothing may appear outside of the data directory, nothing
// there may vanish, and no setting may have come in through another.
//
// That no request starts a program is not a matter of tests: what answers requests is linked
// without what could (internal/lint).
func TestNoRequestLeavesTheDirectories(t *testing.T) {
	outer := t.TempDir()
	data := filepath.Join(outer, "a", "b", "data")
	victim := filepath.Join(outer, "a", "escaped", "0", "00000000000000000000")
	if err := os.MkdirAll(filepath.Dir(victim), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", filepath.Join(outer, "a", "b"))
	t.Setenv("NAMESRV_ADDR", "")
	server := startServer(t, data, "--enableMultiDispatch", "true", "--enableLmq", "true", "--enablePropertyFilter", "true")
	before := filesOutside(t, outer, data)
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	sent := 0
	for _, name := range hostileNames {
		name = strings.ReplaceAll(name, "/OUTER", outer)
		for _, info := range protocol.RequestCodes() {
			for addr, by := range map[string]protocol.Handlers{server.namesrv: protocol.ByNamesrv, server.broker: protocol.ByBroker} {
				if info.Handlers&by == 0 {
					continue
				}
				for _, body := range hostileBodies(name) {
					ask(t, client, addr, info, name, body)
					sent++
				}
			}
		}
	}
	if sent < 5000 {
		t.Errorf("only %d requests were sent", sent)
	}
	server.end()
	if after := filesOutside(t, outer, data); !slices.Equal(after, before) {
		t.Errorf("outside of the data directory there were\n%s\nand are\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" {
		t.Errorf("the file that was there holds %q, %v", text, err)
	}
	for _, path := range findSettings(t, data) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := compat.ParseProperties(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for key, value := range compat.PropertyMap(lines) {
			if strings.HasPrefix(key, "storePath") && strings.Contains(value, "escaped") {
				t.Errorf("%s: %s=%s", path, key, value)
			}
		}
	}
}

// ask sends one request. The answer does not matter, the server only has to be there still.
func ask(t *testing.T, client *remoting.Client, addr string, info protocol.RequestInfo, name string, body []byte) {
	t.Helper()
	c := &codec.Command{Code: int32(info.Code), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Body: body}
	if info.NewHeader != nil {
		c.Header = info.NewHeader()
		fillFields(reflect.ValueOf(c.Header).Elem(), name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := client.Call(ctx, addr, c)
	if ctx.Err() != nil {
		t.Fatalf("%s with the name %q is not answered", info.Name, name)
	}
	if err != nil {
		if conn, dialErr := net.Dial("tcp", addr); dialErr != nil {
			t.Fatalf("after %s with the name %q the server is gone: %v, %v", info.Name, name, err, dialErr)
		} else {
			conn.Close()
		}
	}
}

// fillFields puts the name into every text of a header, and into every number what is
// valid in most.
func fillFields(v reflect.Value, name string) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(name)
			if v.Type().Field(i).Name == "DefaultTopic" {
				f.SetString(protocol.TopicAutoCreate)
			}
			if v.Type().Field(i).Name == "Properties" {
				f.SetString("INNER_MULTI_DISPATCH\x01" + name + "\x02KEYS\x01" + name + "\x02UNIQ_KEY\x01" + name + "\x02TAGS\x01" + name + "\x02")
			}
		case reflect.Int32, reflect.Int64:
			switch field := v.Type().Field(i).Name; field {
			case "QueueID", "SysFlag", "Flag", "TopicSysFlag":
			case "Perm":
				f.SetInt(6)
			default:
				f.SetInt(4)
			}
		case reflect.Struct:
			fillFields(f, name)
		}
	}
}

// hostileBodies are bodies of the forms that requests have: none, a message, settings, and
// JSON with the members of all kinds of body at once.
func hostileBodies(name string) [][]byte {
	topic := map[string]any{"topicName": name, "readQueueNums": 1, "writeQueueNums": 1, "perm": 6, "topicFilterType": "SINGLE_TAG", "attributes": map[string]string{}}
	group := map[string]any{"groupName": name, "consumeEnable": true, "retryQueueNums": 1, "retryMaxTimes": 1}
	queue := map[string]any{"topic": name, "brokerName": name, "queueId": 0}
	text, err := json.Marshal(map[string]any{
		"topicConfigList": []any{topic}, "groupConfigList": []any{group}, "subscriptionGroupTable": map[string]any{name: group},
		"clientID": name, "clientId": name, "group": name, "consumerGroup": name, "topic": name, "mqSet": []any{queue}, "offsetTable": map[string]any{name: 1},
		"consumerDataSet": []any{map[string]any{
			"groupName": name, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
			"subscriptionDataSet": []any{map[string]any{"topic": name, "subString": "a = 1", "expressionType": "SQL92", "subVersion": 1}},
		}},
		"producerDataSet":  []any{map[string]any{"groupName": name}},
		"subscriptionData": map[string]any{"topic": name, "subString": "*", "expressionType": "TAG"},
		"topicConfigTable": map[string]any{name: topic}, "mode": "POP", "popShareQueueNum": 1,
		"topicConfigSerializeWrapper": map[string]any{"topicConfigTable": map[string]any{name: topic}, "dataVersion": map[string]any{"counter": 1}},
		"filterServerList":            []string{name}, "userType": "Normal", "username": name, "password": name,
	})
	if err != nil {
		panic(err)
	}
	settings := fmt.Sprintf("storePathRootDir=%[1]s\nrocketmqHome=%[1]s\nkvConfigPath=%[1]s\nconfigStorePath=%[1]s\nbrokerConfigPath=%[1]s\nmessageStorePlugIn=%[1]s\nfilterServerNums=1\n", name)
	harmless := "regionId=" + strings.ReplaceAll(name, "\n", "\\n") + "\nbrokerPermission=6\n"
	return [][]byte{nil, text, []byte(settings), []byte(harmless)}
}

// filesOutside lists what lies below a directory but not below another.
func filesOutside(t *testing.T, outer, inner string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == inner {
			return fs.SkipDir
		}
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func findSettings(t *testing.T, data string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".properties" {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Error("no settings were written")
	}
	return all
}

// running is a server of the test's.
type running struct {
	namesrv, broker string
	end             func() // stops the server and waits for it
}

var greeted = regexp.MustCompile(`(?s)name server +(\S+)\n +broker +(\S+)\n.*NAMESRV_ADDR=(\S+)`)

// startServer runs name server and broker until the test ends or end is called.
func startServer(t testing.TB, data string, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready := &signalWriter{when: "Ctrl-C", seen: make(chan struct{})}
	root := rootCommand()
	root.SetOut(ready)
	root.SetErr(t.Output())
	root.SetArgs(append([]string{
		"server", "--data", data, "--namesrvPort", "0", "--listenPort", "0", "--bindAddress", "127.0.0.1", "--brokerIP1", "127.0.0.1",
	}, args...))
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	select {
	case <-ready.seen:
	case err := <-done:
		cancel()
		t.Fatalf("the server ended: %v", err)
	}
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(end)
	m := greeted.FindSubmatch(ready.text)
	if m == nil {
		t.Fatalf("the server says no addresses:\n%s", ready.text)
	}
	awaitRegistered(t, string(m[3]))
	return running{namesrv: string(m[3]), broker: string(m[2]), end: end}
}

// awaitRegistered waits until the name server knows the broker, which the greeting does not
// say.
func awaitRegistered(t testing.TB, namesrv string) {
	t.Helper()
	client := admin.New(admin.Options{NameServers: []string{namesrv}})
	defer client.Close()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-again.C {
		cluster, err := client.Cluster(t.Context())
		if err == nil && len(cluster.Names()) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the broker has not registered: %v", err)
		}
	}
}
