package operator

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// OtherNodes returns, by folder, the nodes of this user that run and are listed in another
// runtime folder than own: those of a login session, of cron, of a service. It makes nothing,
// and takes no folder that other users could have made.
func OtherNodes(own string) map[string][]RunningNode {
	found := make(map[string][]RunningNode)
	for _, dir := range usualRuntimeFolders() {
		if dir == own || checkPrivate(dir) != nil {
			continue
		}
		if nodes, err := RunningNodes(dir); err == nil && len(nodes) > 0 {
			found[dir] = nodes
		}
	}
	return found
}

// usualRuntimeFolders returns where a node of this user may be listed, as its environment
// was.
func usualRuntimeFolders() []string {
	uid := strconv.Itoa(os.Getuid())
	folders := []string{
		filepath.Join("/run/user", uid, appFolder), // where systemd has XDG_RUNTIME_DIR
		filepath.Join(os.TempDir(), appFolder+"-"+uid),
	}
	if base := os.Getenv(EnvRuntimeDir); filepath.IsAbs(base) {
		folders = append(folders, filepath.Join(base, appFolder))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
