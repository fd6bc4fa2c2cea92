// Package atomicfile replaces files whole.
//
// After [Write] has returned nil, the new content survives a crash of the
// machine. A crash during Write leaves the old file or the new one, and readers
// see one of them at any time. Write never follows a symbolic link: it replaces
// the link.
//
// [SyncFolder] does for a file that was made in another way what Write does for its
// own: the folder is synced, so that the file is there after a crash. [MakeFolder] makes
// folders that are there after a crash.
//
// [MakeFolder] does so for a folder that is to be made.
//
// The work is done by github.com/google/renameio, which does not sync the folder
// and has no code for Windows. This package adds both.
package atomicfile
