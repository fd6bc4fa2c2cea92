package atomicfile

import "io/fs"

func replace(path string, data []byte, perm fs.FileMode) error {
	return writeAndRename(path, data, perm)
}
