// Package logicqueue is the arithmetic of static topics: their logical queues, the
// items that map stretches of a logical queue to queues of brokers, what such a
// mapping must keep to, and the plans by which an administrator makes a static
// topic, gives it more queues, or moves its queues to other brokers.
//
// The rules are those of upstream's TopicQueueMappingUtils and
// LogicQueueMappingItem in 5.5.0. The package computes: it knows no broker, no
// table that is kept, no request and no clock.
package logicqueue
