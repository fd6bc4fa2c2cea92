package operator

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/citynode/citynode/internal/userfile"
)

// appFolder is the name of our folder in each of the XDG base directories.
const appFolder = "citynode"

// The variables of the environment that say where the folders are.
const (
	// EnvHome names one folder for all: the configuration, the state and the list of running
	// nodes are in its folders config, state and run, whatever the other variables say. A
	// service has no home of its own, so it is told one.
	EnvHome = "CITYNODE_HOME"

	EnvConfigHome = "XDG_CONFIG_HOME"
	EnvRuntimeDir = "XDG_RUNTIME_DIR"
)

// ConfigFolder returns the folder of the operator's key and of the bootstrap
// list: CITYNODE_HOME/config, XDG_CONFIG_HOME/citynode, else ~/.config/citynode. It may
// not exist yet.
func ConfigFolder() (string, error) { return baseFolder("config", EnvConfigHome, ".config") }

// StateFolder returns the folder in which nodes keep what outlives a run:
// CITYNODE_HOME/state, XDG_STATE_HOME/citynode, else ~/.local/state/citynode. It may not
// exist yet.
func StateFolder() (string, error) {
	return baseFolder("state", "XDG_STATE_HOME", filepath.Join(".local", "state"))
}

// CityFolder returns the folder in which one city of one network keeps its
// identity and what a node remembers. It may not exist yet. Both names must be valid:
// then neither has a separator in it, or is "..".
func CityFolder(network, city string) (string, error) {
	state, err := StateFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, network, city), nil
}

// ChosenBy returns the variable of the environment that decides where a folder is which env,
// one of the variables above, chooses else.
func ChosenBy(env string) string {
	if os.Getenv(EnvHome) != "" {
		return EnvHome
	}
	return env
}

// ownHome returns the folder that EnvHome names, "" if it names none.
func ownHome() (string, error) {
	home := os.Getenv(EnvHome)
	if home != "" && !filepath.IsAbs(home) {
		return "", fmt.Errorf("%s is %q, must be an absolute path", EnvHome, home)
	}
	return home, nil
}

// baseFolder returns our folder: the one of that name in EnvHome, or the one in the base
// directory that env names or that is there in the user's home.
func baseFolder(name, env, inHome string) (string, error) {
	if own, err := ownHome(); err != nil || own != "" {
		return filepath.Join(own, name), err
	}
	if base := os.Getenv(env); filepath.IsAbs(base) { // a relative one is to be ignored, says XDG
		return filepath.Join(base, appFolder), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of this user: %w; set %s to a folder for all that citynode keeps", err, EnvHome)
	}
	return filepath.Join(home, inHome, appFolder), nil
}

// RuntimeFolder returns the folder in which running nodes are listed:
// CITYNODE_HOME/run, XDG_RUNTIME_DIR/citynode, or, where that cannot be had, citynode-UID in the
// temporary folder. The folder exists, belongs to this user, and nobody else can
// look into it.
func RuntimeFolder() (string, error) {
	own, err := ownHome()
	if err != nil {
		return "", err
	}
	if own != "" {
		dir := filepath.Join(own, "run")
		return dir, privateFolder(dir)
	}
	// A session without one, as under cron, finds the nodes that were started the same way,
	// and no others: a command must not order about the nodes of another place. OtherNodes
	// is for telling of them.
	if base := os.Getenv(EnvRuntimeDir); filepath.IsAbs(base) {
		dir := filepath.Join(base, appFolder)
		if err := privateFolder(dir); err == nil {
			return dir, nil
		}
	}
	dir := filepath.Join(os.TempDir(), appFolder+"-"+strconv.Itoa(os.Getuid()))
	if err := privateFolder(dir); err != nil {
		return "", fmt.Errorf("%w; set %s to a folder of your own", err, EnvRuntimeDir)
	}
	return dir, nil
}

// privateFolder makes the folder, 0700, unless it is there, and refuses one in
// which other users could have left files or can read ours. The temporary folder is
// everybody's: who makes citynode-UID there before this user does could have commands
// dial a node of theirs. Lstat, not Stat, for the same reason: a link could lead
// anywhere.
func privateFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make runtime folder: %w", err)
	}
	return checkPrivate(dir)
}

// checkPrivate refuses a folder that is not this user's alone.
func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("check runtime folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("runtime folder %s is not a folder", dir)
	case !userfile.OwnedByUser(info):
		return fmt.Errorf("runtime folder %s belongs to another user", dir)
	case userfile.OpenToOthers(info):
		return fmt.Errorf("runtime folder %s is open to other users (mode %04o): chmod 700 it", dir, info.Mode().Perm())
	}
	return nil
}
