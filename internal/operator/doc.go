// Package operator is what the commands and the nodes of one user share on a
// machine: folders, keys, locks, and the list of the nodes that run.
//
// Folders follow the XDG base directories. What is in them is for this user
// alone: a file or a folder that others can use is refused, with an error that
// says what to do about it.
//
// Nothing of a process that crashed stays in the way: locks end with the process
// that holds them, and the list of running nodes is cleared by whoever reads it.
// The package deletes nothing else, and replaces no key.
package operator
