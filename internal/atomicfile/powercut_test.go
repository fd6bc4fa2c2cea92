//go:build linux && (amd64 || arm64)

package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/citynode/citynode/internal/lossyfs"
)

// cuts is how often the tests cut the power: what is lost is decided by chance.
const cuts = 50

func TestWhatWasMadeAndWrittenSurvivesAPowerCut(t *testing.T) {
	for seed := range uint64(cuts) {
		disk, dir := lossyfs.New(seed), t.TempDir()
		disk.Mount(t, dir)
		folder := filepath.Join(dir, "a", "b")
		path := filepath.Join(folder, "file")
		if err := MakeFolder(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"old", "new"} {
			if err := Write(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		disk.Cut()
		if got, err := os.ReadFile(path); err != nil || string(got) != "new" {
			t.Fatalf("seed %d: after the cut it is %q, %v", seed, got, err)
		}
	}
}
