// Package javadriver runs the official Java clients of RocketMQ, and mqadmin, as a
// process that Go commands: it builds the driver of conformance/java once for each client
// release, starts it, and gives Go types to its producers and consumers.
//
// One process serves any number of clients and cases at a time, because starting a JVM
// costs seconds of CPU. The package knows name-server addresses and nothing else of a
// server; it judges nothing: cases do.
package javadriver
