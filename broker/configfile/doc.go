// Package configfile keeps one table of the broker in one file below config/:
// it loads the file and its backup, and replaces it without ever leaving less
// than one intact generation on the disk.
//
// The files and their names are the official broker's, so that either system
// starts on what the other one left. The package knows bytes, not tables: each
// room brings its own encoder and decoder. JSON in the official dialect is in
// package compat.
package configfile
