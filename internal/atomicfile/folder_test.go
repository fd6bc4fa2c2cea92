package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMakeFolderMakesAllThatAreMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 { // the second time they are there
		if err := MakeFolder(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			t.Errorf("stat: %v, %v", info, err)
		}
	}
}

func TestMakeFolderRefusesAPathThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(path, "a")} {
		if err := MakeFolder(p, 0o700); err == nil {
			t.Errorf("%s is a folder", p)
		}
	}
}
