package operator

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFoldersFollowXDG(t *testing.T) {
	base := t.TempDir()
	t.Setenv(EnvConfigHome, base)
	if dir, err := ConfigFolder(); err != nil || dir != filepath.Join(base, "citynode") {
		t.Errorf("%s, %v", dir, err)
	}
	t.Setenv("HOME", base)
	t.Setenv("USERPROFILE", base)
	t.Setenv("XDG_STATE_HOME", "relative/is/ignored")
	want := filepath.Join(base, ".local", "state", "citynode", "lab", "gotham")
	if dir, err := CityFolder("lab", "gotham"); err != nil || dir != want {
		t.Errorf("%s, %v, want %s", dir, err, want)
	}
}

func TestARuntimeFolderThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("mode bits say nothing there")
	}
	dir := filepath.Join(t.TempDir(), "citynode")
	if err := privateFolder(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := privateFolder(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("%v", err)
	}
}
