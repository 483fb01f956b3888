package broker

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// cleanExpiredQueues serves CLEAN_EXPIRED_CONSUMEQUEUE (306): the consume queues
// whose messages have all left the log go. Those of the broker's own topics stay.
func (b *Broker) cleanExpiredQueues(r *remoting.Request) error {
	gone, err := b.store.CleanExpiredQueues(b.topics.IsSystem)
	return b.cleaned(r, gone, err)
}

// cleanUnusedTopics serves CLEAN_UNUSED_TOPIC (316): the consume queues of topics
// that no longer have a configuration go. Light queues never have one.
func (b *Broker) cleanUnusedTopics(r *remoting.Request) error {
	gone, err := b.store.CleanUnusedTopics(func(topic string) bool {
		return b.topics.Contains(topic) || b.topics.IsSystem(topic) || compat.IsLMQ(topic)
	})
	return b.cleaned(r, gone, err)
}

func (b *Broker) cleaned(r *remoting.Request, gone []string, err error) error {
	if len(gone) > 0 {
		b.log.WithField("topics", gone).Info("an administrator had consume queues removed")
	}
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// deleteExpiredFiles serves DELETE_EXPIRED_COMMITLOG (329): expired files go at
// once instead of at the hour that deleteWhen names.
func (b *Broker) deleteExpiredFiles(r *remoting.Request) error {
	b.store.DeleteExpiredFiles()
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}
