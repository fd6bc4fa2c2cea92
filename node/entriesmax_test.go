package node

import (
	"bytes"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/citynode/citynode/city"
)

func TestACityHoldsFewerEntriesWhereTheMemoryIsShort(t *testing.T) {
	for _, row := range []struct {
		told   int
		memory uint64
		want   int
		warns  bool
	}{
		{0, math.MaxUint64, city.DefaultEntriesMax, false},
		{0, 16 << 30, city.DefaultEntriesMax, false},
		{0, 1 << 30, 1 << 30 / memoryShare / entryBytes, true},
		{0, 1 << 20, entriesMaxLeast, true},
		{1000, 1 << 30, 1000, false},
		{9_000_000, 1 << 30, 9_000_000, true}, // who asks for it has it
	} {
		var log bytes.Buffer
		got := entriesMax(row.told, row.memory, slog.New(slog.NewTextHandler(&log, nil)))
		if warns := strings.Contains(log.String(), "level=WARN"); got != row.want || warns != row.warns {
			t.Errorf("%+v: %d, warns %t", row, got, warns)
		}
	}
}

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
	if memoryBytes() == 0 {
		t.Error("this process may use none")
	}
}
