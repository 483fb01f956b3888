// Package cli is the frame of the administrator's commands: it reads command lines as
// the official tool does, runs a command against an admin.Client, and shows what the
// command reports as text, JSON or YAML.
//
// A command is data: a name, options and a function. The function asks the Call for its
// options and hands its results to the Output, once as the official tool's text and once
// as values; which of them is seen is the caller's choice. Commands know neither os.Args
// nor os.Exit, so a test runs them by Main.
//
// Command lines follow commons-cli, which the official tool uses and no Go library
// does: one or two dashes before a long name, long names shortened as far as they stay
// clear, -sVALUE and -s=VALUE, values that begin with a dash.
package cli
