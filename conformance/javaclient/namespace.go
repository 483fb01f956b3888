package javaclient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// namespaces: a client with a namespace of the first kind puts it before the names of its topics and
// groups and takes it away again, retries and dead letters included. So the server has other topics
// and groups under the same names, and knows nothing of namespaces.
func namespaces(k *kit) {
	plain := k.producer(nil)
	topic, group := k.Topic(), k.Group()
	for _, space := range []string{"A" + topic, "B" + topic} {
		k.createTopic(plain, space+"%"+topic, 1, 1)
		k.meet(space+"%"+group, space+"%"+topic)
		p := k.producer(args{"namespace": space})
		r := k.send(p, message{Topic: topic, Body: []byte("to " + space), Keys: "aKey"}, nil)
		c := k.push(group, topic, args{"namespace": space, "failures": 2, "maxReconsume": 1})
		got, err := c.WaitCount(k.ctx, 2)
		k.Check(err, "be given a message and again in namespace %s", space)
		for i, m := range got {
			if m.Topic != topic || m.Text() != "to "+space || m.Reconsumed != i || m.MsgID != r.MsgID {
				k.Errorf("in namespace %s delivery %d is %+v", space, i, m)
			}
		}
		if dead := k.deadLetter(space + "%" + group); dead.Text() != "to "+space {
			k.Errorf("the dead letter of namespace %s is %q", space, dead.Text())
		}
	}
}

// namespacesV2: a namespace of the second kind travels in fields beside the request's own (ns, nsd).
// A broker of 5.5.0 does nothing with them: clients of every namespace, and of none, share the
// topics and groups.
func namespacesV2(k *kit) {
	p := k.producer(args{"namespaceV2": "spaceA"})
	topic := k.topic(p, 2)
	group := k.knownGroup(topic)
	want := bodies("shared", 4)
	k.sendTexts(p, topic, want)
	k.wantTexts(k.push(k.Group(), topic, nil), want)
	first := k.push(group, topic, args{"namespaceV2": "spaceB", "failures": 1})
	got, err := first.WaitCount(k.ctx, len(want)+1)
	k.Check(err, "consume in another namespace what was sent, and once more what was refused")
	if again := slices.ContainsFunc(got, func(m message) bool { return m.Reconsumed == 1 }); !again || !slices.Equal(slices.Compact(texts(got)), want) {
		k.Errorf("consumed %q", texts(got))
	}
	// Consumers of two namespaces are one group, and divide the queues.
	both := []*javadriver.PushConsumer{first, k.push(group, topic, args{"namespaceV2": "spaceC"})}
	k.shared(both, 2)
	more := bodies("more", 4)
	k.sendTexts(p, topic, more)
	k.Eventually(30*time.Second, "both consumers together get everything", func(context.Context) error {
		came := texts(append(both[0].Messages(), both[1].Messages()...))
		for _, body := range more {
			if !slices.Contains(came, body) {
				return fmt.Errorf("%q came, and not %s", came, body)
			}
		}
		return nil
	})
}
