package sketch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/citynode/citynode/crdt/sketch"
)

func BenchmarkAdd(b *testing.B) {
	for _, m := range []int{1 << 12, 1 << 16, 1 << 20} {
		b.Run(fmt.Sprintf("m=%d", m), func(b *testing.B) {
			s, rng := sketch.New(m), rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for b.Loop() {
				s.Add(rng.Uint64())
			}
		})
	}
}

func BenchmarkReplace(b *testing.B) {
	s, rng := sketch.New(1<<16), rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		s.Replace(rng.Uint64(), rng.Uint64())
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, d := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			m := sketch.PrefixFor(d)
			mine, theirs := sketch.New(m), sketch.New(m)
			diverge(rand.New(rand.NewPCG(3, 4)), mine, theirs, d/2, d-d/2)
			own, other := mine.AppendCells(nil, m), theirs.AppendPrefix(nil, m)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := sketch.Decode(own, other); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendPrefix(b *testing.B) {
	const m = 1 << 14
	s, buf := sketch.New(m), make([]byte, 0, m*sketch.CellBytes)
	b.SetBytes(m * sketch.CellBytes)
	for b.Loop() {
		s.AppendPrefix(buf, m)
	}
}

func BenchmarkEstimate(b *testing.B) {
	mine, theirs := sketch.New(sketch.CellsMin), sketch.New(sketch.CellsMin)
	diverge(rand.New(rand.NewPCG(5, 6)), mine, theirs, 1_000, 1_000)
	own, sample := mine.AppendCells(nil, sketch.CellsMin), theirs.AppendSample(nil)
	for b.Loop() {
		if _, err := sketch.Estimate(own, sample, theirs.Len()); err != nil {
			b.Fatal(err)
		}
	}
}
