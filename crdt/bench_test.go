package crdt_test

import (
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func heroes(n int) (e crdt.Entries) {
	for i := range n {
		h := batman()
		h.ID = crdttest.IDOf(i)
		e.Heroes = append(e.Heroes, h)
	}
	return e
}

func BenchmarkAppendHero(b *testing.B) {
	h, buf := batman(), make([]byte, 0, crdt.HeroBytesMax)
	b.ReportAllocs()
	for b.Loop() {
		buf = crdt.AppendHero(buf[:0], h)
	}
}

func BenchmarkDecodeEntries1000(b *testing.B) {
	raw := crdt.AppendEntries(nil, heroes(1000))
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := crdt.DecodeEntries(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// One write that takes effect in a state of 100,000 heroes.
func BenchmarkMergeHero(b *testing.B) {
	const size = 100_000
	e := heroes(size)
	s := stateOf(e)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h := &e.Heroes[i%size]
		h.Version.HLC++
		h.Patrolling = !h.Patrolling
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
