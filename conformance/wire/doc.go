// Package wire is the raw client of the conformance cases: it speaks RocketMQ's remoting
// frames by itself, whole or broken, and shows answers as text that can be compared.
//
// It reads and writes frames, header serialisations and message records on its own and
// shares no code with the product's codec on purpose: a fault that the product's encoder
// and decoder had in common would cancel out in a proof that used them. Everything here
// favours being obviously right over being fast.
//
// It must not know what an answer should be. That is said by the cases, and the cases were
// told by the official server.
package wire
