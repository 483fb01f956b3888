// Package mqadmin has the commands of the official tool mqadmin, release 5.5.0, under
// its names, with its options and with its texts, so that scripts which read them go on
// working.
//
// Where the official tool prints a stack trace and ends with exit code 0, these end
// with a sentence on standard error and another exit code; where it prints its usage
// below a result, or an error in the midst of a line, these do not. Lists that it prints
// in the order of Java's hash tables come sorted. The package knows only admin and its
// frame, admin/cli; what goes beyond the official tool is in admin/ops.
package mqadmin
