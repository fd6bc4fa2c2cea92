package node

import (
	"log/slog"
	"math"

	"github.com/citynode/citynode/city"
)

const (
	// entryBytes is the memory that an entry is counted for: about 130 bytes of a hero at a
	// million, and as much again until the collector has run. A flood of 4.9 million was
	// measured at 285 each.
	entryBytes = 300
	// memoryShare is which part of the memory entries may take. The rest is for
	// connections, for what is on its way, and for other programs.
	memoryShare = 2
)

// entriesMax returns how many entries the city may hold: as many as it was told, or the
// default, or fewer where the memory would not do. It warns where the memory is short.
func entriesMax(told int, memory uint64, log *slog.Logger) int {
	fit := int(min(memory/memoryShare/entryBytes, math.MaxInt32))
	switch {
	case told > fit:
		log.Warn("the memory may not do for as many entries as the city may hold",
			"entries_max", told, "memory_bytes", memory, "entries_that_fit", fit)
		return told
	case told != 0:
		return told
	case fit >= city.DefaultEntriesMax:
		return city.DefaultEntriesMax
	default:
		fit = max(fit, entriesMaxLeast)
		log.Warn("the city may hold fewer entries than others, since the memory is short",
			"entries_max", fit, "usual", city.DefaultEntriesMax, "memory_bytes", memory)
		return fit
	}
}

// entriesMaxLeast is what a city may hold however little memory there seems to be.
const entriesMaxLeast = 10_000
