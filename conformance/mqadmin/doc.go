// Package mqadmin has the cases that run the official admin tool, release 5.5.0: scripts of
// commands with the output that the tool prints against the official server.
//
// A script lies in testdata. Its head names the feature, the request codes, settings and
// masks; then come steps:
//
//	feature topic administration
//	codes 17 105
//	broker traceTopicEnable=true         a setting of the broker; scripts with equal settings share servers
//	in-turn                              nothing else uses the servers meanwhile
//	mask time \d\d:\d\d:\d\d             what the expression matches is shown as <time> in outputs,
//	                                     but for the part in its first parentheses
//
//	$ updateTopic -n {ns} -b {broker} -t {topic}
//	create topic to {broker} success.
//
//	$~ topicList -n {ns} | grep {topic}  repeated until the output is as expected
//	{topic}
//
//	= id MsgId: (\w+)                    keeps a part of the last output as {id}
//	@produce {topic} 3                   sends messages with the Java client
//	@push {group} {topic} 3              starts a push consumer and waits for messages
//	@pause 1s
//
// {ns}, {broker} and {brokerName} are the servers'; {topic}, {topic2}, {group}, {group2} are
// the case's own, and short enough for the tool's columns; {dir} is an empty folder. Left out
// of outputs are stack traces and the width of columns: they tell of the tool and of the
// machine, not of the server.
package mqadmin
