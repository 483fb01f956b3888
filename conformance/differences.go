package conformance

// Difference is a place where Gantry answers or behaves otherwise than the official server on
// purpose. Each is shown by at least one case, whose Run asserts both behaviours.
type Difference struct {
	Number   int // never reused
	Title    string
	Official string // what the official server does
	Gantry   string // what Gantry does
	Why      string
}

// Differences lists the intended differences by number.
var Differences = []Difference{
	{
		Number:   1,
		Title:    "time to start",
		Official: "name server and broker are two processes; together they answer the first send after seconds",
		Gantry:   "one process (gantry server) has answered the first send within 150 ms",
		Why:      "a server that starts at once can be restarted, tried and tested at once",
	},
	{
		Number:   2,
		Title:    "memory at rest",
		Official: "hundreds of megabytes of anonymous memory for name server and broker",
		Gantry:   "at most 40 MB of anonymous memory for both",
		Why:      "the store is files; an idle server has nothing to remember",
	},
	{
		Number:   3,
		Title:    "remark of an answer to a request that a handler could not read",
		Official: "the class of the Java exception, its message, and a line number of the source",
		Gantry:   "the same response code with a sentence that names the field or body at fault",
		Why:      "there are no Java exceptions here, and a sentence helps whoever reads the log of the client",
	},
	{
		Number:   4,
		Title:    "what is installed",
		Official: "a Java runtime and some 160 archives",
		Gantry:   "one static file",
		Why:      "nothing has to fit to anything else on the machine",
	},
	{
		Number:   5,
		Title:    "time to stop",
		Official: "seconds, with nothing to do",
		Gantry:   "at most a second, and nothing that was acknowledged is lost",
		Why:      "a rolling restart is as long as its stops",
	},
	{
		Number:   6,
		Title:    "sends in a queue",
		Official: "a send waits for a worker; without a place to wait, or after 200 ms, it is answered SYSTEM_BUSY",
		Gantry:   "a send is served where it was read, so none waits and none is refused for it; what limits senders is how fast they are read",
		Why:      "a burst is taken more slowly instead of being refused and sent again",
	},
	{
		Number:   7,
		Title:    "a client that does not read",
		Official: "answers to it are kept in memory without a bound",
		Gantry:   "its connection is closed when more than 32 MiB wait for it",
		Why:      "one client must not use up the memory of all; it connects again and pulls from where it was",
	},
	{
		Number:   8,
		Title:    "allowing a group a topic again",
		Official: "everything that was forbidden to the group is allowed again",
		Gantry:   "the topic that was named is allowed again, the others stay forbidden",
		Why:      "whoever forbids a group several topics means each of them",
	},
	{
		Number:   9,
		Title:    "asking for correction offsets with groups left aside",
		Official: "the offsets of the groups that are left aside are deleted",
		Gantry:   "nothing changes",
		Why:      "a question must not make consumers begin anew",
	},
	{
		Number:   10,
		Title:    "a heartbeat without subscriptions of a client that the broker does not know",
		Official: "it is taken as it is, and the consumer gets no messages until its subscriptions change",
		Gantry:   "the client is told to send them (IS_SUB_CHANGE), which its next heartbeat does",
		Why:      "after a restart of the broker consumers go on",
	},
	{
		Number:   11,
		Title:    "brokers that registered over one connection, when it is lost",
		Official: "one of them is forgotten at once, the others when their heartbeats have stayed away",
		Gantry:   "all of them are forgotten at once",
		Why:      "clients are not sent to brokers that are gone",
	},
	{
		Number:   12,
		Title:    "cloning a group's offsets without naming a topic",
		Official: "SUCCESS, and nothing is cloned",
		Gantry:   "the offsets of all topics are cloned",
		Why:      "it is what was asked for",
	},
	{
		Number:   13,
		Title:    "changing settings that name files, classes or whom to trust over the network",
		Official: "allowed, but for the two keys that name the configuration file and the installation",
		Gantry:   "refused with NO_PERMISSION, as those two are",
		Why:      "such requests have been used to run programs on brokers (CVE-2023-33246, CVE-2023-37582)",
	},
	{
		Number:   14,
		Title:    "a first registration that is refused",
		Official: "an empty broker group stays in the cluster's list",
		Gantry:   "nothing stays",
		Why:      "tools would show a broker that does not exist",
	},
	{
		Number:   15,
		Title:    "a key-value pair that cannot be written to disk",
		Official: "SUCCESS; the pair is lost with the next restart",
		Gantry:   "SYSTEM_ERROR with the reason; the pair counts until the next restart",
		Why:      "an answer of success is a promise",
	},
	{
		Number:   17,
		Title:    "deleting a consumer group",
		Official: "the broker creates the group again with default settings at once, when groups are created by themselves",
		Gantry:   "the group is gone until it is used again",
		Why:      "deleting means deleting",
	},
	{
		Number:   18,
		Title:    "a table of the broker that cannot be read",
		Official: "the file is deleted or written over",
		Gantry:   "it is kept beside the new one, with the ending .corrupt, and a line in the log says so",
		Why:      "what people can repair is not thrown away",
	},
	{
		Number:   19,
		Title:    "settings written back to their file",
		Official: "values are written as they are; those with a backslash or a line end are others after a restart",
		Gantry:   "values are escaped as properties files want it",
		Why:      "a setting survives a restart",
	},
	{
		Number:   20,
		Title:    "a delayed message that lies further ahead than its level's delay",
		Official: "it is delivered at once",
		Gantry:   "it is delivered after the delay of its level",
		Why:      "retries do not come in a storm when the clock was set back",
	},
	{
		Number:   21,
		Title:    "deleting a topic with static queues at the name server",
		Official: "its static queues stay, and come back with the next topic of that name",
		Gantry:   "they go with the topic",
		Why:      "a topic without static queues must not be shown with some",
	},
	{
		Number:   22,
		Title:    "requests and connections that wait",
		Official: "as many as the memory holds",
		Gantry:   "65,536 requests of one connection, beyond which it is answered SYSTEM_BUSY, and 65,536 connections, beyond which they are closed",
		Why:      "no client needs as many, and one must not use up the memory of all",
	},
	{
		Number:   23,
		Title:    "the flag of a message whose producer had to be asked about its transaction",
		Official: "it is 0: the half message is put back without it",
		Gantry:   "it is what the application set",
		Why:      "a committed message is the message that was sent",
	},
	{
		Number:   24,
		Title:    "transactions that ended in the last seconds before a stop",
		Official: "the next life of the broker asks about them again, and a producer that answers commits a second time",
		Gantry:   "their ends are noted at the stop",
		Why:      "a restart delivers nothing twice",
	},
	{
		Number:   25,
		Title:    "the end of a transaction whose half message was put back because of its immunity",
		Official: "it is not found under the offset that the producer knows; when the immunity is over the producer is asked, and commits a second time",
		Gantry:   "it is found",
		Why:      "what was ended is not asked about",
	},
	{
		Number:   26,
		Title:    "a message that a client sends to the timer topic itself",
		Official: "takes it, and the timer stops at it for good: nothing that waits behind it is delivered, before or after a restart",
		Gantry:   "takes it and passes over it",
		Why:      "anybody who may send can stop all delayed deliveries of a broker otherwise",
	},
	{
		Number:   27,
		Title:    "a message that is sent straight to a light queue which other messages lie in",
		Official: "counts it apart from the others: the answer and the record say offset 0, the queue has it behind them",
		Gantry:   "answer, record and queue say the same offset",
		Why:      "a message is where its record says",
	},
	{
		Number:   29,
		Title:    "offsets of a static topic's logical queues",
		Official: "an offset that a pull commits, a search by time, the end of a queue on its way and a pull behind the end mix up offsets or numbers of the logical queue with those of the broker's queue; a mapping that is refused changes the number of queues all the same, and what is decided of a stretch can be changed",
		Gantry:   "each is what it is for other topics; a mapping that is refused changes nothing, and what is decided stays",
		Why:      "a consumer that is started again behind a move would skip messages",
	},
	{
		Number:   30,
		Title:    "a batch that is to stay whole and says that it has no messages, more than 32,767, or no number of them",
		Official: "takes it: without messages its entry is dropped at the next start, and with a number that cannot be read the next recovery ends the commit log there",
		Gantry:   "answers MESSAGE_ILLEGAL",
		Why:      "anybody who may send can make a broker drop what it has stored otherwise",
	},
	{
		Number:   31,
		Title:    "a name server with clusterTest=true",
		Official: "takes every request for a question for a route: no broker can register, and nothing else can be asked or set",
		Gantry:   "serves them all; only routes of topics that it does not know are asked of the product environment",
		Why:      "a test environment has brokers of its own",
	},
	{
		Number:   32,
		Title:    "a pull that is to wait shorter than five seconds",
		Official: "it is answered when the broker next looks at waiting pulls, which it does every five seconds",
		Gantry:   "it is answered when its time is over, to the second",
		Why:      "a client that says how long it has to wait gets its answer then",
	},
	{
		Number:   33,
		Title:    "messages whose keys share a hash, asked for by one of the keys",
		Official: "all of them count and are answered; clients throw away those with another key, and may have none left",
		Gantry:   "only those with the key count and are answered",
		Why:      "the limit of an answer is one of messages that were asked for",
	},
	{
		Number:   34,
		Title:    "settings of TLS in the configuration file, when the configuration is asked for",
		Official: "they are shown, passwords of keys among them",
		Gantry:   "they are not",
		Why:      "whoever may ask a broker for its settings must not learn the password of its key",
	},
}
