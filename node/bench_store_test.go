//go:build linux

package node

import (
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// durableHeroes are enough that callers hardly ever meet at one.
const durableHeroes = 100_000

// Orders of many callers to a city that stores what it answers, on the disk that
// TMPDIR is on, and as the baseline to one that does not, in turn.
func BenchmarkDurable(b *testing.B) {
	bench := newCallBench(b, []int{durableHeroes})
	m := method{"assign", assignOne}
	stored := bench.storedCity(b)
	all := [][]caller{bench.callersOf(b, bench.cities[0], m, callers), bench.callersOf(b, stored, m, callers)}
	calls, took := make([]int64, len(all)), make([]time.Duration, len(all))
	for b.Loop() {
		for i, some := range all {
			n, d := callAll(b, some)
			calls[i] += n
			took[i] += d
		}
	}
	rate := func(i int) float64 { return float64(calls[i]) / took[i].Seconds() }
	noTime(b)
	b.ReportMetric(rate(0), "ephemeral/s")
	b.ReportMetric(rate(1), "durable/s")
	b.ReportMetric(rate(1)/rate(0), "durable/ephemeral")
}

// storedCity is a city that has as many heroes as the first, and a store.
func (c *callBench) storedCity(b *testing.B) calledCity {
	b.Helper()
	net := &benchNet{b: b, listen: overTCP}
	net.store = openedStore(b, b.TempDir())
	m := net.run("stored")
	heroes := someHeroes(1, durableHeroes, "stored")
	net.tell(m, city.SourceCaller, heroes)
	return calledCity{m, idsOf(heroes)}
}

func openedStore(b *testing.B, dir string) *store.Store {
	b.Helper()
	s, err := store.Open(dir, store.Config{Identity: store.Identity{City: "stored", Network: protocol.DefaultNetwork, Peer: "any"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// How long a city of a million heroes needs to answer after a start: the store is
// opened and read, and the city opens, alone. The baseline is to merge the same
// heroes into an empty state.
func BenchmarkRestart(b *testing.B) {
	const size = 1_000_000
	dir := b.TempDir()
	full := openedStore(b, dir)
	for part := range uint64(size / storeBatch) {
		batch := store.Batch{Epoch: full.Epoch(), Entries: crdt.Entries{Heroes: someHeroes(part, storeBatch, "stored")}, Lazy: true}
		if err := full.Commit(batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := full.Close(); err != nil {
		b.Fatal(err)
	}
	var restarts, merges []time.Duration
	for b.Loop() {
		begun := time.Now()
		net := &benchNet{b: b, listen: overTCP, store: openedStore(b, dir)}
		s := net.store
		m := net.run("stored")
		restarts = append(restarts, time.Since(begun))
		if got := m.summary().Heroes; got != size {
			b.Fatalf("%d heroes", got)
		}
		net.end(m)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		merges = append(merges, mergeAll(size))
	}
	restart, merge := percentile(restarts, 50), percentile(merges, 50)
	noTime(b)
	b.ReportMetric(restart.Seconds(), "restart-s")
	b.ReportMetric(merge.Seconds(), "merge-s")
	b.ReportMetric(times(restart, merge), "restart/merge")
}

// mergeAll is how long it takes to merge so many heroes into an empty state.
func mergeAll(size int) (took time.Duration) {
	state := crdt.NewState()
	for part := range uint64(size / storeBatch) {
		heroes := crdt.Entries{Heroes: someHeroes(part, storeBatch, "stored")}
		begun := time.Now()
		state.Merge(heroes, crdt.NoHorizon)
		took += time.Since(begun)
	}
	return took
}
