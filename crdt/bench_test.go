package crdt_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// heroes returns n heroes as a cluster of some cities has them: names of
// various lengths, stamps of today, nine in ten away from home.
func heroes(n int) (e crdt.Entries) {
	const today = 1_790_000_000_000 << 16
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		h := batman()
		binary.BigEndian.PutUint64(h.ID[:], chance.Uint64())
		binary.BigEndian.PutUint64(h.ID[8:], uint64(i))
		h.Name = "Hero " + strconv.Itoa(i)
		h.Location = []string{crdt.Home, "gotham", "metropolis", "new-york", "star-city"}[chance.IntN(5)]
		h.Patrolling = h.Location != crdt.Home && chance.IntN(2) == 0
		h.Health = uint8(1 + chance.IntN(crdt.HealthMax))
		h.Version = crdt.Version{Assigned: today, Replica: crdt.ReplicaID(chance.Uint64()), HLC: today + crdt.Stamp(i)}
		e.Heroes = append(e.Heroes, h)
	}
	return e
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
// and reports the time of ours for each of n entries and how much faster it is.
func compare(b *testing.B, n int, ours, theirs func() error) {
	var spent [2]time.Duration
	for b.Loop() {
		for i, f := range []func() error{ours, theirs} {
			start := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(start)
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N*n) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each(spent[0]), "ns/entry")
	b.ReportMetric(each(spent[1]), "cbor-ns/entry")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "times-faster")
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

// mergeBatch is the number of entries of a delta in BenchmarkMerge.
const mergeBatch = 100

// Deltas of a hundred heroes, each a new version of one that is known, decoded
// and merged: the time of one entry.
func BenchmarkMerge(b *testing.B) {
	for _, size := range []int{100, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			e := heroes(size)
			s := stateOf(e)
			chance := rand.New(rand.NewPCG(3, 4))
			chance.Shuffle(size, func(i, j int) { e.Heroes[i], e.Heroes[j] = e.Heroes[j], e.Heroes[i] })
			var raw []byte
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += mergeBatch {
				b.StopTimer()
				batch := crdt.Entries{Heroes: e.Heroes[i%size:][:mergeBatch]}
				for j := range batch.Heroes {
					rewrite(&batch.Heroes[j])
				}
				raw = crdt.AppendEntries(raw[:0], batch)
				b.StartTimer()
				decoded, err := crdt.DecodeEntries(raw)
				if err != nil {
					b.Fatal(err)
				}
				if m := s.Merge(decoded, crdt.NoHorizon); len(m.Changes) != mergeBatch {
					b.Fatal("not merged")
				}
			}
		})
	}
}

// rewrite is a patrol that begins or ends, or a fight at home.
func rewrite(h *crdt.Hero) {
	h.Version.HLC++
	h.Patrolling = !h.Patrolling && h.Location != crdt.Home
	h.Health = h.Health%crdt.HealthMax + 1
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

// One write that takes effect in a state of 100,000 heroes.
func BenchmarkMergeHero(b *testing.B) {
	const size = 100_000
	e := heroes(size)
	s := stateOf(e)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h := &e.Heroes[i%size]
		rewrite(h)
		if _, changed := s.MergeHero(*h); !changed {
			b.Fatal("not merged")
		}
	}
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
	s := stateOf(heroes(size))
	b.ReportMetric(float64(liveBytes()-before)/size, "B/hero")
	before = liveBytes()
	for i := range size {
		s.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(i)})
	}
	b.ReportMetric(float64(liveBytes()-before)/size, "B/tombstone")
	for b.Loop() {
		runtime.GC()
	}
	runtime.KeepAlive(s)
}

// liveBytes returns the size of the heap after a collection.
func liveBytes() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
