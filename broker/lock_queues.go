package broker

import (
	"errors"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// lockQueues serves LOCK_BATCH_MQ (41): ordered consumers lock their queues so
// that two of them never work on one queue.
func (b *Broker) lockQueues(r *remoting.Request) error {
	var body protocol.LockBatchRequestBody
	if err := readBody(r, &body); err != nil {
		return err
	}
	if len(body.MQSet) > 0 && !body.ConsumerGroup.Set { // an empty one will do
		return errors.New("the request to lock queues lacks the consumer group")
	}
	if len(body.MQSet) > 0 && !body.ClientID.Set {
		if !b.locks.AllLocked(body.ConsumerGroup.V, body.MQSet) {
			return errors.New("the request to lock queues lacks the client id")
		}
		body.MQSet = nil // others have them all, whoever asks
	}
	locked := b.locks.LockBatch(body.ConsumerGroup.V, body.ClientID.V, body.MQSet)
	return replyJSON(r, &protocol.LockBatchResponseBody{LockOKMQSet: locked})
}

// unlockQueues serves UNLOCK_BATCH_MQ (42).
func (b *Broker) unlockQueues(r *remoting.Request) error {
	var body protocol.LockBatchRequestBody
	if err := readBody(r, &body); err != nil {
		return err
	}
	if !body.ConsumerGroup.Set {
		return errors.New("the request to unlock queues lacks the consumer group")
	}
	b.locks.UnlockBatch(body.ConsumerGroup.V, body.ClientID.V, body.MQSet)
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// replyJSON answers with a body.
func replyJSON(r *remoting.Request, body any) error {
	text, err := compat.MarshalFastjson(body)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, text)
	return nil
}
