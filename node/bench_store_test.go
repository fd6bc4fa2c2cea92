//go:build linux

package node

import (
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store"
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
	s, err := store.Open(b.TempDir(), store.Config{Identity: store.Identity{City: "stored", Network: DefaultNetwork, Peer: "any"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	net.store = s
	m := net.run("stored")
	heroes := someHeroes(1, durableHeroes, "stored")
	net.tell(m, city.SourceCaller, heroes)
	return calledCity{m, idsOf(heroes)}
}
