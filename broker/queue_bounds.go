package broker

// queueBounds is the first offset of a queue and the one behind its last message.
// A queue that cannot be read counts as empty, and the operator is told.
func (b *Broker) queueBounds(topic string, queue int32) (first, end int64) {
	first, end, err := b.store.Bounds(topic, queue)
	if err != nil {
		b.log.WithError(err).Warnf("queue %d of topic %s cannot be read", queue, topic)
		return 0, 0
	}
	return first, end
}

func (b *Broker) minOffset(topic string, queue int32) int64 {
	first, _ := b.queueBounds(topic, queue)
	return first
}

func (b *Broker) maxOffset(topic string, queue int32) int64 {
	_, end := b.queueBounds(topic, queue)
	return end
}

// startsInMemory reports whether the first message of a queue can be read without
// waiting for the disk. An empty queue has none.
func (b *Broker) startsInMemory(topic string, queue int32) bool {
	units, err := b.store.Units(topic, queue, 0, 1)
	if err != nil || len(units) == 0 {
		return false
	}
	resident, err := b.store.Resident(units[0].Physical, units[0].Size)
	return err == nil && resident
}
