// Package backup is the file of a backup: all entries of one city at one digest.
//
// A [Writer] refuses entries that are not those which the head of the file promises, so a
// file that was closed without an error holds one digest. A [Reader] takes what a Writer
// makes and nothing else. It never allocates more than a small multiple of what it has
// read, whatever a length in the file says. docs/backup.md has the format for those who
// read it with other programs.
//
// The package knows nothing of files: it reads and writes streams.
package backup
