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
	// isolated is how many there are of each kind.
	isolated = 3
	// oftenTurn is how many updates that are not isolated ours makes, and then
	// the baseline.
	oftenTurn = 32
	// often is the time between two updates that are not.
	often = 15 * time.Millisecond
	// lostAfter is how long an update may be on its way.
	lostAfter = time.Second
	// spreadHeroes is for how many updates there are heroes.
	spreadHeroes = 10_000
)

// One update, made by an order to one of eight cities, until all have it: the
// time, and what all cities together send and spend for it. The baseline is
// GossipSub as it comes on as many bare hosts, with messages as large.
func BenchmarkSpread(b *testing.B) {
	s := newSpread(b)
	plain := newPlainGossip(b, spreadCities, crdt.EntriesOverheadMax+crdt.HeroSize(s.heroes[0]))
	both := func() []*spreading {
		return []*spreading{{update: s.update, wire: &s.net.wire}, {update: plain.update, wire: &plain.wire}}
	}
	b.Run("often", func(b *testing.B) {
		kinds := both()
		for b.Loop() {
			for _, k := range kinds {
				k.measure(b, often, oftenTurn)
			}
		}
		reportSpread(b, kinds)
		b.ReportMetric(ms(kinds[0].spent)/float64(len(kinds[0].took)), "cpu-ms/update")
		b.ReportMetric(times(kinds[0].spent, kinds[1].spent), "cpu/plain")
	})
	b.Run("isolated", func(b *testing.B) {
		kinds := both()
		for _, k := range kinds {
			k.measure(b, apart, isolated)
		}
		reportSpread(b, kinds)
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

// spreading is how updates of one kind have spread.
type spreading struct {
	update          func(*testing.B) (time.Duration, bool)
	wire            *wire
	took            []time.Duration
	lost            int
	bytes, segments int64
	spent           time.Duration
}

// measure makes updates. All that the hosts of its kind send meanwhile is
// counted, and all that the process spends; between isolated updates that is
// mostly of other things.
func (k *spreading) measure(b *testing.B, every time.Duration, updates int) {
	<-time.After(every) // until what came before is not announced any more
	tick := time.NewTicker(every)
	defer tick.Stop()
	bytes, segments := k.wire.total()
	spent := processCPU(b)
	for range updates {
		took, ok := k.update(b)
		k.took = append(k.took, took)
		if !ok {
			k.lost++
		}
		<-tick.C
	}
	k.spent += processCPU(b) - spent
	bytesNow, segmentsNow := k.wire.total()
	k.bytes += bytesNow - bytes
	k.segments += segmentsNow - segments
}

// reportSpread reports the first of two kinds, and compares it with the second.
func reportSpread(b *testing.B, kinds []*spreading) {
	ours, plain := kinds[0], kinds[1]
	noTime(b)
	b.ReportMetric(ms(percentile(ours.took, 50)), "p50-ms")
	b.ReportMetric(ms(percentile(ours.took, 99)), "p99-ms")
	b.ReportMetric(times(percentile(ours.took, 50), percentile(plain.took, 50)), "p50/plain")
	b.ReportMetric(float64(ours.lost), "lost")
	b.ReportMetric(times(ours.bytes, len(ours.took)), "wire-B/update")
	b.ReportMetric(times(ours.segments, len(ours.took)), "segments/update")
	b.ReportMetric(times(ours.bytes, plain.bytes), "wire/plain")
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }
