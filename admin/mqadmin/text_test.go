package mqadmin

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// The texts are those of upstream's toString methods, as the official tool prints them.
func TestTexts(t *testing.T) {
	t.Parallel()
	g := protocol.DefaultSubscriptionGroupConfig("G")
	g.GroupRetryPolicy.CustomizedRetryPolicy = &protocol.CustomizedRetryPolicy{Next: []int64{1000, 2000}}
	for got, want := range map[string]string{
		topicText(&protocol.TopicConfig{TopicName: "T", ReadQueueNums: 1, WriteQueueNums: 2, Perm: 6, TopicFilterType: "SINGLE_TAG", Attributes: map[string]string{"+a": "b"}}): "TopicConfig [topicName=T, readQueueNums=1, writeQueueNums=2, perm=RW-, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={+a=b}]",
		retryPolicyText(g.GroupRetryPolicy): "GroupRetryPolicy{type=CUSTOMIZED, exponentialRetryPolicy=null, customizedRetryPolicy=CustomizedRetryPolicy{next=[1000, 2000]}}",
		permText(0):                         "---",
		permText(2):                         "-W-",
		permText(5):                         "R-X",
		double(0):                           "0.0",
		front("abcdef", 3):                  "abc",
		front("ä", 1):                       "ä",
		listText([]int8{-1, 2}):             "[-1, 2]",
		averagelyText(5, 2):                 "[0 1 2] [3 4]",
		averagelyText(1, 3):                 "[0] [] []",
		string(fastjsonSpaces([]byte("{\n\t\"a b\": 1\n}"))): "{\n\t\"a b\":1\n}",
	} {
		if got != want {
			t.Errorf("shown as\n%s, want\n%s", got, want)
		}
	}
}

func averagelyText(queues, clients int) string {
	all := make([]protocol.MessageQueue, queues)
	for i := range all {
		all[i].QueueID = int32(i)
	}
	text := ""
	for i := range clients {
		var ids []int32
		for _, q := range averagely(all, i, clients) {
			ids = append(ids, q.QueueID)
		}
		text += fmt.Sprintf(" %v", ids)
	}
	return text[1:]
}

func TestParseTraces(t *testing.T) {
	t.Parallel()
	host := netip.MustParseAddrPort("10.0.0.1:5")
	m := &admin.Message{Message: codec.Message{BornHost: host, Body: []byte(
		"Pub\x011000\x01region\x01producers\x01T\x01ID\x01tag\x01key\x01store\x015\x0112\x010\x01offsetID\x01true\x01\x02" +
			"SubBefore\x011000\x01region\x01G\x01request\x01ID\x010\x01key\x02" +
			"SubAfter\x01request\x01ID\x017\x01false\x01key\x010\x012000\x01consumers\x02Pub\x01short\x02")}}
	got := parseTraces(m)
	want := []trace{
		{Type: "Pub", Group: "producers", Client: "10.0.0.1", Time: 1000, CostMs: 12, OK: true, msgID: "ID"},
		{Type: "SubAfter", Group: "consumers", Client: "10.0.0.1", Time: 2000, CostMs: 7, OK: false, msgID: "ID"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read\n%v, want\n%v", got, want)
	}
}

func FuzzParseTraces(f *testing.F) {
	f.Add([]byte("Pub\x01a\x02SubAfter\x01b\x02"))
	f.Fuzz(func(_ *testing.T, body []byte) { parseTraces(&admin.Message{Message: codec.Message{Body: body}}) })
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	if c, n, id, err := identity("C:b:3"); err != nil || c != "C" || n != "b" || id != 3 {
		t.Errorf("C:b:3 is %s %s %d %v", c, n, id, err)
	}
	for _, text := range []string{"", "C:b", "C:b:x", "C:b:-1", "a:b:c:0"} {
		if _, _, _, err := identity(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
