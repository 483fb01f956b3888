package protocol

import (
	"encoding/json"
	"testing"
)

// Absent keys take the values that upstream's classes start with.
func TestConfigDefaults(t *testing.T) {
	var topic TopicConfig
	if err := json.Unmarshal([]byte(`{"topicName":"T"}`), &topic); err != nil {
		t.Fatal(err)
	}
	const wantTopic = `{"attributes":{},"order":false,"perm":6,"readQueueNums":16,"topicFilterType":"SINGLE_TAG",` +
		`"topicName":"T","topicSysFlag":0,"writeQueueNums":16}`
	checkJSON(t, topic, wantTopic)

	var group SubscriptionGroupConfig
	if err := json.Unmarshal([]byte(`{"groupName":"G","groupRetryPolicy":{}}`), &group); err != nil {
		t.Fatal(err)
	}
	const wantGroup = `{"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,` +
		`"consumeFromMinEnable":true,"consumeMessageOrderly":false,"consumeTimeoutMinute":15,"groupName":"G",` +
		`"groupRetryPolicy":{"type":"CUSTOMIZED"},"groupSysFlag":0,"notifyConsumerIdsChangedEnable":true,` +
		`"retryMaxTimes":16,"retryQueueNums":1,"whichBrokerWhenConsumeSlowly":1}`
	checkJSON(t, group, wantGroup)
}

// What is left out of a retry policy.
func TestRetryPolicies(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                   `{"type":"CUSTOMIZED"}`,
		`{"type":true}`:                        "",
		`{"exponentialRetryPolicy":{"max":9}}`: `{"exponentialRetryPolicy":{"initial":5000,"max":9,"multiplier":2},"type":"CUSTOMIZED"}`,
		`{"customizedRetryPolicy":{"next":[1,2]}}`: `{"customizedRetryPolicy":{"next":[1,2]},"type":"CUSTOMIZED"}`,
		`{"customizedRetryPolicy":{"next":null}}`:  `{"customizedRetryPolicy":{},"type":"CUSTOMIZED"}`,
		`{"customizedRetryPolicy":{}}`: `{"customizedRetryPolicy":{"next":[1000,5000,10000,30000,60000,120000,180000,240000,300000,` +
			`360000,420000,480000,540000,600000,1200000,1800000,3600000,7200000]},"type":"CUSTOMIZED"}`,
	} {
		var p GroupRetryPolicy
		if err := json.Unmarshal([]byte(text), &p); (err != nil) != (want == "") {
			t.Errorf("%s: %v", text, err)
		} else if err == nil {
			checkJSON(t, p, want)
		}
	}
}

// A null attribute table, which old clients send, becomes an empty one.
func TestConfigNullAttributes(t *testing.T) {
	var topic TopicConfig
	if err := json.Unmarshal([]byte(`{"topicName":"T","attributes":null}`), &topic); err != nil {
		t.Fatal(err)
	}
	if topic.Attributes == nil {
		t.Error("topic: attributes are nil")
	}
	var group SubscriptionGroupConfig
	if err := json.Unmarshal([]byte(`{"groupName":"G","attributes":null}`), &group); err != nil {
		t.Fatal(err)
	}
	if group.Attributes == nil {
		t.Error("group: attributes are nil")
	}
}

func TestGroupCloneSharesNothing(t *testing.T) {
	g := DefaultSubscriptionGroupConfig("G")
	g.SubscriptionDataSet = []SimpleSubscriptionData{{Topic: "T"}}
	g.GroupRetryPolicy.CustomizedRetryPolicy = &CustomizedRetryPolicy{Next: []int64{1, 2}}
	g.GroupRetryPolicy.ExponentialRetryPolicy = &ExponentialRetryPolicy{Initial: 1}
	before, _ := json.Marshal(g)

	c := g.Clone()
	c.Attributes["k"] = "v"
	c.SubscriptionDataSet[0].Topic = "other"
	c.GroupRetryPolicy.Type = RetryExponential
	c.GroupRetryPolicy.CustomizedRetryPolicy.Next[0] = 9
	c.GroupRetryPolicy.ExponentialRetryPolicy.Initial = 9
	checkJSON(t, g, string(before))
}

func checkJSON(t *testing.T, v any, want string) {
	t.Helper()
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("JSON of %T\n got %s\nwant %s", v, got, want)
	}
}
