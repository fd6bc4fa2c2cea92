//go:build linux

package node

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// sustainedBatch is how many entries are brought at once.
	sustainedBatch = 1000
	// behindMax is by how many entries the slowest city may be behind before the
	// next batch is brought: less than a second's worth, and few enough that the
	// outbox drops none.
	behindMax = 20_000
)

// Distinct new entries that are brought to one city, as fast as the slowest city
// gets them, until all hold them: entries a second, and how long the last city
// lags behind. On a busy machine the entries a second of CPU time tell more. The
// baseline is libp2p itself, which copies the entries' bytes from one host to as
// many others.
func BenchmarkSustained(b *testing.B) {
	for _, over := range []struct{ name, listen string }{{"tcp", overTCP}, {"quic", overQUIC}} {
		for _, cluster := range []struct{ cities, entries int }{{2, 400_000}, {8, 200_000}} {
			for _, by := range []string{"local", "call"} {
				b.Run(over.name+"/"+sizeName(cluster.cities)+"/"+by, func(b *testing.B) {
					net := &benchNet{b: b, listen: over.listen}
					caller := bareHost(b, libp2p.NoListenAddrs)
					// A stranger may bring few heroes that no city has heard of.
					net.admins = []peer.ID{caller.ID()}
					s := sustained{net: net, cities: net.cluster(cluster.cities)}
					bring := s.locally
					if by == "call" {
						bring = s.caller(caller)
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
func (s sustained) caller(h host.Host) func([]crdt.Hero) {
	b := s.net.b
	from := callBench{
		caller: h,
		counts: &payload{BandwidthCounter: metrics.NewBandwidthCounter()},
	}
	client := protocol.NewClient(from.stream(b, s.cities[0].host, libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork))))
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
		rate, byCPU []float64
		lag         []time.Duration
		copied      []float64
	)
	bare := newBareCopy(b, s.net.listen, len(s.cities)-1)
	s.net.settled(s.cities)
	syncs, held := s.net.syncsOf(s.cities), 0
	for round := uint64(1); b.Loop(); round++ {
		heroes := someHeroes(round, entries, "c0")
		begun, spent := time.Now(), processCPU(b)
		for part := range slices.Chunk(heroes, sustainedBatch) {
			s.net.await("no city is far behind", func() bool { return s.least() >= held-behindMax })
			bring(part)
			held += len(part)
		}
		last := time.Now()
		s.net.await("all hold the same", func() bool { return equal(s.cities) })
		lag = append(lag, time.Since(last))
		rate = append(rate, float64(entries)/time.Since(begun).Seconds())
		byCPU = append(byCPU, float64(entries)/(processCPU(b)-spent).Seconds())
		copied = append(copied, float64(entries)/bare.copy(encodedBytes(heroes)).Seconds())
	}
	noTime(b)
	b.ReportMetric(percentile(rate, 50), "entries/s")
	b.ReportMetric(percentile(rate, 50)/percentile(copied, 50), "rate/copy")
	b.ReportMetric(percentile(byCPU, 50), "entries/cpu-s")
	b.ReportMetric(percentile(rate, 50)/percentile(byCPU, 50), "cpus-used")
	b.ReportMetric(percentile(lag, 50).Seconds()*1e3, "lag-ms")
	b.ReportMetric(float64(s.cities[0].deltas.Dropped()), "dropped")
	b.ReportMetric(float64(s.net.syncsOf(s.cities)-syncs), "syncs")
}

// least is how many entries the city holds that holds the fewest.
func (s sustained) least() int {
	var held []uint64
	for _, c := range s.cities {
		held = append(held, c.summary().Heroes)
	}
	return int(slices.Min(held))
}
