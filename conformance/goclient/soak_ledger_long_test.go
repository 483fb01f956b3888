//go:build long

package goclient

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// maxWrong bounds what an account keeps of what went wrong.
const maxWrong = 20

// ledger accounts for the messages of a topic.
type ledger struct {
	topic string

	mu     sync.Mutex       // guards the fields below
	open   map[string]place // acknowledged to their producer, and not consumed
	early  map[string]bool  // consumed before their producer learned that they are stored
	back   map[string]bool  // of the open ones, those that a consumer has asked for again
	sent   int
	twice  int   // given to consumers although they were consumed, or no producer knew of them
	waited int   // messages that had to wait
	late   int64 // the longest that one came into its queue after its time, in milliseconds
	wrong  []string
}

// place is where a message was stored first, and when.
type place struct {
	queue  int
	offset int64
	at     time.Time
}

// acknowledged notes a message that was stored.
func (l *ledger) acknowledged(body string, r *primitive.SendResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if l.early[body] {
		delete(l.early, body)
		l.twice--
		return
	}
	l.open[body] = place{r.MessageQueue.QueueId, r.QueueOffset, time.Now()}
}

// putBack notes a message that a consumer has asked for again.
func (l *ledger) putBack(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back[body] = true
}

// given notes a message in the hands of a consumer: when it was stored in its queue, after how many retries, and when it was due,
// if at a time of its own.
func (l *ledger) given(body, due string, stored int64, retries int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isRolledBack(body) {
		l.fail("%s came, which was rolled back", body)
	}
	at, err := strconv.ParseInt(due, 10, 64)
	if err != nil {
		return
	}
	if l.waited++; stored < at {
		l.fail("%s came into its queue at %d, %d ms before its time", body, stored, at-stored)
	}
	if retries == 0 {
		l.late = max(l.late, stored-at)
	}
}

// consumed notes a message that a consumer has done with. One whose send was never answered may be in early for good.
func (l *ledger) consumed(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.back, body)
	if _, open := l.open[body]; open {
		delete(l.open, body)
		return
	}
	l.twice++
	l.early[body] = true
}

// missing tells what nobody has consumed: how many messages of each queue, and where the first and the last of them lie.
func (l *ledger) missing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return nil
	}
	var text strings.Builder
	for queue := range soakQueues {
		var n, back int
		var first, last place
		for body, p := range l.open {
			if p.queue != queue {
				continue
			}
			if n++; l.back[body] {
				back++
			}
			if n == 1 || p.offset < first.offset {
				first = p
			}
			if n == 1 || p.offset > last.offset {
				last = p
			}
		}
		if n > 0 {
			fmt.Fprintf(&text, "; of queue %d %d, from offset %d of %s to %d of %s, %d of them asked for again", queue, n,
				first.offset, first.at.Format(time.TimeOnly), last.offset, last.at.Format(time.TimeOnly), back)
		}
	}
	return fmt.Errorf("%d of %d messages of %s are missing%s", len(l.open), l.sent, l.topic, &text)
}

func (l *ledger) fail(format string, args ...any) {
	if len(l.wrong) < maxWrong {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) account(kills int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("topic %s: %d messages, all consumed, across %d kills; %d came again or were stored without an answer; %d had to wait, the latest %d ms too long",
		l.topic, l.sent, kills, l.twice, l.waited, l.late)
}

// sequences account for the messages of a topic that are consumed in order: each key's are numbered from 1 on.
type sequences struct {
	topic string

	mu    sync.Mutex      // guards the fields below
	sent  [soakQueues]int // the last number that was acknowledged, by key
	done  [soakQueues]int // the last number that was consumed
	again int             // messages that were given again
	wrong []string
}

// next returns the number of a key's next message: the same until one is acknowledged.
func (q *sequences) next(key int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sent[key] + 1
}

func (q *sequences) acknowledged(key, number int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent[key] = number
}

// given notes a message in the hands of a consumer, and whether it has done with it. What was given before may come again, what
// comes for the first time is the next.
func (q *sequences) given(body string, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var key, number int
	if _, err := fmt.Sscanf(body, "%d-%d", &key, &number); err != nil || key >= soakQueues {
		q.wrong = append(q.wrong, "came "+body)
		return
	}
	switch last := q.done[key]; {
	case number <= last:
		q.again++
	case number > last+1 && len(q.wrong) < maxWrong:
		q.wrong = append(q.wrong, fmt.Sprintf("of key %d number %d came after %d", key, number, last))
		fallthrough
	case done:
		q.done[key] = number
	}
}

func (q *sequences) missing() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, last := range q.sent {
		if q.done[key] < last {
			return fmt.Errorf("of key %d %d messages were sent and %d consumed", key, last, q.done[key])
		}
	}
	return nil
}

func (q *sequences) account(kills int) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	total := 0
	for _, n := range q.sent {
		total += n
	}
	return fmt.Sprintf("topic %s: %d messages of %d keys, all consumed in order, across %d kills; %d came again", q.topic, total, soakQueues, kills, q.again)
}
