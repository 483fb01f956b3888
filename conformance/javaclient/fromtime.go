package javaclient

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wire"
)

// smallFile is the size of files of the commit log that a few dozen messages fill.
const smallFile = 1 << 16

var smallLog = conformance.Settings{Broker: map[string]string{"mappedFileSizeCommitLog": strconv.Itoa(smallFile)}}

// clientTime is how this client wants a time to consume from.
const clientTime = "20060102150405"

// fromTime: new groups start at a time: one between two messages, one before all that retention has left, and
// one to come. Where a queue still begins at 0 the broker has them start there, so the log loses its first file.
func fromTime(k *kit) {
	k.StartServers()
	p := k.producer(nil)
	topic := k.topic(p, 1)
	var early []string
	for n, at := 0, int64(0); at < 2*smallFile; n++ {
		body := fmt.Sprintf("early-%04d%s", n, strings.Repeat(".", 3000))
		at = k.place(k.send(p, message{Topic: topic, Body: []byte(body)}, nil))
		if at >= smallFile {
			early = append(early, body)
		}
	}
	between := time.Now().Truncate(time.Second).Add(time.Second) // the client knows seconds
	k.Pause(time.Until(between))
	late := bodies("late", 5)
	k.sendTexts(p, topic, late)
	k.removeFirstFile()
	from := func(at time.Time) *javadriver.PushConsumer {
		return k.push(k.Group(), topic, args{"from": "CONSUME_FROM_TIMESTAMP", "fromTimestamp": at.UTC().Format(clientTime)})
	}
	k.wantTexts(from(between), late)
	k.wantTexts(from(between.Add(-24*time.Hour)), append(early, late...))
	k.onlyNew(p, topic, from(between.Add(24*time.Hour)))
}

// place is where a message lies in the log.
func (k *kit) place(r javadriver.SendResult) int64 {
	at, err := wire.PhysicalOffset(r.OffsetMsgID)
	k.Check(err, "read the place in %s", r.OffsetMsgID)
	return at
}

// removeFirstFile takes the first file of the log away, as retention does. The official broker removes none in
// its first minute.
func (k *kit) removeFirstFile() {
	b := k.Servers().Broker()
	k.Check(b.Stop(k.ctx), "stop the broker")
	k.Check(os.Remove(filepath.Join(b.StoreDir(), "commitlog", fmt.Sprintf("%020d", 0))), "remove the first file of the log")
	k.Check(b.Start(k.ctx), "start the broker")
}

// onlyNew wants a consumer that starts behind the last message to be given none of those before. What is sent
// before it has asked where to start is not for it either.
func (k *kit) onlyNew(p *javadriver.Producer, topic string, c *javadriver.PushConsumer) {
	k.Eventually(60*time.Second, "a new message at the consumer", func(ctx context.Context) error {
		r, err := p.Send(ctx, message{Topic: topic, Body: []byte("new")}, nil)
		if err == nil && len(c.Messages()) == 0 {
			err = fmt.Errorf("it got none; the send was answered %s", r.Status)
		}
		return err
	})
	if got := slices.Compact(texts(c.Messages())); !slices.Equal(got, []string{"new"}) {
		k.Errorf("consumed %q, want new ones", got)
	}
}
