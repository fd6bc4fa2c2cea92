//go:build unix

package operator

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUser reports whether the file is this user's.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

// openToOthers reports whether anybody but the owner has any right to the file.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
