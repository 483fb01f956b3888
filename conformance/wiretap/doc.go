// Package wiretap sits between a RocketMQ client and a server and reports every
// remoting frame that passes, paired into requests and replies.
//
// It serves two masters: the recorder of golden frames (see
// codec/testdata/golden), and conformance cases that want to know what a client
// really sent. It forwards bytes unchanged and understands no more of a frame than
// its length, code, opaque and flag, so that it cannot hide an error of the codec
// under test; it must not import codec.
package wiretap
