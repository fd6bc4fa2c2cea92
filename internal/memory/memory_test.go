package memory

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTheMemoryIsThatOfTheMachineAndOfItsGroups(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got := machineMemory(write("meminfo", "Inactive: 7 kB\nMemTotal:       2048 kB\nMemFree: 1 kB\n")); got != 2<<20 {
		t.Errorf("the machine has %d", got)
	}
	if got := machineMemory(filepath.Join(dir, "none")); got != math.MaxUint64 {
		t.Errorf("a machine that does not tell has %d", got)
	}
	write("root/a/memory.max", "5000\n")
	write("root/a/b/memory.max", "max\n")
	write("root/memory/c/memory.limit_in_bytes", "7000\n")
	got := groupLimits(write("cgroup", "4:memory:/c\n1:cpu:/d\n0::/a/b\n"), filepath.Join(dir, "root"))
	if !slices.Equal(got, []uint64{7000, 5000}) {
		t.Errorf("limits %v", got)
	}
	if Bytes() == 0 {
		t.Error("this process may use none")
	}
}
