package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// namesIn returns what a folder has.
func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestAFileThatIsMadeIsThereOnceItIsWhole(t *testing.T) {
	folder := t.TempDir()
	path, text := filepath.Join(folder, "file"), bytes.Repeat([]byte("citynode"), createBufferBytes/4)
	err := Create(path, 0o640, func(w io.Writer) error {
		for rest := text; len(rest) > 0; rest = rest[min(1000, len(rest)):] {
			if _, err := w.Write(rest[:min(1000, len(rest))]); err != nil {
				return err
			}
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it has its name before it is whole: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(text))
	}
	if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o640) {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if names := namesIn(t, folder); len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
}

func TestAFileThatIsThereIsNotReplaced(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	called := false
	if err := Create(path, 0o600, func(io.Writer) error { called = true; return nil }); !errors.Is(err, fs.ErrExist) || called {
		t.Errorf("there at the start: %v, written %v", err, called)
	}
	other := filepath.Join(folder, "other")
	err := Create(other, 0o600, func(io.Writer) error { return os.WriteFile(other, []byte("mine"), 0o600) })
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("made meanwhile: %v", err)
	}
	for _, path := range []string{path, other} {
		if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
			t.Errorf("%s has %q, %v", path, text, err)
		}
	}
	if names := namesIn(t, folder); len(names) != 2 {
		t.Errorf("left behind: %q", names)
	}
}

func TestOfAFileThatCannotBeWrittenNothingIsLeft(t *testing.T) {
	folder := t.TempDir()
	full := errors.New("no space left on device")
	err := Create(filepath.Join(folder, "file"), 0o600, func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		return errors.Join(err, full)
	})
	if names := namesIn(t, folder); !errors.Is(err, full) || len(names) > 0 {
		t.Errorf("%v, and there are %q", err, names)
	}
}
