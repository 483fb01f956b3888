// Package filter decides which messages a consumer group wants: by tags, in the
// consume queue, without reading the message, or by an SQL92 expression over its
// properties.
//
// It builds subscriptions from the expressions that clients send, keeps the
// expressions that groups have registered (config/consumerFilter.json), and
// turns both into filters that the store applies while it reads. It knows no
// requests, no clients and no store. The language itself is in package sql92.
package filter
