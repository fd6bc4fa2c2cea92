package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// ways are the code of this system and the code of Windows.
var ways = map[string]func(string, []byte, fs.FileMode) error{
	"Write":          Write,
	"writeAndRename": writeAndRename,
}

func eachWay(t *testing.T, test func(t *testing.T, write func(string, []byte, fs.FileMode) error)) {
	for name, write := range ways {
		t.Run(name, func(t *testing.T) { test(t, write) })
	}
}

func TestWriteMakesAndReplacesAFile(t *testing.T) {
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		path := filepath.Join(t.TempDir(), "file")
		for _, want := range []string{"first", "", "a third that is longer"} {
			if err := write(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("read %q, %v, want %q", got, err, want)
			}
		}
		isAlone(t, path)
	})
}

func TestWriteSetsThePermissionsItIsTold(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		path := filepath.Join(t.TempDir(), "file")
		for _, perm := range []fs.FileMode{0o644, 0o600, 0o666, 0o400} {
			if err := write(path, nil, perm); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != perm {
				t.Errorf("mode %v, %v, want %v", info.Mode(), err, perm)
			}
		}
	})
}

func TestWriteReplacesALinkAndNotItsTarget(t *testing.T) {
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		folder := t.TempDir()
		target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
		if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Skip(err)
		}
		if err := write(link, []byte("new"), 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() {
			t.Errorf("the link is %v, %v", info.Mode(), err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != "old" {
			t.Errorf("the target holds %q, %v", got, err)
		}
	})
}

func TestWriteThatFailsLeavesNothingBehind(t *testing.T) {
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		path := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := write(path, []byte("a file cannot replace a folder"), 0o600); err == nil {
			t.Error("a folder was replaced")
		}
		isAlone(t, path)
	})
}

func TestWriteMakesNoFolder(t *testing.T) {
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		err := write(filepath.Join(t.TempDir(), "none", "file"), nil, 0o600)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReadersSeeOneWholeFile(t *testing.T) {
	eachWay(t, func(t *testing.T, write func(string, []byte, fs.FileMode) error) {
		path := filepath.Join(t.TempDir(), "file")
		content := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 64<<10) }
		if err := write(path, content(0), 0o600); err != nil {
			t.Fatal(err)
		}
		var writers sync.WaitGroup
		for i := range 2 {
			writers.Go(func() {
				for range 10 {
					if err := write(path, content(i), 0o600); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 50 {
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, content(0)) && !bytes.Equal(got, content(1)) {
				t.Fatalf("read %d bytes of no whole file, %v", len(got), err)
			}
		}
		writers.Wait()
	})
}

// isAlone fails the test if the folder of path holds anything but path.
func isAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
