// Package registration keeps a broker known to its name servers: it registers
// its topics with each of them, asks which version of the topics they hold, and
// unregisters. When it does so is decided by its owner.
//
// It knows the protocol's headers and bodies, since they are what it is about,
// but no connection: how a command reaches an address is the caller's business.
package registration
