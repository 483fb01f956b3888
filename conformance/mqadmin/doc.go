// Package mqadmin has the cases of administration: scripts of commands with the output that
// the official admin tool, release 5.5.0, prints against the official server. Each script is
// played twice, by that tool and by "gantry admin", on every target.
//
// A script lies in testdata. Its head names the feature, the request codes, settings and
// masks; then come steps:
//
//	feature topic administration
//	codes 17 105
//	broker traceTopicEnable=true         a setting of the broker; scripts with equal settings share servers
//	two-brokers                          the servers are a name server and two brokers
//	in-turn                              nothing else uses the servers meanwhile
//	mask time \d\d:\d\d:\d\d             what the expression matches is shown as <time> in outputs,
//	                                     but for the part in its first parentheses
//
//	$ updateTopic -n {ns} -b {broker} -t {topic}
//	create topic to {broker} success.
//
//	$~ topicList -n {ns} | grep {topic}  repeated until the output is as expected; the script's
//	{topic}                              consumers store their offsets before each try
//
//	! examineTopicStats {topic}          a call of the library that the tool is built on; words and
//	{ "offsetTable": … }                 numbers as they are, other arguments as JSON without spaces;
//	                                     "!~" repeats it
//
//	$ cat {dir}/a.json | members         a file that a command wrote; lines sorted, without commas
//
//	= id MsgId: (\w+)                    keeps a part of the last output as {id}
//	@produce {topic} 3                   sends messages with the Java client
//	@push {group} {topic} 3 tags=TagA    starts a push consumer, with arguments of the driver's, and waits for messages
//	@close                               shuts the last one down
//	@pause 1s
//
// Where the official tool reports a failure, ours must end with a sentence on the error output
// and an exit code other than 0. What else differs on purpose follows the command:
//
//	@ours fails no message at 99         ours reports a failure, by a sentence that matches
//	@ours omits ^usage: |^ -             ours prints all lines but those that match
//
// and a line "official REASON" in the head keeps our tool out of a script, "alone" gives
// each tool servers of its own.
//
// {ns}, {broker} and {brokerName} are the servers', {broker2} and {brokerName2} the second broker's; {topic}, {topic2}, {group}, {group2} are
// the case's own, and short enough for the tool's columns; {dir} is an empty folder. Left out
// of outputs are stack traces and the width of columns: they tell of the tool and of the
// machine, not of the server.
package mqadmin
