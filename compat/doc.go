// Package compat keeps, each at one address, the things that Java and
// RocketMQ's libraries do and that one would not have chosen: String.hashCode,
// the JSON dialect of fastjson, .properties files, rules that depend on a
// client's release, and the rules for names.
//
// The package knows bytes and strings. It must not know connections, files on
// disk, or what a broker does with a topic.
//
// Facts come from Apache RocketMQ 5.5.0 and the libraries it ships
// (fastjson2 2.0.59, java.util.Properties of Java 17). The files in testdata
// were written by those classes; testdata/java holds the program that writes
// them.
package compat
