// Package bench is the load generator behind "gantry bench": it produces to,
// consumes from and storms any RocketMQ server over the remoting protocol, measures
// what comes back, and reports it for people, machines and plots.
//
// It is cheap on purpose, since it mostly shares the machine with the server that it
// measures: one goroutine per connection answers and refills a window of requests,
// send frames are copied from templates in which only counters and times are
// patched, and answers are read in place. It therefore speaks through package codec
// on connections of its own and does not use a client library.
//
// What it claims is what the server acknowledged. A request counts when its answer
// says so; one-way sends count by the growth of the queues. Failures are counted by
// response code, requests without an answer are counted as such. In the open loop
// (a target rate) a latency starts at the instant at which the request was due, so
// that a stalled server cannot slow the measurement down with itself; in the closed
// loop it is the service time, and the report says which.
//
// It must not know the rooms of the server: to it, Gantry is an address like any other.
package bench
