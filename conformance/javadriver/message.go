package javadriver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Error is what the Java client threw.
type Error struct {
	Class   string `json:"class"`   // the exception's class
	Message string `json:"message"` // its whole message, which ends with advice and links
	Code    int    `json:"code"`    // response code, of the client's own exceptions
	Remark  string `json:"remark"`  // what the server said, or the client's own sentence
	Cause   *Error `json:"cause"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: code %d: %.300s", e.Class, e.Code, e.Message)
}

// Message is one message to send, or one received; the fields from Size on are those of a
// received one.
type Message struct {
	Topic       string            `json:"topic"`
	Tags        string            `json:"tags,omitempty"`
	Keys        string            `json:"keys,omitempty"`
	Body        []byte            `json:"body,omitempty"` // received bodies beyond 16 KiB are left out: compare Digest
	Flag        int               `json:"flag,omitempty"`
	Delay       int               `json:"delay,omitempty"`    // level, of a message to send
	DelaySec    int64             `json:"delaySec,omitempty"` // since 5.0.0, as the two that follow
	DelayMs     int64             `json:"delayMs,omitempty"`
	DeliverMs   int64             `json:"deliverMs,omitempty"`  // when, in milliseconds since 1970
	Priority    *int              `json:"priority,omitempty"`   // since 5.4.0; nil is none
	Properties  map[string]string `json:"properties,omitempty"` // the user's when sent, all when received
	Raw         map[string]string `json:"raw,omitempty"`        // the client's reserved ones, of a message to send
	Size        int               `json:"size,omitempty"`
	Digest      string            `json:"sha256,omitempty"` // of the body
	Broker      string            `json:"broker,omitempty"`
	Queue       int               `json:"queue,omitempty"`
	QueueOffset int64             `json:"queueOffset,omitempty"`
	Physical    int64             `json:"physicalOffset,omitempty"`
	MsgID       string            `json:"msgId,omitempty"`
	SysFlag     int               `json:"sysFlag,omitempty"`
	Reconsumed  int               `json:"reconsumeTimes,omitempty"`
	Born        int64             `json:"bornTimestamp,omitempty"` // milliseconds
	Stored      int64             `json:"storeTimestamp,omitempty"`
	BornHost    string            `json:"bornHost,omitempty"`
	StoreHost   string            `json:"storeHost,omitempty"`
	StoreSize   int               `json:"storeSize,omitempty"`
	BodyCRC     int               `json:"bodyCRC,omitempty"`
	Transaction string            `json:"transactionId,omitempty"`
	Thread      string            `json:"-"` // the listener's, of a pushed message
}

// Text is the body as a string.
func (m Message) Text() string { return string(m.Body) }

// Digest is how received messages report their bodies.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// SendResult is what the client returned for a sent message or batch.
type SendResult struct {
	Status        string `json:"status"` // SEND_OK, FLUSH_DISK_TIMEOUT, …
	MsgID         string `json:"msgId"`
	OffsetMsgID   string `json:"offsetMsgId"`
	QueueOffset   int64  `json:"queueOffset"`
	Topic         string `json:"topic"`
	Broker        string `json:"broker"`
	Queue         int    `json:"queue"`
	TransactionID string `json:"transactionId"`
	RegionID      string `json:"regionId"`
	TraceOn       bool   `json:"traceOn"`
	RecallHandle  string `json:"recallHandle"`
	LocalState    string `json:"localState"`
}

// PullResult is what the old pull consumer returned.
type PullResult struct {
	Status   string    `json:"status"`
	Next     int64     `json:"next"`
	Min      int64     `json:"min"`
	Max      int64     `json:"max"`
	Messages []Message `json:"messages"`
}

// Queue names one message queue.
type Queue struct {
	Topic  string `json:"topic"`
	Broker string `json:"broker"`
	ID     int    `json:"queue"`
}

func (q Queue) args() Args { return Args{"topic": q.Topic, "broker": q.Broker, "queue": q.ID} }

// Inbox collects what one client reports by itself: pushed messages and transaction checks.
type Inbox struct {
	mu      sync.Mutex // guards all below
	got     []Message
	faults  []string
	changed chan struct{} // closed and replaced at each change
}

func newInbox() *Inbox { return &Inbox{changed: make(chan struct{})} }

func (in *Inbox) put(e event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if e.Message != nil {
		e.Messages = append(e.Messages, *e.Message)
	}
	for _, m := range e.Messages {
		m.Thread = e.Thread
		in.got = append(in.got, m)
	}
	if e.Error != nil {
		in.faults = append(in.faults, e.Event+": "+e.Error.Error())
	}
	close(in.changed)
	in.changed = make(chan struct{})
}

// Messages is everything that arrived so far, in order of arrival.
func (in *Inbox) Messages() []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.got)
}

// Wait waits until ready accepts what has arrived and returns that. On a time-out the
// error tells how much had come.
func (in *Inbox) Wait(ctx context.Context, ready func([]Message) bool) ([]Message, error) {
	for {
		in.mu.Lock()
		got, faults, changed := slices.Clone(in.got), slices.Clone(in.faults), in.changed
		in.mu.Unlock()
		if len(faults) > 0 {
			return got, fmt.Errorf("the client reported %q", faults)
		}
		if ready(got) {
			return got, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return got, fmt.Errorf("wait for messages, %d came (%s): %w", len(got), summary(got), ctx.Err())
		}
	}
}

// WaitCount waits for at least n messages.
func (in *Inbox) WaitCount(ctx context.Context, n int) ([]Message, error) {
	return in.Wait(ctx, func(got []Message) bool { return len(got) >= n })
}

// summary shows the first few bodies of what has come.
func summary(got []Message) string {
	var bodies []string
	for _, m := range got[:min(len(got), 10)] {
		bodies = append(bodies, fmt.Sprintf("%.40q", m.Body))
	}
	text, _ := json.Marshal(bodies)
	return string(text)
}
