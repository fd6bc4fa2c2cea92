package node

import (
	"bytes"
	"log/slog"
	"math"
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
