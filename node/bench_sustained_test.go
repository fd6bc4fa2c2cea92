//go:build linux

package node

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/metrics"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// sustainedBatch is how many entries are brought at once.
	sustainedBatch = 1000
	// waitingMax is how many changes may wait for gossip before the next batch:
	// none is dropped.
	waitingMax = outboxMax / 2
	// sustainedLag is how long after the last update all cities must be equal
	// for a rate to be one that the cluster sustains.
	sustainedLag = time.Second
)

// Distinct new entries that are brought to one city, as fast as it takes them
// without dropping any from gossip, until all cities hold them: entries a
// second, and how long the last city lags behind.
func BenchmarkSustained(b *testing.B) {
	for _, over := range []struct{ name, listen string }{{"tcp", overTCP}, {"quic", overQUIC}} {
		for _, cluster := range []struct{ cities, entries int }{{2, 400_000}, {8, 200_000}} {
			for _, by := range []string{"local", "call"} {
				b.Run(over.name+"/"+sizeName(cluster.cities)+"/"+by, func(b *testing.B) {
					net := &benchNet{b: b, listen: over.listen}
					s := sustained{net: net, cities: net.cluster(cluster.cities)}
					bring := s.locally
					if by == "call" {
						bring = s.caller()
					}
					s.measure(cluster.entries, bring)
				})
			}
		}
	}
}

type sustained struct {
	net    *benchNet
	cities []*member
}

// locally brings entries from within the process.
func (s sustained) locally(heroes []crdt.Hero) {
	s.net.tell(s.cities[0], city.SourceCaller, heroes)
}

// caller brings entries by the call protocol, over TCP or QUIC.
func (s sustained) caller() func([]crdt.Hero) {
	b := s.net.b
	from := callBench{
		caller: bareHost(b, libp2p.NoListenAddrs),
		counts: &payload{BandwidthCounter: metrics.NewBandwidthCounter()},
	}
	client := protocol.NewClient(from.stream(b, s.cities[0].host, libp2pprotocol.ID(protocol.CallID(DefaultNetwork))))
	b.Cleanup(func() { _ = client.Close() })
	return func(heroes []crdt.Hero) {
		if _, err := client.Update(context.Background(), crdt.Entries{Heroes: heroes}); err != nil {
			b.Fatal(err)
		}
	}
}

func (s sustained) measure(entries int, bring func([]crdt.Hero)) {
	b := s.net.b
	var (
		rate, cpu []float64
		lag       []time.Duration
	)
	for round := uint64(1); b.Loop(); round++ {
		heroes := someHeroes(round, entries, "c0")
		begun, spent := time.Now(), processCPU(b)
		for len(heroes) > 0 {
			s.net.await("gossip keeps up", func() bool { return s.waiting() < waitingMax })
			bring(heroes[:sustainedBatch])
			heroes = heroes[sustainedBatch:]
		}
		last := time.Now()
		s.net.await("all hold the same", func() bool { return equal(s.cities) })
		lag = append(lag, time.Since(last))
		rate = append(rate, float64(entries)/time.Since(begun).Seconds())
		cpu = append(cpu, times((processCPU(b)-spent).Nanoseconds(), entries))
	}
	noTime(b)
	b.ReportMetric(percentile(rate, 50), "entries/s")
	b.ReportMetric(percentile(cpu, 50), "cpu-ns/entry")
	b.ReportMetric(percentile(lag, 50).Seconds()*1e3, "lag-ms")
	b.ReportMetric(times(percentile(lag, 50), sustainedLag), "lag/bound")
	b.ReportMetric(float64(s.cities[0].gossip.outbox.drops()), "dropped")
}

// waiting is how many changes wait for gossip.
func (s sustained) waiting() int {
	o := s.cities[0].gossip.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.order)
}
