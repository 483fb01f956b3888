package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// commands are what mqadmin is asked to do, one a line; NS, BROKER, ID, CLIENT and DIR are
// replaced. Commands that only stop or loop are left out.
const commands = `
clusterList -n NS
clusterList -n NS -m
topicList -n NS
topicList -n NS -c
updateTopic -n NS -b BROKER -t GoldenAdmin -r 4 -w 4
updateTopic -n NS -c DefaultCluster -t GoldenOrder -r 2 -w 2 -o true
updateTopic -n NS -b BROKER -t GoldenAttr -a +message.type=NORMAL
updateTopicList -n NS -b BROKER -f DIR/topics.json
updateTopicPerm -n NS -t GoldenAdmin -p 4 -b BROKER
updateTopicPerm -n NS -t GoldenAdmin -p 6 -b BROKER
topicRoute -n NS -t GoldenAdmin
topicRoute -n NS -t NotThere
topicStatus -n NS -t GoldenAdmin
topicClusterList -n NS -t GoldenAdmin
updateSubGroup -n NS -b BROKER -g GoldenGroup -s true
updateSubGroup -n NS -c DefaultCluster -g GoldenGroup -o true
updateSubGroupList -n NS -b BROKER -f DIR/groups.json
setConsumeMode -n NS -b BROKER -t GoldenAdmin -g GoldenGroup -m POP -q 8
sendMessage -n NS -t GoldenAdmin -p hello -k goldenKey -c TagA
sendMessage -n NS -t GoldenAdmin -p hello -b broker-a -i 0
consumeMessage -n NS -t GoldenAdmin
printMsg -n NS -t GoldenAdmin -d true
printMsgByQueue -n NS -t GoldenAdmin -a broker-a -i 0 -p true -d true
queryMsgById -n NS -t GoldenPush -i ID
queryMsgById -n NS -t GoldenPush -i ID -g GoldenPushGroup -d CLIENT
queryMsgByKey -n NS -t GoldenAdmin -k goldenKey
queryMsgByUniqueKey -n NS -t GoldenPush -i UNIQ
queryMsgByOffset -n NS -t GoldenAdmin -b broker-a -i 0 -o 0
queryMsgTraceById -n NS -i UNIQ
queryCq -n NS -t GoldenAdmin -q 0 -i 0 -b BROKER
sendMsgStatus -n NS -b broker-a -c 2
checkMsgSendRT -n NS -t GoldenAdmin -a 2
brokerStatus -n NS -b BROKER
brokerStatus -n NS -c DefaultCluster
brokerConsumeStats -n NS -b BROKER
getBrokerConfig -n NS -b BROKER
updateBrokerConfig -n NS -b BROKER -k flushConsumerOffsetInterval -v 4000
updateBrokerConfig -n NS -b BROKER -k brokerId -v 4
cleanExpiredCQ -n NS -b BROKER
cleanUnusedTopic -n NS -b BROKER
deleteExpiredCommitLog -n NS -b BROKER
resetMasterFlushOffset -n NS -b BROKER -o 0
haStatus -n NS -b BROKER
getBrokerEpoch -n NS -b broker-a
producer -n NS -b BROKER
producerConnection -n NS -g GoldenProducer -t GoldenPush
producerConnection -n NS -g NotThere -t GoldenPush
consumerConnection -n NS -g GoldenPushGroup
consumerConnection -n NS -g NotThere -b BROKER
consumerProgress -n NS
consumerProgress -n NS -g GoldenPushGroup
consumerProgress -n NS -g GoldenPushGroup -s true
consumerStatus -n NS -g GoldenPushGroup
consumerStatus -n NS -g GoldenPushGroup -i CLIENT
cloneGroupOffset -n NS -s GoldenPushGroup -d GoldenClone -t GoldenPush
resetOffsetByTime -n NS -g GoldenPushGroup -t GoldenPush -s -1
resetOffsetByTime -n NS -g GoldenOffline -t GoldenPush -s -1
skipAccumulatedMessage -n NS -g GoldenPushGroup -t GoldenPush
getConsumerConfig -n NS -g GoldenGroup
statsAll -n NS -t GoldenPush
updateKvConfig -n NS -s GoldenSpace -k colour -v blue
deleteKvConfig -n NS -s GoldenSpace -k colour
updateOrderConf -n NS -t GoldenOrder -m put -v broker-a:2
updateOrderConf -n NS -t GoldenOrder -m get
updateOrderConf -n NS -t NotThere -m get
updateOrderConf -n NS -t GoldenOrder -m delete
wipeWritePerm -n NS -b broker-a
addWritePerm -n NS -b broker-a
wipeWritePerm -n NS -b not-there
getNamesrvConfig -n NS
updateNamesrvConfig -n NS -k orderMessageEnable -v true
updateNamesrvConfig -n NS -k kvConfigPath -v x
allocateMQ -n NS -t GoldenAdmin -i 127.0.0.1
updateStaticTopic -n NS -t GoldenStatic -qn 4 -c DefaultCluster
remappingStaticTopic -n NS -t GoldenStatic -c DefaultCluster
exportMetadata -n NS -c DefaultCluster -f DIR/export
exportConfigs -n NS -c DefaultCluster -f DIR/export
exportMetrics -n NS -c DefaultCluster -f DIR/export
exportPopRecord -n NS -b BROKER
getColdDataFlowCtrInfo -n NS -b BROKER
updateColdDataFlowCtrGroupConfig -n NS -b BROKER -g GoldenGroup -v 1024
removeColdDataFlowCtrGroupConfig -n NS -b BROKER -g GoldenGroup
setCommitLogReadAheadMode -n NS -b BROKER -m 1
createUser -n NS -b BROKER -u goldenUser -p secret -t Normal
updateUser -n NS -b BROKER -u goldenUser -p secret2
getUser -n NS -b BROKER -u goldenUser
listUser -n NS -b BROKER
createAcl -n NS -b BROKER -s User:goldenUser -r Topic:GoldenAdmin -a Pub -d Allow
updateAcl -n NS -b BROKER -s User:goldenUser -r Topic:GoldenAdmin -a Sub -d Deny
getAcl -n NS -b BROKER -s User:goldenUser
listAcl -n NS -b BROKER
deleteAcl -n NS -b BROKER -s User:goldenUser
deleteUser -n NS -b BROKER -u goldenUser
rocksDBConfigToJson -n NS -t topics -b BROKER
checkRocksdbCqWriteProgress -n NS -c DefaultCluster
switchTimerEngine -n NS -b BROKER -e F
getBrokerLiteInfo -n NS -b BROKER
getParentTopicInfo -n NS -p GoldenAdmin
getLiteTopicInfo -n NS -p GoldenAdmin -l lite1
getLiteClientInfo -n NS -p GoldenAdmin -g GoldenGroup -c CLIENT
getLiteGroupInfo -n NS -p GoldenAdmin -g GoldenGroup
triggerLiteDispatch -n NS -p GoldenAdmin -g GoldenGroup
deleteSubGroup -n NS -c DefaultCluster -g GoldenGroup
deleteSubGroup -n NS -b BROKER -g GoldenOffline -r true
deleteTopic -n NS -t GoldenAdmin -c DefaultCluster
deleteTopic -n NS -t NotThere -c DefaultCluster
`

// admin runs the commands while a consumer and a producer of a process of their own are
// there to be looked at and asked.
func admin(ctx context.Context, ns, broker string, p phase) error {
	d, err := javadriver.Start(ctx, javadriver.Options{Release: p.release})
	if err != nil {
		return err
	}
	defer d.Close()
	dir, err := os.MkdirTemp("", "goldenrec-admin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := files(dir); err != nil {
		return err
	}
	prod, err := d.Producer(ctx, ns, "GoldenProducer", javadriver.Args{"heartbeatMs": 1000})
	if err != nil {
		return err
	}
	sent, err := prod.Send(ctx, message("GoldenPush", "for mqadmin"), nil)
	step("send", err)
	push, err := d.Push(ctx, ns, "GoldenPushGroup", "GoldenPush", javadriver.Args{"heartbeatMs": 1000, "instance": "golden"})
	if err != nil {
		return err
	}
	_, err = push.WaitCount(ctx, 1)
	step("push", err)
	client := clientID(ctx, d, ns)
	words := strings.NewReplacer("NS", ns, "BROKER", broker, "UNIQ", sent.MsgID, "ID", sent.OffsetMsgID, "CLIENT", client, "DIR", dir)
	for line := range strings.Lines(commands) {
		args := strings.Fields(words.Replace(line))
		if len(args) == 0 {
			continue
		}
		output, exits, err := d.Admin(ctx, args...)
		step(args[0], err)
		if exits || strings.Contains(output, "Exception") {
			step(args[0], errText(output))
		}
	}
	step("close", push.Close(ctx))
	step("close", prod.Close(ctx))
	return nil
}

type errText string

func (e errText) Error() string { return string(e) }

// clientID reads the id of the consumer that was just started from consumerConnection.
func clientID(ctx context.Context, d *javadriver.Driver, ns string) string {
	output, _, err := d.Admin(ctx, "consumerConnection", "-n", ns, "-g", "GoldenPushGroup")
	step("consumerConnection", err)
	for line := range strings.Lines(output) {
		if words := strings.Fields(line); len(words) > 0 && strings.HasSuffix(words[0], "@golden") {
			return words[0]
		}
	}
	return "unknown"
}

// files are the lists that two of the commands read.
func files(dir string) error {
	for name, text := range map[string]string{
		"topics.json": `[{"topicName":"GoldenList1","readQueueNums":2,"writeQueueNums":2,"perm":6},{"topicName":"GoldenList2"}]`,
		"groups.json": `[{"groupName":"GoldenListGroup1"},{"groupName":"GoldenListGroup2"}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
