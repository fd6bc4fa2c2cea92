package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

// listen has each sync be noted by what the file is called and the folder holds at
// that moment, and end with an error, if there is one for it.
func listen(t *testing.T, folder string, fails error) (heard *[]string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("folders cannot be synced there")
	}
	heard = new([]string)
	real := syncFile
	t.Cleanup(func() { syncFile = real })
	syncFile = func(f *os.File) error {
		what := "a file"
		if info, err := f.Stat(); err == nil && info.IsDir() {
			rel, _ := filepath.Rel(folder, f.Name())
			content, _ := os.ReadFile(filepath.Join(f.Name(), "file"))
			what = fmt.Sprintf("%s with %q", rel, content)
		}
		*heard = append(*heard, what)
		return errors.Join(fails, real(f))
	}
	return heard
}

func TestTheFolderOfAFileIsSyncedOnceTheFileIsInIt(t *testing.T) {
	folder := t.TempDir()
	heard := listen(t, folder, nil)
	if err := Write(filepath.Join(folder, "file"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if want := []string{`. with "new"`}; !slices.Equal(*heard, want) {
		t.Errorf("synced %q, want %q", *heard, want)
	}
}

func TestWhereTheFileItselfIsSyncedThatIsBeforeItsRename(t *testing.T) {
	folder := t.TempDir()
	heard := listen(t, folder, nil)
	if err := writeAndRename(filepath.Join(folder, "file"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a file"}; !slices.Equal(*heard, want) {
		t.Errorf("synced %q, want %q", *heard, want)
	}
	syncFile = func(*os.File) error { return syscall.EIO }
	if err := writeAndRename(filepath.Join(folder, "file"), []byte("newer"), 0o600); !errors.Is(err, syscall.EIO) {
		t.Errorf("a sync that fails: %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "file")); err != nil || string(got) != "new" {
		t.Errorf("after it the file holds %q, %v", got, err)
	}
}

func TestAFolderThatCannotBeSyncedIsNoErrorAndOneThatFailsIs(t *testing.T) {
	for fails, wrong := range map[error]bool{syscall.EINVAL: false, syscall.ENOTSUP: false, syscall.EIO: true, syscall.ENOSPC: true} {
		t.Run(fails.Error(), func(t *testing.T) {
			listen(t, t.TempDir(), fails)
			err := Write(filepath.Join(t.TempDir(), "file"), []byte("new"), 0o600)
			if (err != nil) != wrong || wrong && !errors.Is(err, fails) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEachFolderThatIsMadeIsSyncedIntoTheOneAboveIt(t *testing.T) {
	root := t.TempDir()
	heard := listen(t, root, nil)
	path := filepath.Join(root, "cities", "gotham")
	if err := MakeFolder(path, 0o700); err != nil {
		t.Fatal(err)
	}
	// Of the root it is not known whether whoever made it has lived to sync it.
	if want := []string{`.. with ""`, `. with ""`, `cities with ""`}; !slices.Equal(*heard, want) {
		t.Errorf("synced %q, want %q", *heard, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("made %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"file", filepath.Join("file", "more")} {
		if err := MakeFolder(filepath.Join(path, in), 0o700); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("where %s is to be made, and file is no folder: %v", in, err)
		}
	}
	syncFile = func(*os.File) error { return syscall.EIO }
	if err := MakeFolder(filepath.Join(path, "more"), 0o700); !errors.Is(err, syscall.EIO) {
		t.Errorf("a sync that fails: %v", err)
	}
}
