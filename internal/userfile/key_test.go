package userfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/citynode/citynode/internal/atomicfile"
)

func TestAllWhoMakeAKeyAtOnceGetTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "some.key")
	if _, err := ReadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that there is none", err)
	}
	keys := make([]crypto.PrivKey, 8)
	var makers sync.WaitGroup
	for i := range keys {
		makers.Go(func() {
			var err error
			if keys[i], err = KeyFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	makers.Wait()
	for _, key := range keys {
		if key == nil || !key.Equals(keys[0]) {
			t.Fatal("two keys were made")
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the key there is %v, %v", entries, err)
	}
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("mode bits say nothing there")
	}
	path := filepath.Join(t.TempDir(), "some.key")
	if _, err := KeyFile(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
}

// What is signed under a key that a crash takes away is nobody's.
func TestAKeyIsInItsFolderWhenTheFolderIsSynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.key")
	synced := 0
	syncFolder = func(folder string) error {
		synced++
		if _, err := ReadKey(path); err != nil || folder != filepath.Dir(path) {
			t.Errorf("when %s is synced: %v", folder, err)
		}
		return atomicfile.SyncFolder(folder)
	}
	defer func() { syncFolder = atomicfile.SyncFolder }()
	for range 2 {
		if _, err := KeyFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if synced != 1 {
		t.Errorf("synced %d times, want once, when the key was made", synced)
	}
}
