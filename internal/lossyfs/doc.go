// Package lossyfs is a disk for tests of whole programs, which forgets at a power
// cut what was not synced.
//
// A [Disk] is a file system in memory. [Disk.Mount] serves it by FUSE, so that any
// program can work on it. [Disk.Cut] does what a loss of power does to a real disk:
//
//   - What a file held when it was last synced survives. Of the writes since then a
//     prefix survives. The last write of the prefix may be cut in the middle.
//   - The entries that a folder had when the folder was last synced survive. What was
//     made, linked, renamed or removed in it since then may be undone. The changes of
//     one name survive in their order, up to one of them; those of different names
//     survive or not, whatever their order. A rename concerns two names and is done
//     wholly or not at all.
//   - To sync a file does not sync the folder that it is in. What lies in a folder
//     whose own entry is lost is lost too.
//
// So a disk keeps no more than POSIX promises. Real file systems keep more, each
// something else. Chance decides what survives, from a seed.
//
// The power is off while Cut runs: end the programs that use the disk before it. What
// they still have open belongs to the time before the cut, and is written nowhere.
//
// The package needs Linux, root and /dev/fuse. [Need] skips a test if they are
// missing, or fails the test if the environment says that it must run. There is nothing
// in it on processors other than amd64 and arm64: go-fuse does not build for 32 bits.
//
// The package is for tests only. A disk does not lose permissions, has no symbolic
// links, and renames only within a folder, which is all that citynode does. It is as
// large as its bounds, not as a number of blocks: a file may have 64 MiB, a folder 4,096
// entries. It never damages what was synced.
package lossyfs
