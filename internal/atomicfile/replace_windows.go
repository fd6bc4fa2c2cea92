package atomicfile

import "io/fs"

func replace(path string, data []byte, perm fs.FileMode) error {
	return writeAndRename(path, data, perm)
}

// SyncFolder does nothing: a folder cannot be synced here.
func SyncFolder(string) error { return nil }
