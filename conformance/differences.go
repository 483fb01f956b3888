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
}
