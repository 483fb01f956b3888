// Package codec turns bytes into the nouns of package protocol and back: the
// frame of a command with both header serialisations, the message record of the
// commit log, batch bodies, message properties and compressed bodies.
//
// It keeps no state, does no I/O and starts nothing. Encoders append to a slice
// that the caller gives and return it; decoders return views into the bytes that
// they were given, and each says for how long they hold.
package codec
