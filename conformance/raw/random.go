package raw

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// Random compares two systems on sequences of requests that nobody thought of: the first target
// of a run records what it answers, the others must answer the same. What is drawn depends on
// the seed alone, so a sequence that parts can be played again, on a single target too, and made
// a conversation.
//
// Answers are compared as conversations compare them: code, remark, fields, and bodies field by
// field. Times, ids and addresses are masked; of what Java says of a fault only the code counts
// (intended difference 3).
type Random struct {
	Seed         uint64
	First, Count int // the sequences, by number
	// Recording is a file that keeps what the first target answered; where it is there already,
	// every target is compared with it. Empty keeps it for the run only.
	Recording string

	recorded [][][]string // of the first target, by sequence and step
}

// randomMasks are the fields whose values are of the moment.
const randomMasks = "size,msgId,transactionId,UNIQ_KEY,bornTimestamp,storeTimestamp,physicalOffset,popTime,reviveQid,POP_CK,1ST_POP_TIME,recallHandle,__transactionId__," +
	"TIMER_OUT_MS,TIMER_ENQUEUE_MS,TIMER_DEQUEUE_MS,TIMER_DELIVER_MS,preparedTransactionOffset,offsetMsgId,lastTimestamp,commitLogOffset,lastUpdateTimestamp,consumeTps,timestamp," +
	"counter,stateVersion,indexLastUpdateTimestamp,indexLastUpdatePhyoffset,physicOffset,ORIGIN_MESSAGE_ID,earliestUnconsumedTimestamp,lastAccessTime,createTimeMills," +
	"lastColdReadTimeMills,coldAcc,globalAcc,tps,avgpt,storeHost,ARRIVE_TIME,PUSH_REPLY_TIME,TRAN_PREPARED_QUEUE_OFFSET,minTimeStamp,maxTimeStamp,consumeTimeStamp,delayTime,lastLockTimestamp," +
	"minTimeStampStr,maxTimeStampStr,consumeTimeStampStr,topicPutTps,physicSize,sum,lmqNum"

// Case is the comparison as a case; it is to be run on each target in turn.
func (r *Random) Case() (conformance.Case, error) {
	text, err := scripts.ReadFile(randomFile)
	if err != nil {
		return conformance.Case{}, err
	}
	all, err := parseSubjects(string(text))
	return conformance.Case{
		Name: "raw/random", Client: conformance.Raw, Feature: "random requests", Topology: conformance.SingleBroker,
		Settings: conformance.Settings{Broker: map[string]string{"enableLmq": "true", "enableMultiDispatch": "true"}},
		Timeout:  time.Hour, Run: func(t *conformance.T) { r.run(t, all) },
	}, err
}

func (r *Random) run(t *conformance.T, all *subjects) {
	if b, err := os.ReadFile(r.Recording); r.recorded == nil && err == nil {
		t.Check(json.Unmarshal(b, &r.recorded), "read %s", r.Recording)
	}
	if r.recorded == nil {
		r.record(t, all)
		return
	}
	var found findings
	for n, known := range r.recorded[:min(r.Count, len(r.recorded))] {
		steps := all.sequence(r.Seed, uint64(r.First+n))
		for i, got := range playRandom(t, steps, known) {
			want, seen := forgiving(withFault(known[i]), got)
			if !slices.Equal(want, seen) {
				found.add(fmt.Sprintf("-random %d/%d, step %d", r.Seed, r.First+n, i), steps[i], want, seen)
				break // what follows in the sequence may follow from it
			}
		}
	}
	found.tell(t)
}

// record plays the sequences and keeps what is answered. A run that is interrupted keeps what it has.
func (r *Random) record(t *conformance.T, all *subjects) {
	for n := range r.Count {
		answers := playRandom(t, all.sequence(r.Seed, uint64(r.First+n)), nil)
		if t.Context().Err() != nil {
			break
		}
		r.recorded = append(r.recorded, answers)
	}
	if r.Recording != "" {
		b, err := json.Marshal(r.recorded)
		t.Check(errors.Join(err, os.WriteFile(r.Recording, b, 0o644)), "keep what was answered")
	}
}

// withFault is an answer whose remark is missing because the compiler has optimised the throw, as
// it is without that: nothing but SYSTEM_ERROR.
func withFault(answer []string) []string {
	if len(answer) == 1 && answer[0] == codeName(int32(protocol.ResponseSystemError)) {
		return append(slices.Clone(answer), anyFault)
	}
	return answer
}

// findings are differences by kind.
type findings struct {
	kinds  []string // by signature, in the order in which they were met
	first  map[string]string
	counts map[string]int
}

func (f *findings) add(where string, c command, want, got []string) {
	if f.first == nil {
		f.first, f.counts = map[string]string{}, map[string]int{}
	}
	kind := signature(c, want, got)
	if f.counts[kind]++; f.counts[kind] == 1 {
		f.kinds = append(f.kinds, kind)
		f.first[kind] = where + "\n" + c.line() + "\n" + diff(want, got)
	}
}

// tell reports the kinds, the most frequent first, each with the first request that showed it.
func (f *findings) tell(t *conformance.T) {
	slices.SortStableFunc(f.kinds, func(a, b string) int { return f.counts[b] - f.counts[a] })
	for _, kind := range f.kinds {
		t.Errorf("%d times, first at %s", f.counts[kind], f.first[kind])
	}
}

// digits are what makes two differences of a kind look different.
var digits = regexp.MustCompile(`[0-9]+`)

// signature is the same for differences of one kind.
func signature(c command, want, got []string) string {
	var lines []string
	for line := range strings.SplitSeq(diff(want, got), "\n") {
		if !strings.HasPrefix(line, " ") {
			lines = append(lines, digits.ReplaceAllString(line, "#"))
		}
	}
	code, _ := c.code()
	return code.String() + "\n" + strings.Join(lines, "\n")
}

// randomPatience is how long the first target may think about an answer before it counts as
// silent. Others get more where it answered.
const randomPatience = 3 * time.Second

// playRandom plays a sequence on names of its own and returns what each step showed.
func playRandom(t *conformance.T, steps []command, known [][]string) [][]string {
	p := &player{t: t, s: &script{masks: strings.Split(randomMasks, ",")}, vars: map[string]string{}, conns: map[string]*wire.Conn{}}
	defer p.close()
	p.defineVariables()
	for _, name := range []string{"phy", "half", "halfphy", "pt", "rq"} {
		p.vars[name] = "0"
	}
	p.vars["ck"], p.vars["id"], p.vars["handle"] = "0 0 60000 0 0 broker-0 0 0", "7F00000100002A9F0000000000000000", "x"
	var all [][]string
	for i, c := range steps {
		patience := randomPatience
		if known != nil && !slices.Equal(known[i], []string{silent}) {
			patience = t.Stretch(answerTime)
		}
		lines, err := p.randomStep(c, patience)
		if err != nil {
			lines = []string{"error " + err.Error()}
		}
		for i := range lines {
			lines[i] = masked(p.abstract(lines[i]))
		}
		all = append(all, lines)
	}
	p.forget()
	return all
}

// forget takes the brokers that a sequence has made up from the name server. Official name servers forget
// one of them when the connection is lost, and show the others to the next sequences (difference 11).
func (p *player) forget() {
	for _, broker := range p.invented {
		if conn, err := p.conn("namesrv#forget"); err == nil {
			// One that was never entered is an error here, and no harm.
			_, _ = conn.Call(p.t.Context(), &wire.Frame{Code: int32(protocol.UnregisterBroker), Ext: broker})
		}
	}
}

func (p *player) randomStep(c command, patience time.Duration) ([]string, error) {
	if c.verb == "topic" {
		err := p.createTopic(c)
		return nil, err
	}
	conn, err := p.conn(c.operands[0])
	if err != nil {
		return nil, err
	}
	f, err := p.request(c)
	if err != nil {
		return []string{"not sent"}, nil
	}
	if _, oneway := c.options["oneway"]; oneway {
		err := conn.OneWay(f)
		p.quiet()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	answer, err := conn.Call(ctx, f)
	if errors.Is(err, wire.ErrClosed) {
		conn.Close()
	}
	if answer != nil {
		p.remember(answer)
		if f.Code == int32(protocol.RegisterBroker) && answer.Code == int32(protocol.ResponseSuccess) {
			p.invented = append(p.invented, f.Ext)
		}
		p.finish(protocol.RequestCode(f.Code))
	}
	if answer != nil && (setAside(f) || isShared(f)) {
		for _, field := range []string{"queueOffset", "offset", "restNum"} { // where the broker keeps it for now, among what time has put there
			delete(answer.Ext, field)
		}
	}
	if answer != nil && strings.HasPrefix(f.Ext["e"]+f.Ext["queueId"], "-") { // the broker chose the queue at random
		delete(answer.Ext, "queueId")
		delete(answer.Ext, "queueOffset")
	}
	if answer != nil && protocol.RequestCode(f.Code) == protocol.ChangeMessageInvisibletime {
		answer.Ext["invisibleTime"] = inSeconds(answer.Ext["invisibleTime"])
	}
	if answer != nil && protocol.RequestCode(f.Code) == protocol.QueryConsumeQueue {
		blurEmptyQueue(answer)
	}
	c.options["sort"] = ""
	return p.show(c, answer, err)
}

// noUnit is what is said of a place without a unit, in a queue that the official broker has in memory; of another queue
// it says the end of that only.
var noUnit = regexp.MustCompile(`^Index \d+ of (\d+@.* is not exist!)$`)

// blurEmptyQueue makes the two answers to a question for a unit that is not there the same. Which of them comes for an
// empty queue says whether anybody has asked for the queue's offsets since the official broker started.
func blurEmptyQueue(answer *wire.Frame) {
	if m := noUnit.FindStringSubmatch(answer.Remark); m != nil {
		answer.Code, answer.Remark = int32(protocol.ResponseSystemError), m[1]
	}
}

// finish waits until the official broker has finished what it does behind its answer. A reply that cannot
// be handed over is stored all the same, so the code does not matter.
func (p *player) finish(code protocol.RequestCode) {
	switch {
	case writes[code]:
		p.quiet()
	case code == protocol.PopMessage && p.t.Official():
		p.t.Pause(popScans) // nothing tells when it has committed what it popped
	}
}

// popScans is several of the rounds, 5 ms apart, in which the official broker commits the offsets of pops.
const popScans = 40 * time.Millisecond

// inSeconds cuts the milliseconds off a time that a message stays invisible: what has passed since
// the pop is in it. Without a pop before it is a time of day.
func inSeconds(invisible string) string {
	if len(invisible) <= 3 || moment.MatchString(invisible) {
		return invisible
	}
	return invisible[:len(invisible)-3] + " s"
}

// isShared reports whether a request is about a topic that all sequences write to.
func isShared(f *wire.Frame) bool {
	topic := f.Ext["b"] + f.Ext["topic"]
	return strings.HasPrefix(topic, "RMQ_SYS_") || topic == "SCHEDULE_TOPIC_XXXX" || topic == "SELF_TEST_TOPIC"
}

// writes are the requests that put something into the store, which the official broker's queues
// learn of a little later.
var writes = map[protocol.RequestCode]bool{
	protocol.SendMessage: true, protocol.SendMessageV2: true, protocol.SendBatchMessage: true, protocol.SendReplyMessage: true, protocol.SendReplyMessageV2: true,
	protocol.ConsumerSendMsgBack: true, protocol.EndTransaction: true, protocol.RecallMessage: true,
}

// quiet waits until the broker has dispatched what it stored.
func (p *player) quiet() {
	conn, err := p.conn("broker#quiet")
	for err == nil && p.t.Context().Err() == nil {
		r, callErr := conn.Call(p.t.Context(), &wire.Frame{Code: int32(protocol.GetBrokerRuntimeInfo)})
		if callErr != nil {
			return
		}
		var info struct{ Table map[string]string }
		if json.Unmarshal(r.Body, &info) != nil || info.Table["dispatchBehindBytes"] == "0" {
			return
		}
		p.t.Pause(2 * time.Millisecond)
	}
}

// remember keeps what later commands may ask for.
func (p *player) remember(r *wire.Frame) {
	for field, name := range map[string]string{"popTime": "pt", "reviveQid": "rq", "recallHandle": "handle"} {
		if v := r.Ext[field]; v != "" {
			p.vars[name] = v
		}
	}
	if id := r.Ext["msgId"]; len(id) == 32 {
		if b, err := hex.DecodeString(id); err == nil {
			p.vars["id"], p.vars["phy"] = id, strconv.FormatUint(binary.BigEndian.Uint64(b[8:]), 10)
			p.vars["half"], p.vars["halfphy"] = r.Ext["queueOffset"], p.vars["phy"]
		}
	}
	if records, err := wire.Records(r.Body); err == nil && len(records) > 0 {
		if _, ck, ok := strings.Cut("\x02"+records[0].Properties, "\x02POP_CK\x01"); ok {
			p.vars["ck"], _, _ = strings.Cut(ck, "\x02")
		}
	}
}

// moment is a time of these years in milliseconds, messageID an id with an address in it.
var (
	moment    = regexp.MustCompile(`\b1[6-9]\d{11}\b`)
	messageID = regexp.MustCompile(`\b[0-9A-F]{32,42}\b`)
	// foreignName is the part of a sequence's names that tells the run, where another sequence shows them.
	foreignName = regexp.MustCompile(`_[0-9a-f]{7}_raw_random_`)
	// sharedOffset is the place of a message among those that all sequences set aside.
	sharedOffset = regexp.MustCompile(`(message topic=(?:RMQ_SYS_\w+|SCHEDULE_TOPIC_XXXX) queueId=\d+ queueOffset=)\d+`)
	clientAt     = regexp.MustCompile(`\b127\.0\.0\.1:\d+\b`)
)

// masked hides what is of the moment within texts.
func masked(line string) string {
	line = sharedOffset.ReplaceAllString(line, "${1}*")
	line = moment.ReplaceAllString(line, "(time)")
	line = messageID.ReplaceAllString(line, "(id)")
	line = foreignName.ReplaceAllString(line, "(run)")
	return clientAt.ReplaceAllString(line, "(address)")
}
