// Package registration keeps a broker known to its name servers: it registers
// every 30 s and whenever a topic changes, asks first whether anything is new,
// and says good-bye.
//
// It knows the protocol's headers and bodies, since they are what it is about,
// but no connection: how a command reaches an address is the caller's business.
package registration
