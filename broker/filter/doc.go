// Package filter decides which messages a consumer group wants: by tags, in the
// consume queue, without reading the message.
//
// It builds subscriptions from the expressions that clients send and turns them
// into filters that the store applies while it reads. It knows no requests, no
// clients and no store.
package filter
