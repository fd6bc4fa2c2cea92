//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// strangerID is the user ID of somebody who owns nothing.
const strangerID = 54321

func TestACityDoesNotRunInTheFolderOfAnotherUser(t *testing.T) {
	lab := newLab(t, 1)
	place, err := os.MkdirTemp("", "citynode-e2e-") // the test's own folders are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place) })
	folder, home := filepath.Join(place, "data"), filepath.Join(place, "home")
	gotham := startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", folder})...)
	hero := gotham.createdBy(t, "Batman")
	gotham.stop(t)
	for _, path := range []string{place, filepath.Dir(binary)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, strangerID, strangerID); err != nil {
		t.Fatal(err)
	}
	was := bytesOf(t, folder)
	refuses := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), startMax)
		defer cancel()
		id := fmt.Sprint(strangerID)
		cmd := lab.Hosts[0].Command(ctx, "setpriv", "--reuid", id, "--regid", id, "--clear-groups", binary,
			"run", "gotham", "--network", "lab", "--mdns=false", "--data-dir", folder)
		for _, name := range []string{"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"} {
			cmd.Env = append(cmd.Env, name+"="+home)
		}
		out, err := cmd.CombinedOutput()
		refused(t, fmt.Errorf("%w: %s", err, out), 1, folder, "permission denied", "give the folder to this user", "--data-dir")
		if !maps.Equal(bytesOf(t, folder), was) {
			t.Error("something in the folder has changed")
		}
	}
	refuses()
	if err := os.Chmod(folder, 0o755); err != nil { // it can be looked into
		t.Fatal(err)
	}
	refuses()
	gotham.start(t)
	if err := gotham.holds(hero); err != nil {
		t.Error(err)
	}
}

// bytesOf are the files of a folder, path to content.
func bytesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
