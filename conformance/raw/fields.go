package raw

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// request is one that the server serves, to be spoilt field by field. "$topic", "$group" and
// "$name" stand for names of the case.
type request struct {
	code   protocol.RequestCode
	fields map[string]string
	body   string
}

// sendFields are those of a send, by their long names, and by the one-letter names of the
// second form.
var (
	sendFields = map[string]string{
		"producerGroup": "$group", "topic": "$topic", "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "0",
		"sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "", "reconsumeTimes": "0", "unitMode": "false",
		"maxReconsumeTimes": "16", "batch": "false",
	}
	sendFieldsV2 = map[string]string{
		"a": "$group", "b": "$topic", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1700000000000", "h": "0", "i": "",
		"j": "0", "k": "false", "l": "16", "m": "false",
	}
	pullFields = map[string]string{
		"consumerGroup": "$group", "topic": "$topic", "queueId": "0", "queueOffset": "0", "maxMsgNums": "1", "sysFlag": "4",
		"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG", "maxMsgBytes": "1000",
	}
	queueFields = map[string]string{"topic": "$topic", "queueId": "0"}
)

const (
	heartbeatBody = `{"clientID":"$name","consumerDataSet":[{"groupName":"$group","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",` +
		`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[{"groupName":"$group"}]}`
	lockBody     = `{"clientId":"$name","consumerGroup":"$group","mqSet":[{"brokerName":"b","queueId":0,"topic":"$topic"}]}`
	checkBody    = `{"clientId":"$name","group":"$group","subscriptionData":{"expressionType":"TAG","subString":"*","topic":"$topic"}}`
	registerBody = `{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1700000000000},` +
		`"topicConfigTable":{}}}`
)

// spoiltRequests are what normal clients and brokers ask for, by the server that they ask.
var spoiltRequests = map[string][]request{
	"broker": {
		{protocol.HeartBeat, nil, heartbeatBody},
		{protocol.PullMessage, pullFields, ""},
		{protocol.LitePullMessage, pullFields, ""},
		{protocol.QueryConsumerOffset, with(queueFields, "consumerGroup", "$group", "setZeroIfNotFound", "true"), ""},
		{protocol.UpdateConsumerOffset, with(queueFields, "consumerGroup", "$group", "commitOffset", "0"), ""},
		{protocol.SearchOffsetByTimestamp, with(queueFields, "timestamp", "1", "boundaryType", "LOWER"), ""},
		{protocol.GetMaxOffset, queueFields, ""},
		{protocol.GetMinOffset, queueFields, ""},
		{protocol.GetEarliestMsgStoretime, queueFields, ""},
		{protocol.GetConsumerListByGroup, map[string]string{"consumerGroup": "$group"}, ""},
		{protocol.LockBatchMQ, nil, lockBody},
		{protocol.UnlockBatchMQ, nil, lockBody},
		{protocol.CheckClientConfig, nil, checkBody},
		{protocol.ViewMessageByID, map[string]string{"offset": "0"}, ""},
		{protocol.QueryMessage, map[string]string{"topic": "$topic", "key": "none", "maxNum": "1", "beginTimestamp": "0", "endTimestamp": "1"}, ""},
		{protocol.SendMessage, sendFields, "hello"},
		{protocol.SendMessageV2, sendFieldsV2, "hello"},
		{protocol.SendReplyMessage, sendFields, "hello"},
		{protocol.SendReplyMessageV2, sendFieldsV2, "hello"},
		{protocol.ConsumerSendMsgBack, map[string]string{
			"offset": "0", "group": "$group", "delayLevel": "0", "originMsgId": "id", "originTopic": "$topic", "unitMode": "false", "maxReconsumeTimes": "16",
		}, ""},
		{protocol.UnregisterClient, map[string]string{"clientID": "$name", "producerGroup": "$group", "consumerGroup": "$group"}, ""},
	},
	"namesrv": {
		{protocol.RegisterBroker, map[string]string{
			"brokerName": "$name", "brokerAddr": "10.0.0.1:10911", "clusterName": "$group", "haServerAddr": "10.0.0.1:10912", "brokerId": "0",
			"heartbeatTimeoutMillis": "60000", "enableActingMaster": "false", "compressed": "false", "bodyCrc32": "0",
		}, registerBody},
		{protocol.GetRouteinfoByTopic, map[string]string{"topic": "$topic", "acceptStandardJsonOnly": "true"}, ""},
		{protocol.QueryDataVersion, map[string]string{
			"brokerName": "$name", "brokerAddr": "10.0.0.1:10911", "clusterName": "$group", "brokerId": "0",
		}, `{"counter":1,"stateVersion":0,"timestamp":1700000000000}`},
		{protocol.RegisterTopicInNamesrv, map[string]string{"topic": "$topic"}, `{"queueDatas":[{"brokerName":"$name","perm":6,"readQueueNums":1,"writeQueueNums":1}]}`},
		{protocol.PutKVConfig, map[string]string{"namespace": "$name", "key": "k", "value": "v"}, ""},
		{protocol.GetKVConfig, map[string]string{"namespace": "$name", "key": "k"}, ""},
		{protocol.GetKvlistByNamespace, map[string]string{"namespace": "$name"}, ""},
		{protocol.DeleteKVConfig, map[string]string{"namespace": "$name", "key": "k"}, ""},
		{protocol.UnregisterBroker, map[string]string{
			"brokerName": "$name", "brokerAddr": "10.0.0.1:10911", "clusterName": "$group", "brokerId": "0",
		}, ""},
	},
}

// spoiltCodes lists the codes of these requests.
func spoiltCodes(where string) []protocol.RequestCode {
	var codes []protocol.RequestCode
	for _, r := range spoiltRequests[where] {
		codes = append(codes, r.code)
	}
	return codes
}

// with copies fields and adds pairs.
func with(fields map[string]string, pairs ...string) map[string]string {
	all := maps.Clone(fields)
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// What takes the place of a field's value, and of a body.
var (
	spoiltValues = []string{"", "abc", "-1", "1.5", "2147483648", "99999999999999999999"}
	spoiltBodies = []string{"", "no json", "null", "[]", "{}", "5"}
)

// spoilt lists the request itself, without each of its fields, and with wrong values in each;
// and if it has a body of JSON, that with wrong bodies.
func (r request) spoilt() []spoiltRequest {
	all := []spoiltRequest{{"as it should be", r.fields, r.body}, {"without fields", nil, r.body}}
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		less := maps.Clone(r.fields)
		delete(less, key)
		all = append(all, spoiltRequest{"without " + key, less, r.body})
		for _, value := range spoiltValues {
			all = append(all, spoiltRequest{key + "=" + value, with(r.fields, key, value), r.body})
		}
	}
	if strings.HasPrefix(r.body, "{") {
		for _, body := range spoiltBodies {
			all = append(all, spoiltRequest{"body " + body, r.fields, body})
		}
	}
	return all
}

type spoiltRequest struct {
	what   string
	fields map[string]string
	body   string
}

// fieldsCase sends every request in every wrong form, one after the other, and compares the
// codes of the answers with the recorded ones, or records them.
func fieldsCase(where, recording, rewrite string) func(t *conformance.T) {
	return func(t *conformance.T) {
		t.StartServers()
		s := spoiler{t: t, address: t.Servers().NameServer().Address(), names: strings.NewReplacer(
			"$topic", t.Topic(), "$group", t.Group(), "$name", t.Group(),
		)}
		if where == "broker" {
			s.address = t.Servers().Broker().Address()
			s.prepare()
		}
		t.Cleanup(s.hangUp)
		want := strings.Split(strings.TrimSpace(recording), "\n")
		var got []string
		for _, r := range spoiltRequests[where] {
			for _, form := range r.spoilt() {
				patience := silence
				if rewrite == "" && len(got) < len(want) && !strings.HasSuffix(want[len(got)], silent) {
					patience = t.Stretch(answerTime)
				}
				got = append(got, fmt.Sprintf("%s %s: %s", r.code, form.what, s.outcome(r.code, form, patience)))
			}
		}
		if rewrite != "" && t.Official() {
			t.Check(os.WriteFile(rewrite, []byte(strings.Join(got, "\n")+"\n"), 0o644), "record")
			return
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s", diff(want, got))
		}
	}
}

// spoiler sends requests over one connection, or the next where the server closes it.
type spoiler struct {
	t       *conformance.T
	address string
	names   *strings.Replacer
	conn    *wire.Conn
}

// prepare has the broker know the topic, with three messages, and the group.
func (s *spoiler) prepare() {
	topic := s.names.Replace("$topic")
	for range 3 {
		r, err := wire.Call(s.t.Context(), s.address, sendFrame(topic, 5))
		s.t.Check(err, "send")
		if r.Code != int32(protocol.ResponseSuccess) {
			s.t.Fatalf("a send was answered %s", r)
		}
	}
	s.t.AwaitEnd(topic, 0, 3)
}

func (s *spoiler) hangUp() {
	if s.conn != nil {
		s.conn.Close()
	}
}

func (s *spoiler) outcome(code protocol.RequestCode, form spoiltRequest, patience time.Duration) string {
	if s.conn == nil {
		conn, err := wire.Dial(s.t.Context(), s.address)
		s.t.Check(err, "connect")
		s.conn = conn
	}
	f := &wire.Frame{Code: int32(code), Ext: map[string]string{}, Body: []byte(s.names.Replace(form.body))}
	for key, value := range form.fields {
		f.Ext[key] = s.names.Replace(value)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	r, err := s.conn.Call(ctx, f)
	switch {
	case errors.Is(err, wire.ErrClosed):
		s.conn.Close()
		s.conn = nil
		return closes
	case errors.Is(err, wire.ErrSilent):
		return silent
	case err != nil:
		return err.Error()
	}
	return codeName(r.Code)
}
