// Package protocol holds every noun of RocketMQ's remoting protocol as data:
// request and response codes, headers, JSON bodies, message properties, system
// flags, languages and versions.
//
// It performs no I/O and knows no bytes: package codec turns these nouns into
// frames and records and back. Nothing here decides anything. What stands in
// the *_gen.go files comes out of the definitions folder; change the definition
// and run go generate.
package protocol

//go:generate go run ../internal/protogen -in definitions -out .
