// Package inspect looks into a store's directory, Gantry's or the official broker's: what lies there, single messages, whether
// everything fits together, and how to mend what does not.
//
// It reads the files itself, with nothing of package store's reading but the record's codec in common: a mistake there cannot
// vouch for itself. It changes nothing, and takes no lock, except in Plan.Apply, which lets the store make again what can be
// made from the log. It knows no terminal and no flags; what takes long reports to Options.Progress.
package inspect
