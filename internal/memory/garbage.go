package memory

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbageMax is about how much garbage waits for the collector. The runtime lets as
	// much gather as is in use: a city that holds a million entries, 120 MiB, grew to 250
	// MiB by any traffic, and with four million to a gigabyte. What a city holds has next
	// to no pointers, so that a collection of a million entries takes 2 ms of a processor.
	garbageMax = 32 << 20
	// percentMin is the least that the runtime is told, in percent of what is in use. With
	// less it would collect again before it has swept.
	percentMin = 5
	// garbageEvery is between two looks at what is in use. A city that is filled as fast as
	// it can be holds 100 MiB after that.
	garbageEvery = time.Second
)

// BoundGarbage has the runtime let no more than some 32 MiB of garbage gather, instead of as
// much as is in use, until ctx is done. It never lets more gather than the environment's
// GOGC says. It concerns the whole process, so only a program calls it, not a package that
// others use.
func BoundGarbage(ctx context.Context) {
	most := debug.SetGCPercent(100)
	debug.SetGCPercent(most)
	defer debug.SetGCPercent(most)
	look := time.NewTicker(garbageEvery)
	defer look.Stop()
	for now := most; ; {
		if next := percentFor(inUse(), most); next != now {
			debug.SetGCPercent(next)
			now = next
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// percentFor returns what garbageMax is in percent of the bytes that are in use; most at
// most, which is negative where nothing is ever collected.
func percentFor(inUse uint64, most int) int {
	if most <= percentMin || inUse == 0 {
		return most
	}
	return int(min(uint64(most), max(percentMin, garbageMax*100/inUse)))
}

// inUse returns how many bytes the last collection has found in use; 0 if it is not known.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return samples[0].Value.Uint64()
}
