//go:build linux

package node

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	spreadCities = 8
	// apart is the time between two isolated updates: GossipSub announces each
	// for a heartbeat of a second.
	apart = 4 * time.Second
	// isolated is how many there are.
	isolated = 3
	// often is the time between two updates that are not.
	often = 15 * time.Millisecond
	// lostAfter is how long an update may be on its way.
	lostAfter = time.Second
	// spreadHeroes is for how many updates there are heroes.
	spreadHeroes = 10_000
)

// One update, made by an order to one of eight cities, until all have it: the
// time, and what all cities together send and spend for it.
func BenchmarkSpread(b *testing.B) {
	s := newSpread(b)
	b.Run("often", func(b *testing.B) { s.measure(b, often, func(int) bool { return b.Loop() }) })
	b.Run("isolated", func(b *testing.B) {
		s.measure(b, apart, func(done int) bool { return done < isolated })
	})
}

// spread is a cluster that tells when all have an update.
type spread struct {
	net     *benchNet
	cities  []*member
	heroes  []crdt.Hero
	updates int           // so far; each is of the next hero
	awaited atomic.Uint64 // of the ID of the hero whose update is on its way
	lacking atomic.Int32
	all     chan time.Time // has a time when the last has it
}

func newSpread(b *testing.B) *spread {
	s := &spread{all: make(chan time.Time, 1), heroes: someHeroes(1, spreadHeroes, "c0")}
	s.net = &benchNet{b: b, listen: overTCP, changed: func(c city.SourcedChange) {
		if markOf(c.ID) == s.awaited.Load() && s.lacking.Add(-1) == 0 {
			s.all <- time.Now()
		}
	}}
	s.cities = s.net.cluster(spreadCities)
	for _, c := range s.cities {
		s.net.tell(c, city.SourceStore, s.heroes)
	}
	for quick := 0; quick < 2*spreadCities; quick++ { // until the mesh has formed
		if took, ok := s.update(b); !ok || took > often {
			quick = 0
		}
	}
	return s
}

// markOf tells heroes apart.
func markOf(id crdt.ID) uint64 { return binary.BigEndian.Uint64(id[:]) }

// update makes one update and waits until all have it, or it is lost.
func (s *spread) update(b *testing.B) (took time.Duration, ok bool) {
	hero := s.heroes[s.updates%spreadHeroes].ID
	from := s.cities[s.updates%spreadCities]
	s.updates++
	s.lacking.Store(spreadCities)
	s.awaited.Store(markOf(hero))
	begun := time.Now()
	if _, err := from.city.Do(context.Background(), city.Assign{Hero: hero}); err != nil {
		b.Fatal(err)
	}
	select {
	case done := <-s.all:
		return done.Sub(begun), true
	case <-time.After(lostAfter):
		return lostAfter, false
	}
}

// measure makes updates. All that the cities send meanwhile is counted, and all
// that they spend; between isolated updates that is mostly of other things.
func (s *spread) measure(b *testing.B, every time.Duration, goOn func(done int) bool) {
	var (
		took []time.Duration
		lost int
	)
	<-time.After(every) // until what came before is not announced any more
	tick := time.NewTicker(every)
	defer tick.Stop()
	bytes, segments := s.net.wire.total()
	spent := processCPU(b)
	for goOn(len(took)) {
		d, ok := s.update(b)
		took = append(took, d)
		if !ok {
			lost++
		}
		<-tick.C
	}
	spent = processCPU(b) - spent
	bytesNow, segmentsNow := s.net.wire.total()
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	noTime(b)
	b.ReportMetric(ms(percentile(took, 50)), "p50-ms")
	b.ReportMetric(ms(percentile(took, 99)), "p99-ms")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(times(bytesNow-bytes, len(took)), "wire-B/update")
	b.ReportMetric(times(segmentsNow-segments, len(took)), "segments/update")
	if every == often {
		b.ReportMetric(ms(spent)/float64(len(took)), "cpu-ms/update")
	}
}
