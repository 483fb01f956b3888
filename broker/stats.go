package broker

// countPut notes messages that were stored.
func (b *Broker) countPut(topic string, messages, bytes int) {
	b.stats.Topic(topic).Add(messages, bytes)
}

// countGet notes messages that were given out.
func (b *Broker) countGet(group, topic string, messages, bytes int) {
	b.stats.Group(group, topic).Add(messages, bytes)
}
