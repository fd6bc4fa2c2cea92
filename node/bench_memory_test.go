//go:build linux

package node

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	overwritten = 1_000
	overwrites  = 100_000
	// remembered is more writes than a state remembers the last of.
	remembered = 20_000
)

// What heroes cost a node, all parts of which run: memory, and the CPU time of
// one collection of garbage. The baseline is a map of them, with nothing else.
func BenchmarkMemory(b *testing.B) {
	const size = 1_000_000
	net := &benchNet{b: b, listen: overTCP}
	m := net.run("full")
	heapBefore, residentBefore := liveHeap(), residentBytes(b)
	for part := range uint64(size / storeBatch) {
		net.tell(m, city.SourceStore, someHeroes(part, storeBatch, "full"))
	}
	heap, resident := liveHeap(), residentBytes(b)
	var spent []float64
	for b.Loop() {
		spent = append(spent, collection())
	}
	plain, plainHeap := make(map[crdt.ID]crdt.Hero), -liveHeap()
	for part := range uint64(size / storeBatch) {
		for _, h := range someHeroes(part, storeBatch, "full") {
			plain[h.ID] = h
		}
	}
	plainHeap += liveHeap()
	withPlain := []float64{collection(), collection(), collection()}
	runtime.KeepAlive(plain)
	noTime(b)
	b.ReportMetric(times(heap-heapBefore, size), "heap-B/hero")
	b.ReportMetric(times(resident-residentBefore, size), "resident-B/hero")
	b.ReportMetric(percentile(spent, 50)*1e3, "gc-cpu-ms")
	b.ReportMetric(times(heap-heapBefore, plainHeap), "heap/map")
	b.ReportMetric(percentile(spent, 50)/(percentile(withPlain, 50)-percentile(spent, 50)), "gc/map")
}

// collection is the CPU seconds that one collection of garbage takes.
func collection() float64 {
	before := collectorCPU()
	runtime.GC()
	return collectorCPU() - before
}

// How much the heap has grown once few heroes have been overwritten often,
// against all that they take. The baseline of the time is a map of them.
func BenchmarkOverwrite(b *testing.B) {
	net := &benchNet{b: b, listen: overTCP}
	m := net.run("full")
	heroes := someHeroes(1, overwritten, "full")
	writes := 0
	overwrite := func() {
		for i := range heroes {
			heroes[i].Version.HLC++
			heroes[i].Health = heroes[i].Health%crdt.HealthMax + 1
		}
		net.tell(m, city.SourceStore, heroes)
		writes += overwritten
	}
	for range remembered / overwritten {
		overwrite()
	}
	plain := make(map[crdt.ID]crdt.Hero, overwritten)
	before := liveHeap()
	writes = 0
	var took, plainTook time.Duration
	for b.Loop() {
		begun := time.Now()
		for range overwrites / overwritten {
			overwrite()
		}
		took += time.Since(begun)
		begun = time.Now()
		for range overwrites / overwritten {
			for _, h := range heroes {
				plain[h.ID] = h
			}
		}
		plainTook += time.Since(begun)
	}
	grown := liveHeap() - before
	noTime(b)
	b.ReportMetric(float64(grown)/1e3, "heap-kB")
	b.ReportMetric(times(grown, before), "heap/before")
	b.ReportMetric(times(took, writes), "ns/write")
	b.ReportMetric(times(took, plainTook), "time/map")
	b.ReportMetric(float64(writes), "writes")
}

// liveHeap is the size of the heap after a collection.
func liveHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one left to finalizers
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// residentBytes is the process's memory, after all that is free was given back.
func residentBytes(b *testing.B) int64 {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var all, resident int64
	if _, err := fmt.Sscan(string(text), &all, &resident); err != nil {
		b.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

// collectorCPU is the CPU seconds that collecting garbage has taken.
func collectorCPU() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
