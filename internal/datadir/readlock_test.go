//go:build unix

package datadir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/citynode/citynode/internal/store"
)

// envReadOnly has the folder that the test reads as a user who cannot write to it.
const envReadOnly = "CITYNODE_TEST_READ_ONLY"

// The folder has mode 0555, and so has all that is in it, as on a medium that is mounted
// read-only. For root no mode matters, so as root the test runs itself as nobody.
func TestAFolderThatCannotBeWrittenToIsReadWithoutALockFile(t *testing.T) {
	if folder := os.Getenv(envReadOnly); folder != "" {
		readReadOnly(t, folder)
		return
	}
	folder := filepath.Join(t.TempDir(), "city")
	opened(t, gotham(folder))
	if err := os.Remove(filepath.Join(folder, LockName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(StorePath(folder), "db", "LOCK")); err != nil {
		t.Fatal(err)
	}
	seal(t, folder, 0o555, 0o444)
	t.Cleanup(func() { seal(t, folder, 0o755, 0o600) })
	if os.Getuid() != 0 {
		readReadOnly(t, folder)
		return
	}
	binary := filepath.Join(t.TempDir(), "test")
	own, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(binary, own, 0o755)
	}
	for up := binary; err == nil && up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		err = os.Chmod(up, 0o755)
	}
	for up := folder; err == nil && up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		if up != folder {
			err = os.Chmod(up, 0o755)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env, cmd.Dir = append(os.Environ(), envReadOnly+"="+folder), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

// seal gives all folders and all files beneath one these modes.
func seal(t *testing.T, folder string, folders, files os.FileMode) {
	t.Helper()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, folders)
		}
		return os.Chmod(path, files)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readReadOnly(t *testing.T, folder string) {
	if f, err := os.Create(filepath.Join(folder, "new")); err == nil {
		f.Close()
		t.Fatal("the folder can be written to")
	}
	lock, writable, err := LockToRead(folder)
	if err != nil || writable {
		t.Fatalf("locked, writable %v: %v", writable, err)
	}
	defer lock.Release()
	if report, err := store.Verify(StorePath(folder)); err != nil || len(report.Problems) > 0 || report.Identity.City != "gotham" {
		t.Errorf("verify: %+v, %v", report, err)
	}
	r, err := store.OpenReader(StorePath(folder))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatANodeUsesIsNotReadBeside(t *testing.T) {
	folder := t.TempDir()
	lock, err := LockFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = LockToRead(folder)
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("%v", err)
	}
	lock.Release()
	lock, writable, err := LockToRead(folder)
	if err != nil || !writable {
		t.Fatalf("writable %v, %v", writable, err)
	}
	if _, err := LockFolder(folder); err == nil {
		t.Error("a node starts beside one who reads")
	}
	lock.Release()
}
