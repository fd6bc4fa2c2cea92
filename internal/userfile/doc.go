// Package userfile has files that are for one user alone: private keys, locks, and
// who owns and who can use a file.
//
// A key that others can use is refused, with an error that says what to do about it.
// No key is ever replaced, and a lock ends with the process that holds it.
package userfile
