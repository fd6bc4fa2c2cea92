package crdt_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// heroes returns n heroes as they were born; see heroOf.
func heroes(n int) (e crdt.Entries) {
	for i := range n {
		e.Heroes = append(e.Heroes, heroOf(i, 0))
	}
	return e
}

// heroOf returns the ith hero of a cluster of some cities after a number of
// writes: names of various lengths, stamps of today, one in five at home. Half
// of the writes begin or end a patrol.
func heroOf(i int, writes uint32) crdt.Hero {
	const today = 1_790_000_000_000 << 16
	odd := uint64(i)*0x9e3779b97f4a7c15 ^ 0xd1b54a32d192ed03
	h := crdt.Hero{
		Name:     "Hero " + strconv.Itoa(i),
		Location: []string{crdt.Home, "gotham", "metropolis", "new-york", "star-city"}[i%5],
		Health:   uint8(1 + (odd+uint64(writes))%crdt.HealthMax),
		Version: crdt.Version{
			Assigned: today + crdt.Stamp(i),
			Replica:  crdt.ReplicaID(0xfedcba9876543210 * uint64(1+i%5)),
			HLC:      today + crdt.Stamp(i) + crdt.Stamp(writes),
		},
	}
	h.Patrolling = h.Location != crdt.Home && writes&2 == 0
	binary.BigEndian.PutUint64(h.ID[:], odd)
	binary.BigEndian.PutUint64(h.ID[8:], uint64(i))
	return h
}

// A hero as the general CBOR library reads and writes it fastest.
type cborHero struct {
	_                      struct{} `cbor:",toarray"`
	ID                     []byte
	Name, Location         string
	Health                 uint8
	Patrolling             bool
	Assigned, Replica, HLC uint64
}

type cborEntries struct {
	Heroes []cborHero `cbor:"1,keyasint"`
}

func cborOf(e crdt.Entries) (w cborEntries) {
	for _, h := range e.Heroes {
		w.Heroes = append(w.Heroes, cborHero{
			ID: h.ID[:], Name: h.Name, Location: h.Location, Health: h.Health, Patrolling: h.Patrolling,
			Assigned: uint64(h.Version.Assigned), Replica: uint64(h.Version.Replica), HLC: uint64(h.Version.HLC),
		})
	}
	return w
}

// compare runs ours and the general library's way of the same thing in turn,
// and reports the median time of each for one of n entries, and how much faster
// ours is.
func compare(b *testing.B, n int, ours, theirs func() error) {
	var spent [2][]time.Duration
	for b.Loop() {
		for i, f := range []func() error{ours, theirs} {
			start := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			spent[i] = append(spent[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(spent[0])/float64(n), "ns/entry")
	b.ReportMetric(median(spent[1])/float64(n), "cbor-ns/entry")
	b.ReportMetric(median(spent[1])/median(spent[0]), "times-faster")
}

func median(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Nanoseconds())
}

func BenchmarkEncodeEntries(b *testing.B) {
	e := heroes(1000)
	w, buf := cborOf(e), []byte(nil)
	compare(b, e.Len(),
		func() error { buf = crdt.AppendEntries(buf[:0], e); return nil },
		func() error { _, err := cbor.Marshal(w); return err })
}

func BenchmarkDecodeEntries(b *testing.B) {
	e := heroes(1000)
	raw := crdt.AppendEntries(nil, e)
	compare(b, e.Len(),
		func() error { _, err := crdt.DecodeEntries(raw); return err },
		func() error { return cbor.Unmarshal(raw, new(cborEntries)) })
}

// A delta of one entry, as gossip brings it.
func BenchmarkDecodeDelta(b *testing.B) {
	raw := crdt.AppendEntries(nil, heroes(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := crdt.DecodeEntries(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// Deltas of a hundred heroes, each a new version of one that is known, decoded
// and merged: the CPU time of one entry. The baseline decodes them with the
// general library and keeps the greater version in a map, with a digest and
// nothing else.
func BenchmarkMerge(b *testing.B) {
	for _, size := range []int{100, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			ours := crdt.NewState()
			for i := range size {
				ours.MergeHero(heroOf(i, 0))
			}
			writes, chance := make([]uint32, size), rand.New(rand.NewPCG(3, 4))
			var spent, plainSpent []time.Duration
			for b.Loop() {
				spent = append(spent, cpuOf(b, rewrites(writes, chance), func(delta []byte) error {
					e, err := crdt.DecodeEntries(delta)
					ours.Merge(e, crdt.NoHorizon)
					return err
				}))
			}
			plain := make(naive) // not before, for it gives the collector of garbage work
			for i := range size {
				plain.merge(heroOf(i, 0))
			}
			for range spent {
				plainSpent = append(plainSpent, cpuOf(b, rewrites(writes, chance), plain.mergeDelta))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(spent)/deltas/deltaEntries, "cpu-ns/entry")
			b.ReportMetric(median(plainSpent)/deltas/deltaEntries, "map-cpu-ns/entry")
			b.ReportMetric(median(plainSpent)/median(spent), "times-faster")
		})
	}
}

// naive is heroes in a map, with a digest.
type naive map[crdt.ID]crdt.Hero

func (n naive) merge(h crdt.Hero) {
	if h.Version.Compare(n[h.ID].Version) > 0 {
		n[h.ID] = h
	}
}

// mergeDelta also takes the fingerprints of what it replaces and of what it
// writes, as a digest needs them.
func (n naive) mergeDelta(delta []byte) error {
	var w cborEntries
	if err := cbor.Unmarshal(delta, &w); err != nil {
		return err
	}
	var digest crdt.Digest
	for _, c := range w.Heroes {
		h := crdt.Hero{
			ID: crdt.ID(c.ID), Name: c.Name, Location: c.Location, Health: c.Health, Patrolling: c.Patrolling,
			Version: crdt.Version{Assigned: crdt.Stamp(c.Assigned), Replica: crdt.ReplicaID(c.Replica), HLC: crdt.Stamp(c.HLC)},
		}
		digest.Remove(n[h.ID].Fingerprint())
		digest.Add(h.Fingerprint())
		n.merge(h)
	}
	return nil
}

// cpuOf returns the CPU time that it takes to do something with each delta.
func cpuOf(b *testing.B, deltas [][]byte, do func([]byte) error) time.Duration {
	begun := cpuTime()
	for _, delta := range deltas {
		if err := do(delta); err != nil {
			b.Fatal(err)
		}
	}
	return cpuTime() - begun
}

const deltas = 1000

const deltaEntries = 100

// rewrites returns encoded deltas that rewrite heroes picked by chance; writes
// counts those of each hero.
func rewrites(writes []uint32, chance *rand.Rand) (all [][]byte) {
	for range deltas {
		var delta crdt.Entries
		for range deltaEntries {
			i := chance.IntN(len(writes))
			writes[i]++
			delta.Heroes = append(delta.Heroes, heroOf(i, writes[i]))
		}
		all = append(all, crdt.AppendEntries(nil, delta))
	}
	return all
}

// The first time that a state hears of its heroes.
func BenchmarkMergeNew(b *testing.B) {
	e := heroes(100_000)
	b.ReportAllocs()
	for b.Loop() {
		stateOf(e)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*e.Len()), "ns/entry")
}

// The commonest delivery: what is already known.
func BenchmarkMergeKnown(b *testing.B) {
	e := heroes(1000)
	s := stateOf(e)
	b.ReportAllocs()
	for b.Loop() {
		s.Merge(e, crdt.NoHorizon)
	}
}

func BenchmarkPage(b *testing.B) {
	s := stateOf(heroes(100_000))
	b.ReportAllocs()
	for b.Loop() {
		s.Page(0, 64<<10)
	}
}

func BenchmarkAppendPage(b *testing.B) {
	s := stateOf(heroes(100_000))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _, _, _ = s.AppendPage(buf[:0], 0, 64<<10)
	}
}

// What a state of a million heroes and a million tombstones costs: memory, and
// a full collection of garbage.
func BenchmarkCollect(b *testing.B) {
	const size = 1_000_000
	before := liveBytes()
	s := crdt.NewState()
	for i := range size {
		s.MergeHero(heroOf(i, 0))
	}
	hero := liveBytes() - before
	for i := range size {
		s.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(i)})
	}
	tombstone := liveBytes() - before - hero
	for b.Loop() {
		runtime.GC()
	}
	b.ReportMetric(float64(hero)/size, "B/hero")
	b.ReportMetric(float64(tombstone)/size, "B/tombstone")
	runtime.KeepAlive(s)
}

// liveBytes returns the size of the heap after a collection.
func liveBytes() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
