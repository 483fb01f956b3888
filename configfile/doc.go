// Package configfile keeps one table in one file: it loads the file and its
// backup, and replaces it without ever leaving less than one intact generation
// on the disk. Brokers keep topics, groups and offsets in such files, name
// servers their KV configuration, and both write their settings back to one.
//
// The files and their names are the official programs', so that either system
// starts on what the other one left. The package knows bytes, not tables: each
// room brings its own encoder and decoder. JSON in the official dialect is in
// package compat.
package configfile
