//go:build unix

package userfile

import (
	"io/fs"
	"os"
	"syscall"
)

// OwnedByUser reports whether the file is this user's.
func OwnedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

// OpenToOthers reports whether anybody but the owner has any right to the file.
func OpenToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
