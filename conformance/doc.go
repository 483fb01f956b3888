// Package conformance is the proof that Gantry can take the place of the official server:
// one set of cases, run by the same code against Gantry and against Apache RocketMQ 5.5.0.
//
// A [Case] is a function that says what it needs, which topology and settings it wants, and
// which feature and request codes it covers. A [Target] starts servers: of Gantry as
// processes, of the official release in containers or as plain JVMs, or it merely knows the
// addresses of servers that somebody else runs. The [Runner] groups the cases that can share
// servers, runs them side by side on topics and groups of their own, and hands the results to
// package report.
//
// Everything here is a black box test. The package and those below it know addresses,
// configuration files and processes; they never import a room of the server.
package conformance
